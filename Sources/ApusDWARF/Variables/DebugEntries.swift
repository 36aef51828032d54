internal import ApusCollections

/// An entry of a unit, as far as it says something of variables and their types.
struct DebugEntry {
    var tag: UInt32
    /// In the section.
    var offset: Int
    /// How many entries it is in.
    var depth: Int
    /// Position of the first entry behind it and those in it.
    var end = 0
    var name: AttributeValue?
    /// The entry of its type, or of what it is an instance of.
    var type: Int?
    var origin: Int?
    var byteSize: UInt64?
    var encoding: UInt64?
    var constant: UInt64?
    var memberOffset: UInt64?
    var bitSize: UInt64?
    var bitOffset: UInt64?
    var upperBound: UInt64?
    var count: UInt64?
    var isDeclaration = false
    /// Where expressions are in the module's bytes: of a variable's place, a function's frame.
    var location: Range<Int>?
    /// Or where those are that hold at some instructions each.
    var locationList: AttributeValue?
    var frameBase: Range<Int>?
    var ranges: [Range<UInt32>] = []
}

/// All entries of a unit, in their order, which is that of a tree.
struct DebugEntries {
    private(set) var entries: [DebugEntry] = []

    /// Deeper trees have no meaning.
    private static var depthLimit: Int { 512 }

    /// No entries.
    init() {}

    /// Reads the entries of `unit`. What follows something that is wrong is left out.
    init(
        _ unit: CompilationUnit, _ sections: DebugSections, _ tables: inout AbbreviationTables,
        _ budget: inout WorkBudget
    ) {
        try? read(unit, sections, &tables, &budget)
        closeEntries()
    }

    private mutating func read(
        _ unit: CompilationUnit, _ sections: DebugSections, _ tables: inout AbbreviationTables,
        _ budget: inout WorkBudget
    ) throws(MalformedDebugInformation) {
        var reader = DebugReader(sections.bytes, unit.entries)
        let table = try tables.table(at: unit.abbreviationsOffset, sections, &budget)
        var depth = 0
        while !reader.isAtEnd {
            let offset = reader.position - sections[.information].lowerBound
            let code = try reader.leb()
            if code == 0 {
                depth -= 1
                if depth <= 0 { return }
                continue
            }
            guard let shape = table[code], depth < Self.depthLimit else {
                throw reader.malformed()
            }
            var entry = DebugEntry(tag: shape.tag, offset: offset, depth: depth)
            let attributes = table.attributes(of: shape)
            let extent = try reader.readValues(of: attributes, unit.encoding, &budget) {
                entry.take($0.name, $1)
            }
            if extent.isKnown { entry.ranges = try extent.ranges(of: unit, sections, &budget) }
            entries.append(entry)
            if shape.hasChildren { depth += 1 }
            if depth == 0 { return }
        }
    }

    /// Finds out where each entry's own ones end.
    private mutating func closeEntries() {
        var open: [Int] = []
        for place in entries.indices {
            while let last = open.last, entries[last].depth >= entries[place].depth {
                entries[last].end = place
                open.removeLast()
            }
            open.append(place)
        }
        for place in open { entries[place].end = entries.count }
    }

    /// Position of the entry at `offset` of the section.
    func position(at offset: Int) -> Int? {
        let place = entries.partitioningIndex { $0.offset >= offset }
        guard place < entries.count, entries[place].offset == offset else { return nil }
        return place
    }

    /// Positions of the entries that lie directly in the one at `place`.
    func children(of place: Int) -> [Int] {
        var found: [Int] = []
        var next = place + 1
        while next < entries[place].end {
            found.append(next)
            next = max(entries[next].end, next + 1)
        }
        return found
    }
}

extension DebugEntry {
    /// Takes what an attribute says.
    fileprivate mutating func take(_ attribute: UInt32, _ value: AttributeValue) {
        var number: UInt64?
        if case .constant(let constant) = value { number = constant }
        var reference: Int?
        if case .reference(let offset) = value { reference = offset }
        var block: Range<Int>?
        if case .block(let range) = value { block = range }
        switch attribute {
        case AttributeName.name: name = value
        case AttributeName.type: type = reference
        case AttributeName.abstractOrigin, AttributeName.specification: origin = reference
        case AttributeName.byteSize: byteSize = number
        case AttributeName.encoding: self.encoding = number
        case AttributeName.constantValue: constant = number
        case AttributeName.memberOffset: memberOffset = number
        case AttributeName.bitSize: bitSize = number
        case AttributeName.dataBitOffset: bitOffset = number
        case AttributeName.upperBound: upperBound = number
        case AttributeName.count: count = number
        case AttributeName.declaration: isDeclaration = number != 0
        case AttributeName.location:
            location = block
            if block == nil { locationList = value }
        case AttributeName.frameBase: frameBase = block
        default: break
        }
    }
}
