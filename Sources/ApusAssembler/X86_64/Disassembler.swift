internal import ApusCollections

/// An instruction read back from its bytes.
public struct DisassembledInstruction: Hashable, Sendable {
    /// How many bytes it has.
    public var length: Int
    /// The instruction in Intel's syntax; `.byte` and a number for a byte that begins none.
    public var text: String
    /// Where it jumps to or calls, counted as the bytes are, if it says so itself.
    public var target: Int?
    /// Where the memory is that it names by its distance from the next instruction.
    public var reference: Int?
    /// It takes an address, and reads no memory.
    public var isAddress = false
}

/// Reads the instructions that `CodeBuffer` writes, from the same rows. Others, of which there are
/// many, are no instructions to it.
public enum Disassembler {
    /// The instruction at `offset`, which must be an index of `bytes`.
    public static func instruction(
        _ bytes: Span<UInt8>, at offset: Int
    ) -> DisassembledInstruction {
        var reader = InstructionBytes(bytes, at: offset)
        if let text = reader.read(), !reader.isExhausted {
            return DisassembledInstruction(
                length: reader.position - offset, text: text, target: reader.target,
                reference: reader.distance.map { reader.position + $0 },
                isAddress: text.hasPrefix("lea "))
        }
        return DisassembledInstruction(length: 1, text: ".byte \(bytes[offset])")
    }
}

/// The bytes of one instruction, read from the first to the last.
struct InstructionBytes: ~Escapable {
    private let bytes: Span<UInt8>
    private(set) var position: Int
    /// There were fewer bytes than the instruction has.
    private(set) var isExhausted = false
    private(set) var target: Int?
    /// From the end of the instruction to the memory it names, if it does so.
    private(set) var distance: Int?

    // Prefixes.
    private var isLocked = false
    private var isNarrow = false
    private var repetition: UInt8 = 0
    private var hasRex = false
    private var rex: UInt8 = 0
    private var isVex = false
    private var isEvex = false
    /// The operand that only VEX encodings have.
    private var first = 0

    private var opcode: UInt8 = 0
    private var form = DisassemblyForm(name: "", operands: .none)

    @_lifetime(copy bytes)
    init(_ bytes: Span<UInt8>, at offset: Int) {
        self.bytes = bytes
        position = offset
    }

    // MARK: Bytes

    private mutating func byte() -> UInt8 {
        guard position < bytes.count else {
            isExhausted = true
            return 0
        }
        defer { position += 1 }
        return bytes[position]
    }

    private var next: UInt8 { position < bytes.count ? bytes[position] : 0 }

    /// An integer of `count` bytes, sign-extended.
    private mutating func integer(_ count: Int) -> Int64 {
        var value: UInt64 = 0
        for index in 0..<count { value |= UInt64(byte()) &<< UInt64(8 * index) }
        let unused = UInt64(64 - 8 * count)
        return Int64(bitPattern: value &<< unused) &>> Int64(unused)
    }

    // MARK: Prefixes and opcode

    mutating func read() -> String? {
        readPrefixes()
        let found = isEvex ? readEvexOpcode() : isVex ? readVexOpcode() : readOpcode()
        guard let found else { return nil }
        form = found
        guard let operands = readOperands() else { return nil }
        var name = form.name
        if isWide, let wide = form.wideName { name = wide }
        if isNarrow, let narrow = form.narrowName { name = narrow }
        let lock = isLocked ? "lock " : ""
        return operands.isEmpty ? lock + name : "\(lock)\(name) \(operands)"
    }

    private var isWide: Bool { rex & 8 != 0 }

    private mutating func readPrefixes() {
        while true {
            switch next {
            case 0x66: isNarrow = true
            case 0xF0: isLocked = true
            case 0xF2, 0xF3: repetition = next
            default:
                if next & 0xF0 == 0x40 {
                    hasRex = true
                    rex = byte() & 15
                } else if next == 0xC4 || next == 0xC5 {
                    isVex = true
                } else if next == 0x62 {
                    isVex = true
                    isEvex = true
                }
                return
            }
            _ = byte()
            if isExhausted { return }
        }
    }

