internal import ApusCollections

/// What the DWARF sections of a module say of its code. Units are read when they are first asked
/// for, each once.
struct DebugInformation {
    let sections: DebugSections
    /// For reading units, once for all who ask.
    private var budget: WorkBudget
    /// For what is being asked. When it is spent, what is looked up is found no more.
    var lookup = WorkBudget.lookup
    var tables = AbbreviationTables()
    private var paths = KnownPaths()
    private var isIndexed = false
    private var units: [CompilationUnit] = []
    /// Ascending by start.
    private var ranges: [(range: Range<UInt32>, unit: Int)] = []
    private var details: [Int: UnitDetails] = [:]

    /// What is read of a unit when it is asked for.
    private struct UnitDetails {
        var lines: LineTable
        var functions: FunctionTree
    }

    /// Entries of units, read when somebody asks for variables.
    private var unitEntries: [Int: DebugEntries] = [:]

    /// All entries of unit `index`.
    mutating func entries(ofUnit index: Int) -> DebugEntries {
        if let known = unitEntries[index] { return known }
        if budget.isSpent { return DebugEntries() }
        let read = DebugEntries(units[index], sections, &tables, &budget)
        unitEntries[index] = read
        return read
    }

    /// What `sections` say, of which nothing is read yet.
    init(_ sections: DebugSections) {
        self.sections = sections
        budget = WorkBudget(sectionBytes: sections.byteCount)
    }

    /// Finds out which units there are, and where their code is.
    private mutating func index() {
        isIndexed = true
        try? readUnits()
        for index in units.indices {
            var covered = units[index].ranges
            if covered.isEmpty { covered = read(index).lines.sequences.map { $0.start..<$0.end } }
            ranges += covered.map { ($0, index) }
        }
        ranges.sort { $0.range.lowerBound < $1.range.lowerBound }
    }

    private mutating func readUnits() throws(MalformedDebugInformation) {
        var reader = try sections.reader(.information)
        while !reader.isAtEnd {
            if let unit = try CompilationUnit(&reader, sections, &tables, &budget) {
                units.append(unit)
            }
        }
    }

    private mutating func read(_ index: Int) -> UnitDetails {
        if let known = details[index] { return known }
        if budget.isSpent { return UnitDetails(lines: LineTable(), functions: FunctionTree()) }
        let unit = units[index]
        let lines = unit.lineTable.map {
            LineProgram.table(sections, at: $0, of: unit.encoding, &budget)
        }
        let read = UnitDetails(
            lines: lines ?? LineTable(),
            functions: FunctionTree(unit, sections, &tables, &budget))
        details[index] = read
        return read
    }

    /// The unit that the code at `address` is of.
    mutating func unit(at address: UInt32) -> Int? {
        if !isIndexed { index() }
        let place = ranges.partitioningIndex { $0.range.lowerBound > address } - 1
        guard place >= 0, ranges[place].range.contains(address) else { return nil }
        return ranges[place].unit
    }

    // MARK: Looking up

    /// The functions of the source that the instruction at `address` belongs to, innermost first.
    mutating func frames(at address: UInt32) -> [SourceFrame] {
        guard !lookup.isSpent, let index = unit(at: address) else { return [] }
        let unit = units[index]
        let details = read(index)
        let row = details.lines.row(at: address)
        var position = row.flatMap {
            self.position($0.file, $0.line, UInt32($0.column), details.lines, unit)
        }
        var frames: [SourceFrame] = []
        for entry in details.functions.entries(at: address, &lookup).reversed() {
            frames.append(SourceFrame(function: name(of: entry.entry, index), position: position))
            guard let call = entry.call else { break }
            position = self.position(call.file, call.line, call.column, details.lines, unit)
        }
        if frames.isEmpty, position != nil {
            frames.append(SourceFrame(function: nil, position: position))
        }
        // Half of the truth would be taken for all of it.
        return lookup.isSpent ? [] : frames
    }

