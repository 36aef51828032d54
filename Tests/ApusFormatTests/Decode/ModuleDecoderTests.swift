import ApusCollections
import ApusFormat
import Testing

/// What is refused, in which words and where.
@Suite struct ModuleDecoderTests {
    private static let header: [UInt8] = [0, 0x61, 0x73, 0x6D, 1, 0, 0, 0]

    private func error(
        _ bytes: [UInt8], features: FeatureSet = .standard, limits: DecodingLimits = .init()
    ) -> ModuleError? {
        do {
            _ = try ModuleDecoder.decode(ByteStorage(bytes), features: features, limits: limits)
            return nil
        } catch { return error }
    }

    private func expectMalformed(
        _ sections: [UInt8], _ message: String, at offset: Int,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let error = error(Self.header + sections)
        #expect(error?.kind == .malformed, sourceLocation: sourceLocation)
        #expect(error?.message == message, sourceLocation: sourceLocation)
        #expect(error?.offset == offset, sourceLocation: sourceLocation)
    }

    @Test func theEmptyModuleIsAModule() throws {
        let module = try ModuleDecoder.decode(ByteStorage(Self.header))
        #expect(module.types.isEmpty && module.functions.isEmpty && module.bodies.isEmpty)
    }

    @Test func headers() {
        #expect(error([])?.message == "unexpected end")
        #expect(error([0, 0x61, 0x73])?.message == "unexpected end")
        #expect(error([0, 0x61, 0x73, 0x6D])?.message == "unexpected end")
        #expect(error([0x61, 0x73, 0x6D, 0])?.message == "magic header not detected")
        #expect(error([0, 0x61, 0x73, 0x6D, 2, 0, 0, 0])?.message == "unknown binary version")
    }

    @Test func sections() {
        expectMalformed([14, 1, 0], "malformed section id", at: 8)
        expectMalformed([1, 5, 0], "length out of bounds", at: 10)
        expectMalformed([1, 2, 0, 0], "section size mismatch", at: 11)
        expectMalformed([1, 1, 0, 1, 1, 0], "unexpected content after last section", at: 11)
        expectMalformed([3, 1, 0, 1, 1, 0], "unexpected content after last section", at: 11)
        expectMalformed([1, 1, 1], "unexpected end of section or function", at: 11)
        expectMalformed([0, 0], "unexpected end of section or function", at: 10)
    }

    @Test func numbers() {
        expectMalformed(
            [1, 0x80, 0x80, 0x80, 0x80, 0x80, 0], "integer representation too long", at: 9)
        expectMalformed([1, 0x80, 0x80, 0x80, 0x80, 0x10], "integer too large", at: 9)
        // A signed number's unused bits must repeat its sign.
        let global: [UInt8] = [6, 10, 1, 0x7F, 0, 0x41]
        expectMalformed(
            global + [0x80, 0x80, 0x80, 0x80, 0x08, 0x0B], "integer too large", at: 14)
        expectMalformed(
            global + [0xFF, 0xFF, 0xFF, 0xFF, 0x4F, 0x0B], "integer too large", at: 14)
        #expect(error(Self.header + global + [0x80, 0x80, 0x80, 0x80, 0x78, 0x0B]) == nil)
        #expect(error(Self.header + global + [0xFF, 0xFF, 0xFF, 0xFF, 0x07, 0x0B]) == nil)
    }

    @Test func names() {
        expectMalformed([0, 3, 2, 0xC0, 0x80], "malformed UTF-8 encoding", at: 11)
        expectMalformed([0, 4, 3, 0xED, 0xA0, 0x80], "malformed UTF-8 encoding", at: 11)
        expectMalformed([0, 3, 5, 0x61, 0x62], "length out of bounds", at: 11)
    }

