internal import ApusCollections
internal import ApusFormat

/// The names of a module's name section. Specification: 7.4.1.
struct NameSection {
    var module: String?
    var functions = PrintedNames()
    var types = PrintedNames()
    var tables = PrintedNames()
    var memories = PrintedNames()
    var globals = PrintedNames()
    var elements = PrintedNames()
    var data = PrintedNames()
    var tags = PrintedNames()
    var locals: [UInt32: PrintedNames] = [:]
    var labels: [UInt32: [UInt32: String]] = [:]
    var fields: [UInt32: PrintedNames] = [:]
    /// Subsections whose kinds nobody here knows, and what they have together.
    var unknownCount = 0
    var unknownBytes = 0

    init() {}

    /// Reads the contents of a name section.
    init(_ reader: ByteReader) throws(ModuleError) {
        var reader = reader
        while !reader.isAtEnd {
            let kind = try reader.readByte()
            var part = try reader.readPart(try reader.readUnsigned32())
            switch kind {
            case 0: module = try part.readName()
            case 1: functions = try Self.readNames(&part)
            case 2: locals = try Self.readInner(&part)
            case 3: try readLabels(&part)
            case 4: types = try Self.readNames(&part)
            case 5: tables = try Self.readNames(&part)
            case 6: memories = try Self.readNames(&part)
            case 7: globals = try Self.readNames(&part)
            case 8: elements = try Self.readNames(&part)
            case 9: data = try Self.readNames(&part)
            case 10: fields = try Self.readInner(&part)
            case 11: tags = try Self.readNames(&part)
            default:
                unknownCount += 1
                unknownBytes += part.remaining
            }
        }
    }

    private static func readNames(_ reader: inout ByteReader) throws(ModuleError) -> PrintedNames {
        var names = PrintedNames()
        var next: UInt64 = 0
        for _ in 0..<(try reader.readUnsigned32()) {
            names.add(try readIndex(&reader, &next), try reader.readName())
        }
        return names
    }

    /// Reads an index, which must be `next` or a later one: what is out of order could not be
    /// written again as it was.
    private static func readIndex(
        _ reader: inout ByteReader, _ next: inout UInt64
    ) throws(ModuleError) -> UInt32 {
        let start = reader.position
        let index = try reader.readUnsigned32()
        guard index >= next else { throw ModuleError(.malformed, at: start, "names out of order") }
        next = UInt64(index) + 1
        return index
    }

    private static func readInner(
        _ reader: inout ByteReader
    ) throws(ModuleError) -> [UInt32: PrintedNames] {
        var owners: [UInt32: PrintedNames] = [:]
        var next: UInt64 = 0
        for _ in 0..<(try reader.readUnsigned32()) {
            let owner = try readIndex(&reader, &next)
            owners[owner] = try readNames(&reader)
        }
        return owners
    }

    private mutating func readLabels(_ reader: inout ByteReader) throws(ModuleError) {
        var nextOwner: UInt64 = 0
        for _ in 0..<(try reader.readUnsigned32()) {
            let owner = try Self.readIndex(&reader, &nextOwner)
            var names: [UInt32: String] = [:]
            var next: UInt64 = 0
            for _ in 0..<(try reader.readUnsigned32()) {
                let index = try Self.readIndex(&reader, &next)
                names[index] = try reader.readName()
            }
            labels[owner] = names
        }
    }
}