    private mutating func readOpcode() -> DisassemblyForm? {
        var escape: UInt8 = 0
        opcode = byte()
        if opcode == 0x0F {
            escape = 0x0F
            opcode = byte()
            if opcode == 0x38 || opcode == 0x3A {
                escape = opcode
                opcode = byte()
            }
        }
        let digit = next &>> 3 & 7
        func find(_ prefix: UInt8) -> DisassemblyForm? {
            DisassemblyTable.legacy.find(
                prefix: prefix, escape: escape, opcode: opcode, digit: digit, isWide: isWide)
        }
        if repetition != 0 { return find(repetition) }
        if isNarrow, escape != 0, let form = find(0x66) {
            isNarrow = false
            return form
        }
        return find(0)
    }

    private mutating func readVexOpcode() -> DisassemblyForm? {
        let isShort = byte() == 0xC5
        var escape: UInt8 = 0x0F
        var last = byte()
        rex = ~last &>> 5 & 4
        if !isShort {
            let map = last & 0x1F
            rex = ~last &>> 5 & 7
            guard map >= 1, map <= 3 else { return nil }
            escape = map == 1 ? 0x0F : map == 2 ? 0x38 : 0x3A
            last = byte()
            rex |= last &>> 4 & 8
        }
        first = Int(~last &>> 3 & 15)
        // Vectors of 256 bits are not among the rows.
        guard last & 4 == 0 else { return nil }
        let prefix: UInt8 = [0, 0x66, 0xF3, 0xF2][Int(last & 3)]
        opcode = byte()
        return DisassemblyTable.vex.find(
            prefix: prefix, escape: escape, opcode: opcode, digit: next &>> 3 & 7, isWide: isWide)
    }

    /// Of 128 bits, without a mask, on the first 16 registers, which is all there is in the rows.
    private mutating func readEvexOpcode() -> DisassemblyForm? {
        _ = byte()
        let (second, third, fourth) = (byte(), byte(), byte())
        let map = second & 7
        guard second & 0x18 == 0x10, map >= 1, map <= 3, third & 4 != 0, fourth == 8 else {
            return nil
        }
        rex = ~second &>> 5 & 7 | third &>> 4 & 8
        first = Int(~third &>> 3 & 15)
        let prefix: UInt8 = [0, 0x66, 0xF3, 0xF2][Int(third & 3)]
        opcode = byte()
        return DisassemblyTable.evex.find(
            prefix: prefix, escape: map == 1 ? 0x0F : map == 2 ? 0x38 : 0x3A, opcode: opcode,
            digit: next &>> 3 & 7, isWide: isWide)
    }

    // MARK: Operands

    private var width: Width { form.isByte ? .w8 : isWide ? .w64 : isNarrow ? .w16 : .w32 }

    /// The operands' text; nil if there are no such.
    private mutating func readOperands() -> String? {
        switch form.operands {
        case .none: return ""
        case .near: return readTarget(1)
        case .far: return readTarget(4)
        case .popCount: return "\(integer(2) & 0xFFFF)"
        case .accumulatorImmediate:
            return "\(general(0, width)), \(integer(immediateCount))"
        case .opcodeRegister: return general(opcodeRegister, width)
        case .opcodeRegister64: return general(opcodeRegister, .w64)
        case .opcodeImmediate:
            let register = general(opcodeRegister, width)
            let value = isWide ? integer(8) : integer(4) & 0xFFFF_FFFF
            return "\(register), \(value)"
        default: return readModified()
        }
    }

    private var opcodeRegister: Int { Int(opcode & 7) | Int(rex & 1) &<< 3 }
    private var immediateCount: Int { width == .w8 ? 1 : width == .w16 ? 2 : 4 }

