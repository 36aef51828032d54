internal import ApusCollections

// Produced from the rows that the encoder uses; consumed by the disassembler.

/// Which operands an instruction has, in the order they are written.
enum OperandForm: Sendable {
    case none
    /// General registers and memory: `rm, reg` and `reg, rm`.
    case rmReg, regRm
    /// `reg, rm` with an operand of 8, 16 or 32 bits.
    case regRm8, regRm16, regRm32
    case rm, rmByte, rm64
    /// `rm, immediate`, as wide as the operand or a byte.
    case rmImmediate, rmImmediate8, rmOne, rmCL, rmCount
    case regRmImmediate, regRmImmediate8
    case accumulatorImmediate
    /// The register is in the opcode: any width, always 64 bits, and with an immediate.
    case opcodeRegister, opcodeRegister64, opcodeImmediate
    case near, far, popCount
    /// Register in vvvv: `reg, first, rm`, `reg, rm, first`, `first, rm`, `reg, rm, immediate`.
    case bitsFirst, bitsLast, bitsTwo, bitsImmediate

    /// Vectors: `reg, first, rm`, the first only with AVX.
    case vectorBinary
    case vectorUnary, vectorStore
    case vectorBinaryImmediate, vectorUnaryImmediate
    /// `first, rm, immediate`.
    case vectorShift
    /// `reg, first, rm, mask`, the mask in the last byte; `reg, rm` and xmm0.
    case vectorBlend, vectorBlendImplicit
    /// Between vector and general registers: `xmm, rm` of the width, with `first`, `rm, xmm`,
    /// `reg, xmm`.
    case vectorFromGeneral, vectorBinaryFromGeneral, generalFromVector, generalFromVectorReg
    /// Lanes of 8, 16 and more bits.
    case insertLane8, insertLane16, insertLane
    case extractLane8, extractLane16, extractLane16Reg, extractLane
}

/// An instruction as the disassembler knows it.
struct DisassemblyForm: Sendable {
    var name: String
    /// Its name with 64-bit operands, and with 16-bit ones, if these are others.
    var wideName: String?
    var narrowName: String?
    var operands: OperandForm
    /// Its operands are bytes.
    var isByte = false
    /// Bytes of a float or vector in memory, 0 if the listing does not say.
    var memoryBytes = 0
    /// What it is if its operand is in memory, where that is another.
    var memoryForm: OperandForm?
}

/// Finds instructions by prefix, escape and opcode, and by digit or W where these decide.
struct DisassemblyTable: Sendable {
    private var forms: [UInt32: DisassemblyForm] = [:]

    static let legacy = makeLegacy()
    static let vex = makeVex()
    static let evex = makeEvex()

    private static var anyDigit: UInt32 { 1 &<< 27 }

    /// - Parameters:
    ///   - row: Its digit, opcode, escape and prefix.
    ///   - hasDigit: Whether the digit is part of the instruction's name.
    private mutating func add(
        _ row: Row, _ form: DisassemblyForm, hasDigit: Bool = false, isWide: Bool = false
    ) {
        var key = row.bits & 0xFF_FFFF
        key |= hasDigit ? UInt32(row.digit) &<< 28 : Self.anyDigit
        forms[key | (isWide ? 1 &<< 31 : 0)] = form
    }

    private mutating func add(
        _ row: Row, _ name: String, _ operands: OperandForm, hasDigit: Bool = false,
        memoryBytes: Int = 0
    ) {
        add(
            row, DisassemblyForm(name: name, operands: operands, memoryBytes: memoryBytes),
            hasDigit: hasDigit)
    }

    /// The instruction for words and more, and the one for bytes.
    private mutating func addSized(
        _ row: Row, _ name: String, _ operands: OperandForm, hasDigit: Bool = false
    ) {
        add(row, name, operands, hasDigit: hasDigit)
        add(
            row.sized(.w8), DisassemblyForm(name: name, operands: operands, isByte: true),
            hasDigit: hasDigit)
    }

