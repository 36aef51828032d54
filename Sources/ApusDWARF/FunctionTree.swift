internal import ApusCollections

/// The functions of a unit, and those that were made part of them, by their code.
struct FunctionTree {
    /// A function's code, or a range of it.
    struct Entry {
        var range: Range<UInt32>
        /// The function's entry in its section, or that of what was inlined.
        var entry: Int
        /// How many inlined functions it is in.
        var depth: Int
        /// Where it was called, if it is inlined.
        var call: Call?
    }

    struct Call {
        var file: UInt32 = 0
        var line: UInt32 = 0
        var column: UInt32 = 0
    }

    /// In the order of the section: what is inlined follows what it is in.
    private(set) var entries: [Entry] = []
    /// Functions of depth 0, ascending by where they begin: places in `entries`.
    private var functions: [Int] = []

    /// Deeper trees have no meaning.
    private static var depthLimit: Int { 512 }

    /// Of nothing.
    init() {}

    /// Reads the entries of `unit`. What follows something that is wrong is left out.
    init(
        _ unit: CompilationUnit, _ sections: DebugSections, _ tables: inout AbbreviationTables,
        _ budget: inout WorkBudget
    ) {
        try? read(unit, sections, &tables, &budget)
        functions = entries.indices.filter { entries[$0].call == nil }
        functions.sort { entries[$0].range.lowerBound < entries[$1].range.lowerBound }
    }

    private mutating func read(
        _ unit: CompilationUnit, _ sections: DebugSections, _ tables: inout AbbreviationTables,
        _ budget: inout WorkBudget
    ) throws(MalformedDebugInformation) {
        var reader = DebugReader(sections.bytes, unit.entries)
        let table = try tables.table(at: unit.abbreviationsOffset, sections, &budget)
        // How many inlined functions each open entry is in.
        var depths: [Int] = []
        while !reader.isAtEnd {
            try budget.spend(at: reader.position)
            let place = reader.position - sections[.information].lowerBound
            let code = try reader.leb()
            if code == 0 {
                // The root has been left.
                if depths.popLast() == nil || depths.isEmpty { return }
                continue
            }
            guard let shape = table[code] else { throw reader.malformed() }
            let outer = depths.last ?? -1
            let found = try readEntry(
                &reader, shape, table, unit, at: place, in: outer, sections, &budget)
            if shape.hasChildren {
                if depths.count >= Self.depthLimit { throw reader.malformed() }
                depths.append(found ? outer + 1 : outer)
            } else if depths.isEmpty {
                return
            }
        }
    }

    /// Whether it is a function with code.
    private mutating func readEntry(
        _ reader: inout DebugReader, _ shape: Abbreviations.Shape, _ table: Abbreviations,
        _ unit: CompilationUnit, at place: Int, in outer: Int, _ sections: DebugSections,
        _ budget: inout WorkBudget
    ) throws(MalformedDebugInformation) -> Bool {
        let isInlined = shape.tag == EntryTag.inlinedSubroutine
        let isFunction = isInlined || shape.tag == EntryTag.subprogram
        var call = Call()
        let attributes = table.attributes(of: shape)
        let extent = try reader.readValues(of: attributes, unit.encoding, &budget) {
            attribute, value in
            switch attribute.name {
            case AttributeName.callFile: call.file = value.number ?? 0
            case AttributeName.callLine: call.line = value.number ?? 0
            case AttributeName.callColumn: call.column = value.number ?? 0
            default: break
            }
        }
        guard isFunction, extent.isKnown, isInlined == (outer >= 0) else { return false }
        for range in try extent.ranges(of: unit, sections, &budget) {
            entries.append(
                Entry(
                    range: range, entry: place, depth: outer + 1, call: isInlined ? call : nil))
        }
        return true
    }

    /// Compilers make functions part of others less deep.
    private static var foundLimit: Int { 64 }

    /// The functions that the code at `address` belongs to, outermost first, down to a depth at
    /// which nobody would read of them any more.
    func entries(at address: UInt32, _ budget: inout WorkBudget) -> [Entry] {
        let place = functions.partitioningIndex { entries[$0].range.lowerBound > address } - 1
        guard place >= 0, entries[functions[place]].range.contains(address) else { return [] }
        let outermost = functions[place]
        var found = [entries[outermost]]
        var next = outermost + 1
        while next < entries.endIndex, found.count < Self.foundLimit, !budget.isSpent {
            budget.take(1)
            let entry = entries[next]
            // Functions in several pieces have their inlined ones behind the last.
            if entry.call == nil, entry.entry != found[0].entry { break }
            if entry.depth == found.count, entry.range.contains(address) { found.append(entry) }
            next += 1
        }
        return found
    }

    /// The function that the code at `address` belongs to, in all its pieces, and those that were
    /// made part of it.
    func family(at address: UInt32, _ budget: inout WorkBudget) -> ArraySlice<Entry> {
        let place = functions.partitioningIndex { entries[$0].range.lowerBound > address } - 1
        guard place >= 0, entries[functions[place]].range.contains(address) else { return [] }
        let own = entries[functions[place]].entry
        let first = entries.partitioningIndex { $0.entry >= own }
        let end = entries[first...].firstIndex { $0.call == nil && $0.entry != own }
        let family = entries[first..<(end ?? entries.endIndex)]
        budget.take(family.count)
        return family
    }

    /// All functions that are not inlined: their entries in the section and where they are.
    var outermost: [Entry] { functions.map { entries[$0] } }
}