    /// Where the lines change in the code at `addresses`: each place holds up to the next.
    mutating func lines(in addresses: Range<UInt32>) -> SourceLines<UInt32> {
        var found = SourceLines<UInt32>()
        guard !addresses.isEmpty,
            let index = unit(at: addresses.lowerBound) ?? unit(at: addresses.upperBound - 1)
        else { return found }
        let unit = units[index]
        let lines = read(index).lines
        var files = FileNumbers()
        for row in lines.rows(in: addresses) where row.line > 0 {
            guard let file = files.number(of: row.file, { path(ofFile: $0, lines, unit) }) else {
                continue
            }
            found.rows.append(
                SourceLines.Row(
                    offset: row.address, file: file, line: Int(row.line), column: Int(row.column)))
        }
        found.files = files.paths
        return found
    }

    private mutating func position(
        _ file: UInt32, _ line: UInt32, _ column: UInt32, _ lines: LineTable,
        _ unit: CompilationUnit
    ) -> SourcePosition? {
        guard line > 0, let path = path(ofFile: file, lines, unit) else { return nil }
        return SourcePosition(file: path, line: Int(line), column: Int(column))
    }

    private mutating func path(
        ofFile number: UInt32, _ lines: LineTable, _ unit: CompilationUnit
    ) -> String? {
        guard let file = lines.file(number) else { return nil }
        let key = KnownPaths.Key(unit: unit.encoding.unitStart, file: number)
        if let known = paths[key] { return known }
        guard let path = path(of: file, lines, unit) else { return nil }
        paths[key] = path
        return path
    }

    /// Paths are not longer: what is, is shown without the folders before it.
    private static var pathLimit: Int { 4096 }

    private mutating func path(
        of file: LineTable.File, _ lines: LineTable, _ unit: CompilationUnit
    ) -> String? {
        guard var path = text(file.name, of: unit) else { return nil }
        if !Self.isAbsolute(path), lines.directories.indices.contains(file.directory),
            let directory = text(lines.directories[file.directory], of: unit)
        {
            path = Self.joined(directory, path)
        }
        if !Self.isAbsolute(path), let own = unit.directory, let directory = text(own, of: unit) {
            path = Self.joined(directory, path)
        }
        return path
    }

    /// The text that `value` is or names in `unit`; nil if it is none.
    mutating func text(_ value: AttributeValue, of unit: CompilationUnit) -> String? {
        guard !lookup.isSpent, let text = unit.text(value, sections) else { return nil }
        lookup.take(text.utf8.count)
        return text
    }

    private static func isAbsolute(_ path: String) -> Bool {
        let bytes = path.utf8
        return bytes.first == UInt8(ascii: "/") || bytes.dropFirst().first == UInt8(ascii: ":")
    }

    private static func joined(_ directory: String, _ path: String) -> String {
        directory.isEmpty || directory == "."
            || directory.utf8.count + path.utf8.count >= pathLimit
            ? path : directory.hasSuffix("/") ? directory + path : directory + "/" + path
    }

    // MARK: Whole functions

    /// What the code at `addresses`, that of one function, comes from: each stretch of it from a
    /// line of a function or of one that was made part of it. Nil if nothing is said of it.
    mutating func outline(of addresses: Range<UInt32>) -> SourceOutline<UInt32>? {
        guard !addresses.isEmpty, !lookup.isSpent,
            let index = unit(at: addresses.lowerBound) ?? unit(at: addresses.upperBound - 1)
        else { return nil }
        let unit = units[index]
        let details = read(index)
        let rows = details.lines.rows(in: addresses)
        guard let first = rows.first else { return nil }
        let entries = details.functions.family(
            at: max(first.address, addresses.lowerBound), &lookup)
        lookup.take(rows.count)
        if lookup.isSpent { return nil }
        var outline = SourceOutline<UInt32>()
        var functions: [Int: Int] = [:]
        for entry in entries where functions[entry.entry] == nil {
            functions[entry.entry] = functions.count
            let (names, position) = declaration(of: entry.entry, index)
            outline.functions.append(
                SourceOutline.Function(
                    name: names.name, linkageName: names.linkageName, declaration: position,
                    start: entry.range.lowerBound))
        }
        var innermost = InnermostEntries(Array(entries))
        var files = FileNumbers()
        for place in rows.indices {
            let row = rows[place]
            let next = place + 1 < rows.endIndex ? rows[place + 1].address : addresses.upperBound
            let start = max(row.address, addresses.lowerBound)
            let end = min(next, addresses.upperBound)
            guard row.line > 0, start < end,
                let file = files.number(
                    of: row.file, { path(ofFile: $0, details.lines, unit) })
            else { continue }
            innermost.divide(start..<end) { part, entry in
                outline.stretches.append(
                    SourceOutline.Stretch(
                        range: part, file: file, line: Int(row.line), column: Int(row.column),
                        function: entry.flatMap { functions[$0] } ?? 0))
            }
        }
        outline.files = files.paths
        return outline.stretches.isEmpty ? nil : outline
    }