    /// The instruction with `prefix`, `escape` and `opcode`, whose ModRM byte has `digit`.
    func find(
        prefix: UInt8, escape: UInt8, opcode: UInt8, digit: UInt8, isWide: Bool
    ) -> DisassemblyForm? {
        let base = UInt32(prefix) &<< 16 | UInt32(escape) &<< 8 | UInt32(opcode)
        let exact = base | UInt32(digit) &<< 28
        if isWide, let form = forms[base | Self.anyDigit | 1 &<< 31] { return form }
        return forms[exact] ?? forms[base | Self.anyDigit]
    }

    // MARK: Legacy encodings

    private static func makeLegacy() -> DisassemblyTable {
        var table = DisassemblyTable()
        table.addArithmetic()
        table.addUnary()
        table.addMoves()
        table.addControl()
        table.addBits()
        table.addFloats(prefix: "")
        table.addVectors { $0 }
        for op in VectorBlendOp.allCases {
            table.add(op.implicitRow, "\(op)", .vectorBlendImplicit)
        }
        return table
    }

    private mutating func addArithmetic() {
        for op in AluOp.allCases {
            let digit = UInt32(op.rawValue)
            addSized(op.row, "\(op)", .rmReg)
            addSized(Row(op.row.bits &+ 2), "\(op)", .regRm)
            addSized(Row(op.row.bits &+ 4), "\(op)", .accumulatorImmediate)
            addSized(Row(0x81, digit: digit), "\(op)", .rmImmediate, hasDigit: true)
            add(Row(0x83, digit: digit), "\(op)", .rmImmediate8, hasDigit: true)
        }
        for op in ShiftOp.allCases {
            let digit = UInt32(op.rawValue)
            func row(_ row: Row) -> Row { Row(row.bits, digit: digit) }
            addSized(row(.shiftImmediate), "\(op)", .rmCount, hasDigit: true)
            addSized(row(.shiftOnce), "\(op)", .rmOne, hasDigit: true)
            addSized(row(.shiftByCL), "\(op)", .rmCL, hasDigit: true)
        }
        add(.imul, "imul", .regRm)
        add(.imulImmediate, "imul", .regRmImmediate)
        add(.imulImmediate8, "imul", .regRmImmediate8)
    }

    private mutating func addUnary() {
        addSized(.test, "test", .rmReg)
        addSized(.testImmediate, "test", .rmImmediate, hasDigit: true)
        addSized(Row(0xA9), "test", .accumulatorImmediate)
        addSized(.not, "not", .rm, hasDigit: true)
        addSized(.negate, "neg", .rm, hasDigit: true)
        addSized(.multiply, "mul", .rm, hasDigit: true)
        addSized(.multiplySigned, "imul", .rm, hasDigit: true)
        addSized(.divide, "div", .rm, hasDigit: true)
        addSized(.divideSigned, "idiv", .rm, hasDigit: true)
        add(
            Row(0x99),
            DisassemblyForm(name: "cdq", wideName: "cqo", narrowName: "cwd", operands: .none))
    }

    private mutating func addMoves() {
        addSized(.move, "mov", .rmReg)
        addSized(.moveLoad, "mov", .regRm)
        addSized(.moveStoreImmediate, "mov", .rmImmediate, hasDigit: true)
        for register in 0..<UInt32(8) {
            add(
                Row(0xB8 | register),
                DisassemblyForm(name: "mov", wideName: "movabs", operands: .opcodeImmediate))
            add(Row(0x50 | register), "push", .opcodeRegister64)
            add(Row(0x58 | register), "pop", .opcodeRegister64)
            add(Row(Row.byteSwap.bits | register), "bswap", .opcodeRegister)
        }
        add(.lea, "lea", .regRm)
        for (row, isByte) in [(Row.exchange, false), (Row.exchange.sized(.w8), true)] {
            let form = DisassemblyForm(
                name: "xchg", operands: .regRm, isByte: isByte, memoryForm: .rmReg)
            add(row, form)
        }
        add(.moveZeroExtended8, "movzx", .regRm8)
        add(.moveZeroExtended16, "movzx", .regRm16)
        add(.moveSignExtended8, "movsx", .regRm8)
        add(.moveSignExtended16, "movsx", .regRm16)
        add(.moveSignExtended32, "movsxd", .regRm32)
        for condition in Condition.allCases {
            let number = UInt32(condition.rawValue)
            add(Row(Row.cmov.bits | number), "cmov\(condition)", .regRm)
            add(Row(Row.set.bits | number), "set\(condition)", .rmByte)
        }
        add(
            Row(0xF3_00_AB),
            DisassemblyForm(name: "rep stosd", wideName: "rep stosq", operands: .none))
    }

