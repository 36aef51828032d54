import ApusCollections
import ApusFormat
import Testing

@Suite struct BranchHintsTests {
    /// A module with an imported function and two of its own, each `local.get 0 if end`, and a
    /// custom section with `contents`.
    private func module(
        _ contents: [UInt8], before: Bool = true, features: FeatureSet = .standard
    ) throws -> DecodedModule {
        let name = Array(BranchHints.sectionName.utf8)
        let section =
            [0, UInt8(name.count + 1 + contents.count), UInt8(name.count)] + name + contents
        let code: [UInt8] = [
            10, 17, 2, 7, 0, 0x20, 0, 0x04, 0x40, 0x0B, 0x0B, 7, 0, 0x20, 0, 0x04, 0x40, 0x0B, 0x0B,
        ]
        let head: [UInt8] = [
            0, 0x61, 0x73, 0x6D, 1, 0, 0, 0,
            1, 5, 1, 0x60, 1, 0x7F, 0,
            2, 7, 1, 1, 0x61, 1, 0x62, 0, 0,
            3, 3, 2, 0, 0,
        ]
        let bytes = head + (before ? section + code : code + section)
        return try ModuleDecoder.decode(ByteStorage(bytes), features: features)
    }

    private func hints(_ module: DecodedModule) -> [Bool?] {
        module.bodies.map { body in
            let range = module.branchHints.range(of: body)
            return module.branchHints.isLikely(at: Int(body.start) + 3, in: range)
        }
    }

    @Test func areFoundByOffset() throws {
        #expect(hints(try module([2, 1, 1, 3, 1, 0, 2, 1, 3, 1, 1])) == [false, true])
        #expect(hints(try module([1, 2, 1, 3, 1, 1])) == [nil, true])
        let found = try module([2, 1, 1, 3, 1, 0, 2, 1, 3, 1, 1])
        let range = found.branchHints.range(of: found.bodies[0])
        #expect(range == 0..<1)
        #expect(found.branchHints.isLikely(at: Int(found.bodies[0].start) + 2, in: range) == nil)
        // The other function's.
        #expect(found.branchHints.isLikely(at: Int(found.bodies[1].start) + 3, in: range) == nil)
    }

    /// A custom section never makes a module invalid.
    @Test(
        arguments: [
            [], [0, 0], [1, 0, 1, 3, 1, 0], [1, 3, 1, 3, 1, 0], [1, 1, 1, 3, 2, 0, 0],
            [1, 1, 1, 3, 1, 2], [1, 1, 1, 7, 1, 0], [1, 1, 2, 3, 1, 0, 3, 1, 0],
            [2, 2, 1, 3, 1, 0, 1, 1, 3, 1, 0], [1, 1, 1, 3, 1], [0xFF, 0xFF, 0xFF, 0xFF, 0x0F],
            [1, 1, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F], [1, 1, 1, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 1, 0],
        ] as [[UInt8]])
    func areNoneIfMalformed(contents: [UInt8]) throws {
        #expect(try module(contents).branchHints == BranchHints())
    }

    @Test func areNoneAfterTheCodeOrWithoutTheFeature() throws {
        let contents: [UInt8] = [1, 1, 1, 3, 1, 1]
        #expect(try module(contents, before: false).branchHints == BranchHints())
        let without = FeatureSet.standard.subtracting(FeatureSet(.branchHints))
        #expect(try module(contents, features: without).branchHints == BranchHints())
        #expect(try module(contents).branchHints != BranchHints())
    }
}