    // MARK: For machine code

    var unitIndices: Range<Int> {
        mutating get {
            if !isIndexed { index() }
            return units.indices
        }
    }

    func unit(_ index: Int) -> CompilationUnit { units[index] }

    mutating func lines(ofUnit index: Int) -> LineTable { read(index).lines }

    /// Where the functions of unit `index` begin.
    mutating func functionStarts(ofUnit index: Int) -> [UInt32] {
        read(index).functions.outermost.map(\.range.lowerBound)
    }

    /// The paths of the files that unit `index` names.
    mutating func paths(ofUnit index: Int) -> [String] {
        let lines = read(index).lines
        return lines.files.indices.map { place in
            path(ofFile: UInt32(place + lines.firstFile), lines, units[index]) ?? ""
        }
    }

    // MARK: Names

    /// Names are told by what an entry refers to, which may refer further: not far.
    private static var referenceLimit: Int { 6 }

    /// The name of the function whose entry is at `offset` of its section, in unit `index`.
    private mutating func name(of offset: Int, _ index: Int) -> String? {
        let (found, _) = declaration(of: offset, index)
        return found.linkageName ?? found.name
    }

    /// The names of that function, and where it is declared.
    private mutating func declaration(
        of offset: Int, _ index: Int
    ) -> (names: NamedEntry, position: SourcePosition?) {
        var offset = offset
        var index = index
        var found = NamedEntry()
        var position: SourcePosition?
        for _ in 0..<Self.referenceLimit {
            guard let next = try? entry(at: offset, index) else { break }
            found.linkageName = found.linkageName ?? next.linkageName
            found.name = found.name ?? next.name
            if position == nil, let file = next.file, let line = next.line {
                position = self.position(file, line, 0, read(index).lines, units[index])
            }
            guard let origin = next.origin else { break }
            offset = origin
            let place = units.partitioningIndex { $0.encoding.unitStart > origin } - 1
            guard place >= 0 else { break }
            index = place
        }
        return (found, position)
    }

    private struct NamedEntry {
        var name: String?
        var linkageName: String?
        var file: UInt32?
        var line: UInt32?
        var origin: Int?
    }

    private mutating func entry(
        at offset: Int, _ index: Int
    ) throws(MalformedDebugInformation) -> NamedEntry {
        let unit = units[index]
        let place = sections[.information].lowerBound + offset
        guard unit.entries.contains(place) else { throw MalformedDebugInformation(offset: place) }
        var reader = DebugReader(sections.bytes, place..<unit.entries.upperBound)
        let table = try tables.table(at: unit.abbreviationsOffset, sections, &lookup)
        guard let shape = table[try reader.leb()] else { throw reader.malformed() }
        var found = NamedEntry()
        for attribute in table.attributes(of: shape) {
            let start = reader.position
            let value = try reader.value(attribute, unit.encoding)
            try lookup.spend(from: start, to: reader)
            switch attribute.name {
            case AttributeName.name: found.name = text(value, of: unit)
            case AttributeName.linkageName, AttributeName.oldLinkageName:
                found.linkageName = text(value, of: unit)
            case AttributeName.declarationFile: found.file = value.number
            case AttributeName.declarationLine: found.line = value.number
            case AttributeName.abstractOrigin, AttributeName.specification:
                if case .reference(let origin) = value { found.origin = origin }
            default: break
            }
        }
        return found
    }
}
