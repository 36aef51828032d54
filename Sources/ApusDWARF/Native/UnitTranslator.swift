internal import ApusCollections

/// Rewrites what a compiler has said of a unit for WebAssembly as the same for machine code: types
/// and names stay what they are, code is where it has been compiled to, and variables are where
/// that keeps them. What cannot be said so is left out.
struct UnitTranslator {
    /// Functions of the unit that are in the code, ascending by body.
    private let functions: [NativeFunction]
    private let expressions: ExpressionTranslator
    private let pointerBytes: Int
    private let rangesStart: Int
    private(set) var ranges = DebugWriter()
    /// What has been written, from the first entry on.
    private(set) var entries = DebugWriter()
    /// Where entries have gone: from offsets in the module's section to those in the new unit.
    private var places: [Int: Int] = [:]
    private var references: [(place: Int, entry: Int)] = []

    /// Of a unit of the same bytes as in version 4: its length, version, abbreviations and size of
    /// addresses.
    static let headerBytes = 11

    static func header(entryBytes: Int) -> [UInt8] {
        var writer = DebugWriter()
        writer.word(headerBytes - 4 + entryBytes)
        writer.half(4)
        writer.word(0)
        writer.byte(8)
        return writer.bytes
    }

    init(_ functions: [NativeFunction], _ layout: NativeLayout, rangesStart: Int) {
        self.functions = functions.sorted { $0.body.lowerBound < $1.body.lowerBound }
        expressions = ExpressionTranslator(layout)
        pointerBytes = layout.pointerBytes
        self.rangesStart = rangesStart
    }

    /// An entry that is being translated.
    struct Entry {
        var tag: UInt32
        var hasChildren: Bool
        /// Its offset in the module's section.
        var offset: Int
        private(set) var attributes: [(name: UInt32, form: UInt32)] = []
        private(set) var values = DebugWriter()
        fileprivate var references: [(place: Int, entry: Int)] = []

        init(tag: UInt32, hasChildren: Bool, offset: Int) {
            self.tag = tag
            self.hasChildren = hasChildren
            self.offset = offset
        }

        mutating func add(
            _ name: UInt32, _ form: UInt32, _ write: (inout DebugWriter) -> Void = { _ in }
        ) {
            attributes.append((name, form))
            write(&values)
        }

        /// A reference to the entry at `entry` of the module's section.
        mutating func addReference(_ name: UInt32, to entry: Int) {
            references.append((values.count, entry))
            add(name, Form.reference4) { $0.word(0) }
        }

        func has(_ name: UInt32) -> Bool { attributes.contains { $0.name == name } }
    }

    // MARK: Code

    /// The function whose body is at `range`, or begins so with the number of its bytes.
    func function(at range: Range<UInt32>) -> NativeFunction? {
        let place = functions.partitioningIndex { $0.body.lowerBound >= range.lowerBound }
        guard place < functions.count else { return nil }
        return range.contains(functions[place].body.lowerBound) ? functions[place] : nil
    }

    /// Says where the code of an entry is that was at `wasm`, in `function` if it is part of one.
    mutating func addExtent(
        _ wasm: [Range<UInt32>], in function: NativeFunction?, to entry: inout Entry
    ) {
        guard let function else { return }
        if entry.tag == EntryTag.subprogram { return Self.add([function.range], to: &entry) }
        let found = Self.native(wasm, in: function)
        if found.count == 1 {
            Self.add(found, to: &entry)
        } else if !found.isEmpty {
            addRanges(found, to: &entry)
        }
    }

    /// Says that the unit has all the functions.
    mutating func addUnitExtent(to entry: inout Entry) {
        entry.add(AttributeName.lowAddress, Form.address) { $0.long(0) }
        addRanges(functions.map(\.range), to: &entry)
    }

    private static func add(_ range: [Range<UInt64>], to entry: inout Entry) {
        for range in range {
            entry.add(AttributeName.lowAddress, Form.address) { $0.long(range.lowerBound) }
            entry.add(AttributeName.highAddress, Form.data8) { writer in
                writer.long(range.upperBound - range.lowerBound)
            }
        }
    }

