internal import ApusCollections

/// What comes before the instructions of a line program. Specification: DWARF 5, 6.2.4.
struct LineProgramHeader {
    var version: UInt16 = 0
    private var unit = UnitEncoding()
    var addressBytes: Int { unit.addressBytes }
    var instructionBytes: UInt8 = 1
    var lineBase = 0
    var lineRange = 1
    var opcodeBase: UInt8 = 1
    /// How many operands each standard instruction has.
    var operandCounts: [UInt8] = []

    /// Reads the header into `table`. `reader` is at the program's start, and at its first
    /// instruction afterwards.
    init(
        _ reader: inout DebugReader, of unit: UnitEncoding, _ table: inout LineTable,
        _ budget: inout WorkBudget
    ) throws(MalformedDebugInformation) {
        let (length, offsetBytes) = try reader.unitLength()
        try reader.limit(to: length)
        self.unit = unit
        self.unit.offsetBytes = offsetBytes
        version = try reader.half()
        guard version >= 2, version <= 5 else { throw reader.malformed() }
        self.unit.version = version
        if version == 5 {
            self.unit.addressBytes = Int(try reader.byte())
            try reader.skip(1)
        }
        let headerLength = try reader.offset(offsetBytes)
        var program = reader
        try program.skip(headerLength)
        instructionBytes = try reader.byte()
        if version >= 4 { try reader.skip(1) }
        try reader.skip(1)
        lineBase = try reader.signedByte()
        lineRange = Int(try reader.byte())
        opcodeBase = try reader.byte()
        guard lineRange > 0, opcodeBase > 0 else { throw reader.malformed() }
        for _ in 1..<max(opcodeBase, 1) { operandCounts.append(try reader.byte()) }
        if version == 5 {
            try readTables(&reader, &table, &budget)
        } else {
            try readOldTables(&reader, &table, &budget)
        }
        reader = program
    }

    // MARK: Files

    private func readOldTables(
        _ reader: inout DebugReader, _ table: inout LineTable, _ budget: inout WorkBudget
    ) throws(MalformedDebugInformation) {
        table.firstFile = 1
        // Number 0 is the unit's own directory.
        table.directories = [.other]
        while true {
            let start = try reader.skipText()
            try budget.spend(from: start, to: reader)
            if reader.position == start + 1 { break }
            table.directories.append(.text(start))
        }
        while true {
            let start = try reader.skipText()
            try budget.spend(from: start, to: reader)
            if reader.position == start + 1 { break }
            table.files.append(try Self.oldFile(named: start, &reader))
        }
    }

    /// The rest of a file whose name is at `start`.
    static func oldFile(
        named start: Int, _ reader: inout DebugReader
    ) throws(MalformedDebugInformation) -> LineTable.File {
        let directory = try reader.count()
        _ = try reader.leb()
        _ = try reader.leb()
        return LineTable.File(name: .text(start), directory: directory)
    }

    private func readTables(
        _ reader: inout DebugReader, _ table: inout LineTable, _ budget: inout WorkBudget
    ) throws(MalformedDebugInformation) {
        try forEachEntry(&reader, &budget) { name, _ in table.directories.append(name) }
        try forEachEntry(&reader, &budget) { name, directory in
            table.files.append(LineTable.File(name: name, directory: directory))
        }
    }

    private static let pathContent = 1
    private static let directoryContent = 2

    /// Reads a format and the entries that are written in it.
    private func forEachEntry(
        _ reader: inout DebugReader, _ budget: inout WorkBudget,
        _ body: (AttributeValue, Int) -> Void
    ) throws(MalformedDebugInformation) {
        var formats: [(content: Int, attribute: Abbreviations.Attribute)] = []
        for _ in 0..<(try reader.byte()) {
            let content = try reader.count()
            let form = UInt32(truncatingIfNeeded: try reader.count())
            // Entries must take room, or a few bytes would say that there are any number.
            let isEmpty = form == Form.flagPresent || form == Form.implicitConstant
            if isEmpty { throw reader.malformed() }
            formats.append((content, Abbreviations.Attribute(name: 0, form: form)))
        }
        let count = try reader.count()
        if formats.isEmpty, count > 0 { throw reader.malformed() }
        for _ in 0..<count {
            var name = AttributeValue.other
            var directory = 0
            for format in formats {
                let start = reader.position
                let value = try reader.value(format.attribute, unit)
                try budget.spend(from: start, to: reader)
                if format.content == Self.pathContent { name = value }
                if format.content == Self.directoryContent { directory = value.offset ?? 0 }
            }
            body(name, directory)
        }
    }
}