    private mutating func readTarget(_ count: Int) -> String {
        let distance = Int(integer(count))
        let place = position + distance
        target = place
        return place < 0 ? "-0x\(String(-place, radix: 16))" : "0x\(String(place, radix: 16))"
    }

    /// Operands of an instruction with a ModRM byte.
    private mutating func readModified() -> String? {
        let modifier = byte()
        let operand = ModifiedOperand(
            reg: Int(modifier &>> 3 & 7) | Int(rex & 4) &<< 1,
            rm: Int(modifier & 7) | Int(rex & 1) &<< 3,
            address: modifier < 0xC0 ? readAddress(modifier) : nil)
        if form.name == "mfence" { return operand.rm & 7 == 0 ? "" : nil }
        let kind = operand.address != nil ? form.memoryForm ?? form.operands : form.operands
        return general(operand, kind) ?? vector(operand, kind) ?? lane(operand, kind)
    }

    /// The memory operand behind ModRM, without its size.
    private mutating func readAddress(_ modifier: UInt8) -> String {
        let mode = modifier &>> 6
        var base = Int(modifier & 7)
        var parts: [String] = []
        if base == 4 {
            let sib = byte()
            base = Int(sib & 7)
            let index = Int(sib &>> 3 & 7) | Int(rex & 2) &<< 2
            if mode != 0 || base != 5 { parts.append(general(base | Int(rex & 1) &<< 3, .w64)) }
            if index != 4 { parts.append("\(1 &<< Int(sib &>> 6))*\(general(index, .w64))") }
        } else if mode != 0 || base != 5 {
            parts.append(general(base | Int(rex & 1) &<< 3, .w64))
        } else {
            parts.append("rip")
        }
        let hasDisplacement = mode == 2 || mode == 0 && base == 5
        let displacement = mode == 1 ? integer(1) : hasDisplacement ? integer(4) : 0
        if parts == ["rip"] { distance = Int(displacement) }
        var text = parts.joined(separator: " + ")
        if parts.isEmpty {
            text = "\(displacement)"
        } else if displacement != 0 {
            text += displacement < 0 ? " - \(-displacement)" : " + \(displacement)"
        }
        return "[\(text)]"
    }
}

/// What a ModRM byte names.
struct ModifiedOperand {
    var reg: Int
    var rm: Int
    /// Nil if the second operand is register `rm`.
    var address: String?
}

// MARK: Integers

extension InstructionBytes {
    private mutating func general(_ operand: ModifiedOperand, _ kind: OperandForm) -> String? {
        let reg = general(operand.reg, width)
        let rm = self.rm(operand, width)
        switch kind {
        case .rmReg: return "\(rm), \(reg)"
        case .regRm: return "\(reg), \(form.name == "lea" ? operand.address ?? rm : rm)"
        case .regRm8: return "\(reg), \(self.rm(operand, .w8))"
        case .regRm16: return "\(reg), \(self.rm(operand, .w16))"
        case .regRm32: return "\(reg), \(self.rm(operand, .w32))"
        case .rm: return rm
        case .rmByte: return self.rm(operand, .w8)
        case .rm64: return self.rm(operand, .w64)
        case .rmImmediate: return "\(rm), \(integer(immediateCount))"
        case .rmImmediate8: return "\(rm), \(integer(1))"
        case .rmCount: return "\(rm), \(integer(1) & 0xFF)"
        case .rmOne: return "\(rm), 1"
        case .rmCL: return "\(rm), cl"
        case .regRmImmediate: return "\(reg), \(rm), \(integer(immediateCount))"
        case .regRmImmediate8: return "\(reg), \(rm), \(integer(1))"
        case .bitsFirst: return "\(reg), \(general(first, width)), \(rm)"
        case .bitsLast: return "\(reg), \(rm), \(general(first, width))"
        case .bitsTwo: return "\(general(first, width)), \(rm)"
        case .bitsImmediate: return "\(reg), \(rm), \(integer(1) & 0xFF)"
        default: return nil
        }
    }