    private mutating func addControl() {
        add(.push, "push", .rm64, hasDigit: true)
        add(.callIndirect, "call", .rm64, hasDigit: true)
        add(.jumpIndirect, "jmp", .rm64, hasDigit: true)
        add(Row(0xE8), "call", .far)
        add(Row(0xE9), "jmp", .far)
        add(Row(0xEB), "jmp", .near)
        for condition in Condition.allCases {
            let number = UInt32(condition.rawValue)
            add(Row(0x70 | number), "j\(condition)", .near)
            add(Row(0x0F_80 | number), "j\(condition)", .far)
        }
        add(Row(0xC3), "ret", .none)
        add(Row(0xC2), "ret", .popCount)
        add(Row(0xC9), "leave", .none)
        add(Row(0xCC), "int3", .none)
        add(Row(0x90), "nop", .none)
        add(Row(0x0F_0B), "ud2", .none)
        add(Row(0x0F_1F), "nop", .rm)
    }

    private mutating func addBits() {
        add(.bsf, "bsf", .regRm)
        add(.bsr, "bsr", .regRm)
        add(.tzcnt, "tzcnt", .regRm)
        add(.lzcnt, "lzcnt", .regRm)
        add(.popcnt, "popcnt", .regRm)
        add(.bitTest, "bt", .rmCount, hasDigit: true)
        addSized(.compareExchange, "cmpxchg", .rmReg)
        addSized(.exchangeAdd, "xadd", .rmReg)
        add(.adcx, "adcx", .regRm)
        add(.adox, "adox", .regRm)
        add(.loadFloatControl, "ldmxcsr", .rm, hasDigit: true)
        add(.storeFloatControl, "stmxcsr", .rm, hasDigit: true)
        // The processor takes the whole byte for its digit.
        add(Row(0x0F_AE, digit: 6), "mfence", .rm, hasDigit: true)
    }

    // MARK: VEX encodings

    private static func makeVex() -> DisassemblyTable {
        var table = DisassemblyTable()
        table.add(.andn, "andn", .bitsFirst)
        table.add(.mulx, "mulx", .bitsFirst)
        table.add(.pdep, "pdep", .bitsFirst)
        table.add(.pext, "pext", .bitsFirst)
        table.add(.bzhi, "bzhi", .bitsLast)
        table.add(.blsr, "blsr", .bitsTwo, hasDigit: true)
        table.add(.blsi, "blsi", .bitsTwo, hasDigit: true)
        table.add(.rorx, "rorx", .bitsImmediate)
        for op: ShiftOp in [.shl, .shr, .sar] { table.add(op.rowX, "\(op)x", .bitsLast) }
        table.addFloats(prefix: "v")
        table.addVectors { $0.hasPrefix("v") ? $0 : "v\($0)" }
        for op in VectorBlendOp.allCases { table.add(op.row, "v\(op)", .vectorBlend) }
        return table
    }

    // MARK: EVEX encodings

    private static func makeEvex() -> DisassemblyTable {
        var table = DisassemblyTable()
        for op in EvexOp.allCases {
            switch op {
            case .vpabsq, .vpopcntb, .vcvtudq2ps: table.add(op.row, "\(op)", .vectorUnary)
            case .vpsraq: table.add(op.row, "vpsraq", .vectorBinary)
            case .vpsraqImmediate: table.add(op.row, "vpsraq", .vectorShift, hasDigit: true)
            }
        }
        return table
    }