    private mutating func addRanges(_ list: [Range<UInt64>], to entry: inout Entry) {
        let place = rangesStart + ranges.count
        entry.add(AttributeName.ranges, Form.sectionOffset) { $0.word(place) }
        for range in list {
            ranges.long(range.lowerBound)
            ranges.long(range.upperBound)
        }
        ranges.long(0)
        ranges.long(0)
    }

    /// Where the code of instructions in `wasm` is.
    private static func native(
        _ wasm: [Range<UInt32>], in function: NativeFunction
    ) -> [Range<UInt64>] {
        var found: [Range<UInt64>] = []
        let places = function.places
        for index in places.indices
        where wasm.contains(where: { $0.contains(places[index].offset) }) {
            let end =
                index + 1 < places.count ? places[index + 1].address : function.range.upperBound
            guard places[index].address < end else { continue }
            if let last = found.last, last.upperBound == places[index].address {
                found[found.count - 1] = last.lowerBound..<end
            } else {
                found.append(places[index].address..<end)
            }
        }
        return found
    }

    // MARK: Variables

    /// Says where a variable is, or what its function's frame base is.
    func addLocation(
        _ name: UInt32, _ expression: DebugReader, _ unit: UnitEncoding,
        in function: NativeFunction?, to entry: inout Entry
    ) {
        let isFrameBase = name == AttributeName.frameBase
        guard
            let translated = expressions.translate(
                expression, unit, locals: function?.locals ?? [], isFrameBase: isFrameBase)
        else { return }
        entry.add(name, Form.expression) { writer in
            writer.leb(UInt64(translated.count))
            writer.append(translated)
        }
    }

    // MARK: Entries

    /// Writes `entry`, to which nothing is added any more.
    mutating func write(_ entry: consuming Entry, _ abbreviations: inout AbbreviationWriter) {
        let pointers = [
            EntryTag.pointerType, EntryTag.referenceType, EntryTag.rightReferenceType,
            EntryTag.memberPointerType,
        ]
        // Its size is the module's, not this machine's.
        if pointers.contains(entry.tag), !entry.has(AttributeName.byteSize) {
            let bytes = UInt8(pointerBytes)
            entry.add(AttributeName.byteSize, Form.data1) { $0.byte(bytes) }
        }
        places[entry.offset] = Self.headerBytes + entries.count
        let code = abbreviations.code(
            tag: entry.tag, hasChildren: entry.hasChildren, entry.attributes)
        entries.leb(code)
        for reference in entry.references {
            references.append((entries.count + reference.place, reference.entry))
        }
        entries.append(entry.values.bytes)
    }

    mutating func endChildren() { entries.byte(0) }

    /// Adds a variable `apus_memory` that is all of the module's memory, so that what a pointer
    /// points to can be shown.
    mutating func addMemory(_ abbreviations: inout AbbreviationWriter) {
        // Negative offsets are nobody's in the module.
        var byte = Entry(tag: EntryTag.baseType, hasChildren: false, offset: -1)
        let unsignedCharacter: UInt8 = 0x08
        byte.add(AttributeName.name, Form.string) { $0.text("unsigned char") }
        byte.add(AttributeName.byteSize, Form.data1) { $0.byte(1) }
        byte.add(AttributeName.encoding, Form.data1) { $0.byte(unsignedCharacter) }
        write(byte, &abbreviations)
        var array = Entry(tag: EntryTag.arrayType, hasChildren: true, offset: -2)
        array.addReference(AttributeName.type, to: -1)
        write(array, &abbreviations)
        write(Entry(tag: EntryTag.subrangeType, hasChildren: false, offset: -3), &abbreviations)
        endChildren()
        var memory = Entry(tag: EntryTag.variable, hasChildren: false, offset: -4)
        memory.add(AttributeName.name, Form.string) { $0.text("apus_memory") }
        memory.addReference(AttributeName.type, to: -2)
        let location = expressions.memoryBase
        memory.add(AttributeName.location, Form.expression) { writer in
            writer.leb(UInt64(location.count))
            writer.append(location)
        }
        write(memory, &abbreviations)
    }

    /// The unit.
    consuming func finish() -> [UInt8] {
        for reference in references {
            // What refers to nothing refers to the unit.
            entries.setWord(places[reference.entry] ?? Self.headerBytes, at: reference.place)
        }
        return Self.header(entryBytes: entries.count) + entries.bytes
    }
}