    private func rm(_ operand: ModifiedOperand, _ width: Width) -> String {
        guard let address = operand.address else { return general(operand.rm, width) }
        let size =
            switch width {
            case .w8: "byte"
            case .w16: "word"
            case .w32: "dword"
            case .w64: "qword"
            }
        return "\(size) ptr \(address)"
    }

    private func general(_ number: Int, _ width: Width) -> String {
        if number >= 8 {
            switch width {
            case .w8: return "r\(number)b"
            case .w16: return "r\(number)w"
            case .w32: return "r\(number)d"
            case .w64: return "r\(number)"
            }
        }
        if width == .w8, number >= 4 {
            // Without REX the numbers are those of the second bytes.
            return hasRex
                ? ["spl", "bpl", "sil", "dil"][number - 4] : ["ah", "ch", "dh", "bh"][number - 4]
        }
        let word = ["ax", "cx", "dx", "bx", "sp", "bp", "si", "di"][number]
        switch width {
        case .w8: return "\(word.prefix(1))l"
        case .w16: return word
        case .w32: return "e\(word)"
        case .w64: return "r\(word)"
        }
    }
}

// MARK: Vectors

extension InstructionBytes {
    private mutating func vector(_ operand: ModifiedOperand, _ kind: OperandForm) -> String? {
        let reg = "xmm\(operand.reg)"
        let rm = vectorRM(operand)
        let both = isVex ? "\(reg), xmm\(first), \(rm)" : "\(reg), \(rm)"
        switch kind {
        case .vectorBinary: return both
        case .vectorUnary: return "\(reg), \(rm)"
        case .vectorStore: return "\(rm), \(reg)"
        case .vectorBinaryImmediate: return "\(both), \(integer(1) & 0xFF)"
        case .vectorUnaryImmediate: return "\(reg), \(rm), \(integer(1) & 0xFF)"
        case .vectorShift:
            let registers = isVex ? "xmm\(first), \(rm)" : rm
            return "\(registers), \(integer(1) & 0xFF)"
        case .vectorBlend: return "\(both), xmm\(byte() &>> 4)"
        case .vectorBlendImplicit: return "\(both), xmm0"
        default: return nil
        }
    }

    private func vectorRM(_ operand: ModifiedOperand) -> String {
        guard let address = operand.address else { return "xmm\(operand.rm)" }
        switch form.memoryBytes {
        case 4: return "dword ptr \(address)"
        case 8: return "qword ptr \(address)"
        case 16: return "xmmword ptr \(address)"
        default: return address
        }
    }

    private mutating func lane(_ operand: ModifiedOperand, _ kind: OperandForm) -> String? {
        let reg = "xmm\(operand.reg)"
        let firstText = isVex ? "xmm\(first), " : ""
        let general = rm(operand, width)
        switch kind {
        case .vectorFromGeneral: return "\(reg), \(general)"
        case .vectorBinaryFromGeneral: return "\(reg), \(firstText)\(general)"
        case .generalFromVector: return "\(general), \(reg)"
        case .generalFromVectorReg:
            return "\(self.general(operand.reg, width)), \(vectorRM(operand))"
        case .insertLane: return "\(reg), \(firstText)\(general), \(integer(1) & 0xFF)"
        case .insertLane8, .insertLane16, .extractLane8, .extractLane16:
            // Registers are named whole.
            let lane: Width = kind == .insertLane8 || kind == .extractLane8 ? .w8 : .w16
            let narrow = rm(operand, operand.address == nil ? .w32 : lane)
            let number = integer(1) & 0xFF
            return kind == .insertLane8 || kind == .insertLane16
                ? "\(reg), \(firstText)\(narrow), \(number)" : "\(narrow), \(reg), \(number)"
        case .extractLane16Reg:
            return "\(self.general(operand.reg, width)), xmm\(operand.rm), \(integer(1) & 0xFF)"
        case .extractLane: return "\(general), \(reg), \(integer(1) & 0xFF)"
        default: return nil
        }
    }
}