    @Test func countsThatMustAgree() {
        let types: [UInt8] = [1, 4, 1, 0x60, 0, 0]
        expectMalformed(
            types + [3, 2, 1, 0], "function and code section have inconsistent lengths", at: 18)
        expectMalformed(
            [12, 1, 1], "data count and data section have inconsistent lengths", at: 11)
        expectMalformed(
            [12, 1, 2, 11, 3, 1, 1, 0],
            "data count and data section have inconsistent lengths", at: 16)
    }

    @Test func kinds() {
        expectMalformed([2, 5, 1, 0, 0, 5, 0], "malformed import kind", at: 13)
        expectMalformed([7, 4, 1, 0, 5, 0], "malformed export kind", at: 12)
        expectMalformed([5, 3, 1, 16, 0], "malformed limits flags", at: 11)
        expectMalformed([4, 4, 1, 0x70, 2, 0], "malformed limits flags", at: 12)
        expectMalformed([6, 5, 1, 0x7F, 2, 0x41, 0], "malformed mutability", at: 12)
        expectMalformed([1, 4, 1, 0x60, 1, 0x40], "malformed value type", at: 13)
        expectMalformed([9, 2, 1, 8], "malformed elements segment kind", at: 11)
        expectMalformed([9, 3, 1, 1, 1], "malformed element kind", at: 12)
        expectMalformed([11, 2, 1, 3], "malformed data segment kind", at: 11)
        expectMalformed([6, 5, 1, 0x7F, 0, 0x27, 0x0B], "illegal opcode 27", at: 13)
    }

    @Test(
        arguments: [
            ([5, 3, 1, 4, 0], Feature.memory64), ([5, 4, 1, 3, 0, 1], .threads),
            ([5, 4, 1, 8, 0, 0], .customPageSizes), ([13, 3, 1, 0, 0], .exceptions),
            ([1, 3, 1, 0x5F, 0], .garbageCollection), ([1, 3, 1, 0x50, 0], .garbageCollection),
            ([1, 6, 1, 0x60, 1, 0x64, 0x70, 0], .functionReferences),
            ([1, 5, 1, 0x60, 1, 0x6E, 0], .garbageCollection),
            ([5, 5, 2, 0, 0, 0, 0], .multiMemory),
            ([4, 4, 1, 0x40, 0, 0x70], .functionReferences),
            ([6, 6, 1, 0x7F, 0, 0xFB, 0x1C, 0x0B], .garbageCollection),
        ] as [([UInt8], Feature)])
    func laterFeaturesAreNamed(sections: [UInt8], feature: Feature) {
        let found = error(Self.header + sections, features: .webAssembly2)
        #expect(found?.kind == .unsupported(feature))
    }

    @Test func switchedOffFeaturesAreNamed() {
        let none = FeatureSet(rawValue: 0)
        let multi: [UInt8] = [1, 6, 1, 0x60, 0, 2, 0x7F, 0x7F]
        #expect(error(Self.header + multi, features: none)?.kind == .unsupported(.multiValue))
        let vector: [UInt8] = [1, 5, 1, 0x60, 1, 0x7B, 0]
        #expect(error(Self.header + vector, features: none)?.kind == .unsupported(.simd))
        #expect(
            error(Self.header + [12, 1, 0], features: none)?.kind == .unsupported(.bulkMemory))
    }

    @Test func limits() {
        var limits = DecodingLimits()
        limits.types = 1
        let types: [UInt8] = [1, 7, 2, 0x60, 0, 0, 0x60, 0, 0]
        #expect(error(Self.header + types) == nil)
        let refused = error(Self.header + types, limits: limits)
        #expect(refused?.kind == .limit)
        #expect(refused?.message == "too many types")
        limits.moduleBytes = 8
        #expect(error(Self.header + types, limits: limits)?.kind == .limit)
    }

    /// A count of four thousand million must not make anybody allocate.
    @Test(arguments: [1, 2, 3, 4, 5, 6, 7, 9, 10, 11] as [UInt8])
    func countsAreNotBelieved(section: UInt8) {
        let bytes = Self.header + [section, 5, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F]
        #expect(error(bytes)?.message == "unexpected end of section or function")
    }
}
