import ApusCollections
import ApusFormat
import Testing

@Suite struct ModuleNamesTests {
    private func names(_ section: [UInt8]) throws -> ModuleNames {
        var builder = ModuleBuilder()
        builder.addCustomSection("name", section)
        return ModuleNames(try builder.build())
    }

    /// Module "m"; functions 1 "a", 300 "bc"; locals 0 "x" and 2 "y" of 1, 0 "z" of 4; global 0.
    private static let good: [UInt8] =
        [0, 2, 1, 0x6D]
        + [1, 9, 2, 1, 1, 0x61, 0xAC, 2, 2, 0x62, 0x63]
        + [2, 14, 2, 1, 2, 0, 1, 0x78, 2, 1, 0x79, 4, 1, 0, 1, 0x7A]
        + [7, 4, 1, 0, 1, 0x67]

    @Test func namesAreFound() throws {
        let names = try names(Self.good)
        #expect(names.moduleName == "m")
        #expect(names.function(1) == "a")
        #expect(names.function(300) == "bc")
        #expect(names.function(0) == nil)
        #expect(names.function(301) == nil)
        #expect(names.local(0, of: 1) == "x")
        #expect(names.local(2, of: 1) == "y")
        #expect(names.local(1, of: 1) == nil)
        #expect(names.local(0, of: 4) == "z")
        #expect(names.global(0) == "g")
    }

    /// Types 0 "p" and 2 "q"; fields 0 "x" and 3 "y" of type 2.
    @Test func typesAndFieldsHaveNames() throws {
        let names = try names(
            [4, 7, 2, 0, 1, 0x70, 2, 1, 0x71] + [10, 9, 1, 2, 2, 0, 1, 0x78, 3, 1, 0x79])
        #expect((0..<4).map { names.type($0) } == ["p", nil, "q", nil])
        #expect((0..<4).map { names.field($0, of: 2) } == ["x", nil, nil, "y"])
        #expect(names.field(0, of: 0) == nil)
    }

    @Test func aModuleWithoutTheSectionHasNone() throws {
        let names = ModuleNames(try ModuleBuilder().build())
        #expect(names.moduleName == nil)
        #expect(names.function(0) == nil)
    }

    /// Whatever is cut off or changed, the rest does not become wrong, and nothing stops.
    @Test func damageMeansMissingNames() throws {
        for length in Self.good.indices {
            let names = try names(Array(Self.good[..<length]))
            let name = names.function(1)
            #expect(name == nil || name == "a")
        }
        for place in Self.good.indices {
            for value in [0, 1, 0x7F, 0x80, 0xFF] as [UInt8] {
                var section = Self.good
                section[place] = value
                let names = try names(section)
                for index in 0..<5 {
                    _ = names.function(index)
                    _ = names.local(0, of: index)
                }
            }
        }
    }

    @Test func namesOutOfOrderAreNotBelieved() throws {
        let names = try names([1, 7, 2, 3, 1, 0x61, 1, 1, 0x62])
        #expect(names.function(1) == nil)
        #expect(names.function(3) == "a")
    }

    @Test func namesThatAreNotTextAreNone() throws {
        #expect(try names([1, 4, 1, 0, 1, 0xFF]).function(0) == nil)
    }
}
