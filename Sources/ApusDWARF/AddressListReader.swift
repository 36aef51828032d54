internal import ApusCollections

/// Reads a list of ranges of addresses: where an entry's code is, or where it is that a variable is
/// at some place. Specification: DWARF 5, 2.17.3 and 2.6.2, 7.25 and 7.29; before version 5, DWARF
/// 4, 2.17.3 and 2.6.2.
struct AddressListReader {
    enum Kind {
        case ranges
        /// An expression follows each range.
        case locations
    }

    /// From one address to another, and in the module's bytes the expression that holds there.
    struct Entry {
        var start: UInt64 = 0
        var end: UInt64 = 0
        var expression = 0..<0
    }

    private let kind: Kind
    private let unit: CompilationUnit
    private let sections: DebugSections
    private var reader: DebugReader
    /// What addresses are counted from that are not whole.
    private var base: UInt64

    /// The list that the attribute `list` names; nil if it names none.
    init?(
        _ list: AttributeValue, _ kind: Kind, of unit: CompilationUnit, _ sections: DebugSections
    ) throws(MalformedDebugInformation) {
        var offset = list.offset
        let isOld = unit.encoding.version < 5
        if !isOld, let index = list.listIndex {
            let lists = kind == .ranges ? unit.rangeListsBase : unit.locationListsBase
            let place = lists + index * unit.encoding.offsetBytes
            var reader = try sections.reader(
                kind == .ranges ? .rangeLists : .locationLists, at: place)
            offset = lists + (try reader.offset(unit.encoding.offsetBytes))
        }
        guard let offset else { return nil }
        switch kind {
        case .ranges: reader = try sections.reader(isOld ? .ranges : .rangeLists, at: offset)
        case .locations:
            reader = try sections.reader(isOld ? .locations : .locationLists, at: offset)
        }
        self.kind = kind
        self.unit = unit
        self.sections = sections
        base = unit.lowAddress
    }

    /// Where it is, in the module's bytes.
    var position: Int { reader.position }

    /// What comes next: an empty range if it only says what others are counted from. Nil at the
    /// end, which always comes, as each reads bytes.
    mutating func next() throws(MalformedDebugInformation) -> Entry? {
        unit.encoding.version < 5 ? try nextOld() : try nextNew()
    }

    /// As they were written before version 5.
    private mutating func nextOld() throws(MalformedDebugInformation) -> Entry? {
        let bytes = unit.encoding.addressBytes
        let newBase: UInt64 = bytes == 4 ? 0xFFFF_FFFF : .max
        let start = try reader.unsigned(bytes)
        let end = try reader.unsigned(bytes)
        if start == 0, end == 0 { return nil }
        if start == newBase {
            base = end
            return Entry()
        }
        return try entry(base &+ start, base &+ end)
    }

    /// Lists of locations have one kind more, before those with addresses.
    private static var defaultLocation: UInt8 { 5 }

    private mutating func nextNew() throws(MalformedDebugInformation) -> Entry? {
        let bytes = unit.encoding.addressBytes
        var code = try reader.byte()
        if kind == .locations {
            if code == Self.defaultLocation { return try entry(0, .max) }
            if code > Self.defaultLocation { code -= 1 }
        }
        let start: UInt64
        switch code {
        case 0: return nil
        case 1:
            base = try indexed()
            return Entry()
        case 2:
            start = try indexed()
            return try entry(start, try indexed())
        case 3:
            start = try indexed()
            return try entry(start, start &+ (try reader.leb()))
        case 4:
            start = base &+ (try reader.leb())
            return try entry(start, base &+ (try reader.leb()))
        case 5:
            base = try reader.unsigned(bytes)
            return Entry()
        case 6:
            start = try reader.unsigned(bytes)
            return try entry(start, try reader.unsigned(bytes))
        case 7:
            start = try reader.unsigned(bytes)
            return try entry(start, start &+ (try reader.leb()))
        default: throw reader.malformed()
        }
    }

    /// The address whose index comes next.
    private mutating func indexed() throws(MalformedDebugInformation) -> UInt64 {
        unit.address(.addressIndex(try reader.count()), sections) ?? 0
    }

    /// A range, with the expression that follows it, if one does.
    private mutating func entry(
        _ start: UInt64, _ end: UInt64
    ) throws(MalformedDebugInformation) -> Entry {
        guard kind == .locations else { return Entry(start: start, end: end) }
        let length = unit.encoding.version < 5 ? Int(try reader.half()) : try reader.count()
        let first = reader.position
        try reader.skip(length)
        return Entry(start: start, end: end, expression: first..<reader.position)
    }
}

extension AttributeValue {
    /// The number of a list among those of its unit.
    fileprivate var listIndex: Int? {
        switch self {
        case .rangeListIndex(let index), .locationListIndex(let index): index
        default: nil
        }
    }
}
