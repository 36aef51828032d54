internal import ApusCollections

/// The names a module's name section gives, for people: backtraces, listings, messages.
///
/// The section is a custom one, so whatever is wrong with it only means that names are missing:
/// a damaged part ends what is read, and a name that is not UTF-8 is none. Specification: 7.4.1.
public struct ModuleNames: Sendable {
    private let bytes: ByteStorage
    private var module: Text?
    private var functions: [Text] = []
    private var locals: [NestedText] = []
    private var types: [Text] = []
    private var fields: [NestedText] = []
    private var globals: [Text] = []
    private var tags: [Text] = []

    /// Where a name lies, and of what it is the name.
    private struct Text: Sendable {
        var index: UInt32
        var start: UInt32
        var count: UInt32
    }

    /// The name of something of what has index `owner`.
    private struct NestedText: Sendable {
        var owner: UInt32
        var text: Text
    }

    public init(_ module: DecodedModule) {
        bytes = module.bytes
        guard let section = module.customSections.first(where: { $0.name == "name" }) else {
            return
        }
        var reader = ByteReader(module.bytes, section.contents)
        try? read(&reader)
    }

    /// The module's own name.
    public var moduleName: String? { module.flatMap(string) }

    /// The name of function `index` (imported functions count).
    public func function(_ index: Int) -> String? { find(index, in: functions) }

    /// The name of global `index` (imported globals count).
    public func global(_ index: Int) -> String? { find(index, in: globals) }

    /// The name of tag `index` (imported tags count).
    public func tag(_ index: Int) -> String? { find(index, in: tags) }

    /// The name of a local, parameters first, of function `function`.
    public func local(_ index: Int, of function: Int) -> String? {
        find(index, of: function, in: locals)
    }

    /// The name of type `index`.
    public func type(_ index: Int) -> String? { find(index, in: types) }

    /// The name of a field of structure type `type`.
    public func field(_ index: Int, of type: Int) -> String? { find(index, of: type, in: fields) }

    private func find(_ index: Int, of owner: Int, in texts: [NestedText]) -> String? {
        var low = 0
        var high = texts.count
        while low < high {
            let middle = (low + high) / 2
            let entry = texts[middle]
            let key = (Int(entry.owner), Int(entry.text.index))
            if key == (owner, index) { return string(entry.text) }
            if key < (owner, index) { low = middle + 1 } else { high = middle }
        }
        return nil
    }

    private func find(_ index: Int, in texts: [Text]) -> String? {
        var low = 0
        var high = texts.count
        while low < high {
            let middle = (low + high) / 2
            let found = Int(texts[middle].index)
            if found == index { return string(texts[middle]) }
            if found < index { low = middle + 1 } else { high = middle }
        }
        return nil
    }

    private func string(_ text: Text) -> String? {
        bytes.string(Int(text.start)..<(Int(text.start) + Int(text.count)))
    }

    // MARK: Reading

    private mutating func read(_ reader: inout ByteReader) throws(ModuleError) {
        while !reader.isAtEnd {
            let kind = try reader.readByte()
            var part = try reader.readPart(try reader.readUnsigned32())
            switch kind {
            case 0: module = try Self.readText(0, &part)
            case 1: try Self.readMap(&part) { functions.append($0) }
            case 2: try Self.readNestedMap(&part) { locals.append($0) }
            case 4: try Self.readMap(&part) { types.append($0) }
            case 7: try Self.readMap(&part) { globals.append($0) }
            case 10: try Self.readNestedMap(&part) { fields.append($0) }
            case 11: try Self.readMap(&part) { tags.append($0) }
            default: break
            }
        }
    }

    private static func readText(
        _ index: UInt32, _ reader: inout ByteReader
    ) throws(ModuleError) -> Text {
        let count = try reader.readUnsigned32()
        let range = try reader.readBytes(Int(count))
        return Text(
            index: index, start: UInt32(truncatingIfNeeded: range.lowerBound), count: count)
    }

    /// Reads a map from indices to names. The indices must ascend.
    private static func readMap(
        _ reader: inout ByteReader, _ add: (Text) -> Void
    ) throws(ModuleError) {
        var next: UInt64 = 0
        for _ in 0..<(try reader.readUnsigned32()) {
            let index = try reader.readUnsigned32()
            guard index >= next else { throw reader.malformed("names out of order") }
            next = UInt64(index) + 1
            add(try readText(index, &reader))
        }
    }

    private static func readNestedMap(
        _ reader: inout ByteReader, _ add: (NestedText) -> Void
    ) throws(ModuleError) {
        var next: UInt64 = 0
        for _ in 0..<(try reader.readUnsigned32()) {
            let owner = try reader.readUnsigned32()
            guard owner >= next else { throw reader.malformed("names out of order") }
            next = UInt64(owner) + 1
            try readMap(&reader) { add(NestedText(owner: owner, text: $0)) }
        }
    }
}