    // MARK: Vectors and floats, in either encoding

    private mutating func addFloats(prefix: String) {
        for (width, suffix, bytes) in [(FloatWidth.f32, "ss", 4), (.f64, "sd", 8)] {
            func name(_ name: String) -> String { prefix + name + suffix }
            for op in FloatOp.allCases {
                add(op.row.sized(width), name("\(op)"), .vectorBinary, memoryBytes: bytes)
            }
            add(
                Row.squareRoot.sized(width), name("sqrt"), .vectorBinary, memoryBytes: bytes)
            add(
                Row.compareFloat.packed(width), name("ucomi"), .vectorUnary, memoryBytes: bytes)
            add(
                Row(Row.round.bits &+ (width == .f64 ? 1 : 0)), name("round"),
                .vectorBinaryImmediate, memoryBytes: bytes)
            add(
                Row.convertFromInteger.sized(width), name("cvtsi2"), .vectorBinaryFromGeneral)
            let other = width == .f32 ? "sd" : "ss"
            add(
                Row.convertToInteger.sized(width), prefix + "cvtt\(suffix)2si",
                .generalFromVectorReg, memoryBytes: bytes)
            add(
                Row.convertFloat.sized(width), prefix + "cvt\(suffix)2\(other)", .vectorBinary,
                memoryBytes: bytes)
            // Registers: the lowest lane of the last operand, which the table of vectors has.
            let move = DisassemblyForm(
                name: name("mov"), operands: .vectorBinary, memoryBytes: bytes,
                memoryForm: .vectorUnary)
            add(Row.moveFloat.sized(width), move)
            add(
                Row.moveFloatStore.sized(width), name("mov"), .vectorStore, memoryBytes: bytes)
        }
        add(.moveVector, prefix + "movaps", .vectorUnary)
        add(.moveVectorStore, prefix + "movaps", .vectorStore)
        add(.moveVectorUnaligned, prefix + "movups", .vectorUnary, memoryBytes: 16)
        add(
            .moveVectorUnalignedStore, prefix + "movups", .vectorStore, memoryBytes: 16)
        add(
            .moveToFloat,
            DisassemblyForm(
                name: prefix + "movd", wideName: prefix + "movq", operands: .vectorFromGeneral))
        add(
            .moveFromFloat,
            DisassemblyForm(
                name: prefix + "movd", wideName: prefix + "movq", operands: .generalFromVector))
    }

    private mutating func addVectors(_ name: (String) -> String) {
        for op in VectorOp.allCases where op != .movss && op != .movsd {
            let isWide = op.rawValue &>> 31 != 0
            let form = DisassemblyForm(name: name("\(op)"), operands: .vectorBinary)
            add(op.row, form, isWide: isWide)
        }
        for op in VectorUnaryOp.allCases { add(op.row, name("\(op)"), .vectorUnary) }
        for op in VectorImmediateOp.allCases {
            add(op.row, name("\(op)"), .vectorBinaryImmediate)
        }
        for op in VectorUnaryImmediateOp.allCases {
            add(op.row, name("\(op)"), .vectorUnaryImmediate)
        }
        for op in VectorShiftOp.allCases {
            add(op.row, name("\(op)"), .vectorShift, hasDigit: true)
        }
        for op in VectorMaskOp.allCases { add(op.row, name("\(op)"), .generalFromVectorReg) }
        add(.insert8, name("pinsrb"), .insertLane8)
        add(.insert16, name("pinsrw"), .insertLane16)
        add(
            .insert32,
            DisassemblyForm(
                name: name("pinsrd"), wideName: name("pinsrq"), operands: .insertLane))
        add(.extract8, name("pextrb"), .extractLane8)
        add(.extract16, name("pextrw"), .extractLane16Reg)
        add(.extract16ToMemory, name("pextrw"), .extractLane16)
        add(
            .extract32,
            DisassemblyForm(
                name: name("pextrd"), wideName: name("pextrq"), operands: .extractLane))
    }
}
