internal import ApusCollections

/// Writes the line program of a unit of machine code. Specification: DWARF 4, 6.2.
struct LineProgramWriter {
    private static let lineBase: Int64 = -5
    private static let lineRange: Int64 = 14
    private static let opcodeBase: UInt8 = 13
    private static let operandCounts: [UInt8] = [0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1]

    private var program = DebugWriter()
    private let files: [String]
    private var address: UInt64 = 0
    private var file: UInt32 = 1
    private var line: Int64 = 1
    private var column: UInt32 = 0
    private var isInSequence = false

    /// A program about these files, which have numbers from 1 on.
    init(files: [String]) { self.files = files }

    private mutating func extended(_ opcode: UInt8, _ operands: (inout DebugWriter) -> Void) {
        var instruction = DebugWriter()
        instruction.byte(opcode)
        operands(&instruction)
        program.byte(0)
        program.leb(UInt64(instruction.count))
        program.append(instruction.bytes)
    }

    /// From `newAddress` on, which is not lower than that of the row before, code comes from there.
    mutating func row(
        _ newAddress: UInt64, file newFile: UInt32, line newLine: UInt32, column newColumn: UInt32
    ) {
        if !isInSequence {
            extended(2) { $0.long(newAddress) }
            address = newAddress
            isInSequence = true
        }
        if newFile != file {
            program.byte(4)
            program.leb(UInt64(newFile))
            file = newFile
        }
        if newColumn != column {
            program.byte(5)
            program.leb(UInt64(newColumn))
            column = newColumn
        }
        if newAddress != address {
            program.byte(2)
            program.leb(newAddress &- address)
            address = newAddress
        }
        if Int64(newLine) != line {
            program.byte(3)
            program.signedLeb(Int64(newLine) - line)
            line = Int64(newLine)
        }
        program.byte(1)
    }

    /// The code of the last row ends at `end`.
    mutating func endSequence(at end: UInt64) {
        guard isInSequence else { return }
        program.byte(2)
        program.leb(end &- address)
        extended(1) { _ in }
        isInSequence = false
        address = 0
        file = 1
        line = 1
        column = 0
    }

    /// The program with its header.
    var bytes: [UInt8] {
        var header = DebugWriter()
        header.byte(1)
        header.byte(1)
        header.byte(1)
        header.byte(UInt8(truncatingIfNeeded: Self.lineBase))
        header.byte(UInt8(Self.lineRange))
        header.byte(Self.opcodeBase)
        header.append(Self.operandCounts)
        header.byte(0)
        for file in files {
            header.text(file.isEmpty ? "?" : file)
            header.append([0, 0, 0])
        }
        header.byte(0)
        var unit = DebugWriter()
        unit.word(2 + 4 + header.count + program.count)
        unit.half(4)
        unit.word(header.count)
        unit.append(header.bytes)
        unit.append(program.bytes)
        return unit.bytes
    }
}
