import ApusCollections
import ApusFormat
import Testing

@testable import ApusText

/// Texts of modules that name what has a long name once for each of their bytes.
@Suite struct TextLengthTests {
    /// A name that takes five letters for each of its bytes.
    private static let name = [UInt8](repeating: 1, count: 250)

    private static func number(_ value: Int) -> [UInt8] {
        value < 0x80 ? [UInt8(value)] : [UInt8(value & 0x7F) | 0x80] + number(value >> 7)
    }

    private static func part(_ id: UInt8, _ contents: [UInt8]) -> [UInt8] {
        [id] + number(contents.count) + contents
    }

    /// Names the only thing of a kind; labels are those of function 0.
    private static func names(_ kind: UInt8) -> [UInt8] {
        let own: [UInt8] = [1, 0] + number(name.count) + name
        let section = Array("name".utf8)
        return part(0, [4] + section + part(kind, kind == 3 ? [1, 0] + own : own))
    }

    private static func isTooLong(_ sections: [UInt8]) -> Bool {
        let header: [UInt8] = [0, 0x61, 0x73, 0x6D, 1, 0, 0, 0]
        do throws(ModuleError) {
            _ = try TextFormat.print(ByteStorage(header + sections))
            return false
        } catch {
            return error.kind == .limit
        }
    }

    private static let count = 40_000
    private static let zeros = number(count) + [UInt8](repeating: 0, count: count)

    private static func function(_ code: [UInt8]) -> [UInt8] {
        let body: [UInt8] = [0] + code + [0x0B]
        return part(1, [1, 0x60, 0, 0]) + part(3, [1, 0])
            + part(10, [1] + number(body.count) + body)
    }

    @Test func functionsOfElements() {
        #expect(Self.isTooLong(Self.part(9, [1, 1, 0] + Self.zeros) + Self.names(1)))
        #expect(!Self.isTooLong(Self.part(9, [1, 1, 0] + Self.zeros)))
    }

    @Test func targetsOfBranches() {
        let code = [0x02, 0x40, 0x0E] + Self.zeros + [0, 0x0B]
        #expect(Self.isTooLong(Self.function(code) + Self.names(3)))
        #expect(!Self.isTooLong(Self.function(code)))
    }

    @Test func handlers() {
        let clauses = (0..<Self.count).flatMap { _ in [0, 0, 0] as [UInt8] }
        let code = [0x1F, 0x40] + Self.number(Self.count) + clauses + [0x0B]
        #expect(Self.isTooLong(Self.function(code) + Self.names(11)))
        #expect(!Self.isTooLong(Self.function(code)))
    }

    @Test func exports() {
        let exports = (0..<Self.count).flatMap { _ in [0, 0, 0] as [UInt8] }
        let section = Self.part(7, Self.number(Self.count) + exports)
        #expect(Self.isTooLong(section + Self.names(1)))
        #expect(!Self.isTooLong(section))
    }

    @Test func parametersAndFields() {
        let references = (0..<Self.count).flatMap { _ in [0x64, 0] as [UInt8] }
        let function = [0x60] + Self.number(Self.count) + references + [0]
        #expect(Self.isTooLong(Self.part(1, [1] + function) + Self.names(4)))
        let fields = (0..<Self.count).flatMap { _ in [0x64, 0, 0] as [UInt8] }
        let structure = [0x5F] + Self.number(Self.count) + fields
        #expect(Self.isTooLong(Self.part(1, [1] + structure) + Self.names(4)))
    }
}
