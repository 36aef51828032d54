internal import ApusCollections

/// Runs the program that stands for a unit's line table. Specification: DWARF 5, 6.2.
struct LineProgram {
    private let header: LineProgramHeader
    private var reader: DebugReader
    private var table = LineTable()
    /// The registers of the machine.
    private var address: UInt64 = 0
    private var file: UInt32 = 1
    private var line: UInt32 = 1
    private var column: UInt32 = 0
    /// Where the present sequence begins among the rows.
    private var sequenceStart = 0

    /// More are never kept: of a module that is compiled from sources there are by far fewer.
    private static var rowLimit: Int { 8 << 20 }

    /// The table at `offset` of its section. What follows something that is wrong is left out.
    static func table(
        _ sections: DebugSections, at offset: Int, of unit: UnitEncoding,
        _ budget: inout WorkBudget
    ) -> LineTable {
        guard var program = try? LineProgram(sections, at: offset, of: unit, &budget) else {
            return LineTable()
        }
        try? program.run(&budget)
        program.table.sequences.sort { $0.start < $1.start }
        return program.table
    }

    private init(
        _ sections: DebugSections, at offset: Int, of unit: UnitEncoding,
        _ budget: inout WorkBudget
    ) throws(MalformedDebugInformation) {
        reader = try sections.reader(.lines, at: offset)
        header = try LineProgramHeader(&reader, of: unit, &table, &budget)
    }

    private mutating func run(_ budget: inout WorkBudget) throws(MalformedDebugInformation) {
        while !reader.isAtEnd {
            let start = reader.position
            let opcode = try reader.byte()
            if opcode >= header.opcodeBase {
                runSpecial(opcode)
            } else if opcode == 0 {
                try runExtended()
            } else {
                try runStandard(opcode)
            }
            try budget.spend(from: start, to: reader)
            if table.rows.count >= Self.rowLimit { throw reader.malformed() }
        }
    }

    // MARK: Instructions

    private mutating func runSpecial(_ opcode: UInt8) {
        let adjusted = Int(opcode - header.opcodeBase)
        advance(UInt64(adjusted / header.lineRange))
        moveLine(header.lineBase + adjusted % header.lineRange)
        addRow()
    }

    private mutating func runStandard(_ opcode: UInt8) throws(MalformedDebugInformation) {
        switch opcode {
        case 1: addRow()
        case 2: advance(try reader.leb())
        case 3: moveLine(Int(truncatingIfNeeded: try reader.signedLeb()))
        case 4: file = UInt32(truncatingIfNeeded: try reader.leb())
        case 5: column = UInt32(truncatingIfNeeded: try reader.leb())
        // Statements, blocks, the ends of prologues.
        case 6, 7, 10, 11: break
        case 8: advance(UInt64((255 - Int(header.opcodeBase)) / header.lineRange))
        case 9: address &+= UInt64(try reader.half())
        case 12: _ = try reader.leb()
        default:
            for _ in 0..<header.operandCounts[Int(opcode) - 1] { _ = try reader.leb() }
        }
    }

    private mutating func runExtended() throws(MalformedDebugInformation) {
        let length = try reader.count()
        guard length > 0 else { return }
        var rest = reader
        try rest.skip(length)
        switch try reader.byte() {
        case 1: endSequence()
        case 2:
            guard length - 1 == 4 || length - 1 == 8 else { throw reader.malformed() }
            address = try reader.unsigned(length - 1)
        case 3:
            let start = try reader.skipText()
            table.files.append(try LineProgramHeader.oldFile(named: start, &reader))
        default: break
        }
        reader = rest
    }

    // MARK: Rows

    private mutating func advance(_ instructions: UInt64) {
        address &+= instructions &* UInt64(header.instructionBytes)
    }

    private mutating func moveLine(_ distance: Int) {
        line = UInt32(truncatingIfNeeded: Int(line) &+ distance)
    }

    private mutating func addRow() {
        let row = LineTable.Row(
            address: UInt32(truncatingIfNeeded: min(address, UInt64(UInt32.max))), line: line,
            file: file, column: UInt16(truncatingIfNeeded: min(column, 0xFFFF)))
        if let last = lastRow, last.address == row.address { table.rows.removeLast() }
        if let last = lastRow {
            // Of no line is one as another: looking for the line before goes back by one row.
            if last.line == 0, row.line == 0 { return }
            if last.line == row.line, last.file == row.file, last.column == row.column { return }
        }
        table.rows.append(row)
    }

    /// The last row of the present sequence.
    private var lastRow: LineTable.Row? {
        table.rows.count > sequenceStart ? table.rows.last : nil
    }

    private mutating func endSequence() {
        let rows = sequenceStart..<table.rows.count
        if let start = table.rows[rows].first?.address, isSequence(rows), start > 0,
            address > UInt64(start), address < UInt64(UInt32.max) - 1
        {
            table.sequences.append(
                LineTable.Sequence(start: start, end: UInt32(address), rows: rows))
        } else {
            // Code that the linker has left out.
            table.rows.removeSubrange(rows)
        }
        sequenceStart = table.rows.count
        address = 0
        file = 1
        line = 1
        column = 0
    }

    /// Whether addresses ascend.
    private func isSequence(_ rows: Range<Int>) -> Bool {
        for place in rows.dropFirst()
        where table.rows[place].address < table.rows[place - 1].address {
            return false
        }
        return true
    }
}
