internal import ApusCollections

/// One instruction, as the instruction table has it.
extension FunctionValidator {
    /// Reads and checks one instruction: here, in the loop that does so, what half of all
    /// instructions are.
    @inline(__always)
    mutating func validateInstruction() throws(ModuleError) {
        // The row is read where it is asked for: most of it seldom is.
        var code = reader.readByte()
        var rows = rows
        if !rows[code].isOn(features) { (rows, code) = try readPrefixed(code) }
        if rows[code].isFixed { return try apply(rows[code].signature) }
        if case .localGet = rows[code].operation { return try validateLocalGet() }
        try validateOperation(rows, code)
    }

    /// Checks the instruction of a row whose opcode has been read.
    @inline(never)
    private mutating func validateOperation(
        _ rows: ConstantTable<ValidationRow>, _ code: UInt8
    ) throws(ModuleError) {
        switch rows[code].operation {
        case .unreachable: setUnreachable()
        case .nop: break
        case .block: try validateBlock(.block)
        case .loop: try validateBlock(.loop)
        case .if: try validateIf()
        case .else: try validateElse()
        case .end: try validateEnd()
        case .br: try validateBr()
        case .brIf: try validateBrIf()
        case .brTable: try validateBrTable()
        case .brOnNull: try validateBrOnNull()
        case .brOnNonNull: try validateBrOnNonNull()
        case .brOnCast: try validateBrOnCast()
        case .brOnCastFail: try validateBrOnCastFail()
        case .return: try validateReturn()
        case .call: try validateCall()
        case .callRef: try validateCallRef()
        case .callIndirect: try validateCallIndirect()
        case .returnCall: try validateReturnCall()
        case .returnCallRef: try validateReturnCallRef()
        case .returnCallIndirect: try validateReturnCallIndirect()
        case .throw: try validateThrow()
        case .throwRef: try validateThrowRef()
        case .tryTable: try validateTryTable()

        case .drop: _ = try popAny()
        case .select: try validateSelect()
        case .selectTyped: try validateTypedSelect()

        case .localGet: try validateLocalGet()
        case .localSet: _ = try validateLocalSet()
        case .localTee: push(try validateLocalSet())
        case .globalGet: try validateGlobalGet()
        case .globalSet: try validateGlobalSet()

        case .tableGet: try validateTableGet()
        case .tableSet: try validateTableSet()
        case .tableSize: push(tableAddresses[try readTableIndex()])
        case .tableGrow: try validateTableGrow()
        case .tableFill: try validateTableFill()
        case .tableCopy: try validateTableCopy()
        case .tableInit: try validateTableInit()
        case .elementDrop: try validateElementDrop()

        case .load, .vectorLoad:
            try validateLoad(rows[code].signature.result, rows[code].naturalAlignment)
        case .store, .vectorStore:
            try validateStore(rows[code].signature.second, rows[code].naturalAlignment)
        case .vectorLoadLane, .vectorStoreLane: try validateLaneAccess(rows[code])
        case .memorySize: push(try readMemoryIndex())
        case .memoryGrow: try validateMemoryGrow()
        case .memoryFill: try validateMemoryFill()
        case .memoryCopy: try validateMemoryCopy()
        case .memoryInit: try validateMemoryInit()
        case .dataDrop: try validateDataDrop()

        case .refNull: push(.reference(try readHeapType(), nullable: true))
        case .refFunc: try validateRefFunc()
        case .refIsNull: try validateRefIsNull()
        case .refAsNonNull: push(try popReference().nonNullable)
        case .refEq: try validateRefEq()
        case .refTest(let nullable): try validateRefTest(nullable: nullable)
        case .refCast(let nullable): try validateRefCast(nullable: nullable)
        case .anyConvertExtern: try validateAnyConvertExtern()
        case .externConvertAny: try validateExternConvertAny()
        case .refI31: try validateRefI31()
        case .i31Get: try validateI31Get()

        case .structNew(let values): try validateStructNew(values)
        case .structGet(let sign): try validateStructGet(sign)
        case .structSet: try validateStructSet()
        case .arrayNew(let values): try validateArrayNew(values)
        case .arrayNewFixed: try validateArrayNewFixed()
        case .arrayNewData: try validateArrayNewData()
        case .arrayNewElement: try validateArrayNewElement()
        case .arrayGet(let sign): try validateArrayGet(sign)
        case .arraySet: try validateArraySet()
        case .arrayLength: try validateArrayLength()
        case .arrayFill: try validateArrayFill()
        case .arrayCopy: try validateArrayCopy()
        case .arrayInitData: try validateArrayInitData()
        case .arrayInitElement: try validateArrayInitElement()

        case .i32Const: try validateConstant(.i32, bits: 32)
        case .i64Const: try validateConstant(.i64, bits: 64)
        case .f32Const: validateConstant(.f32, bytes: 4)
        case .f64Const: validateConstant(.f64, bytes: 8)
        case .vectorConst: validateConstant(.v128, bytes: 16)
        case .wide(let wide): try validateWide(wide)

        case .vectorShuffle: try validateShuffle(rows[code])
        case .vectorExtractLane, .vectorReplaceLane: try validateLane(rows[code])
        case .unary, .binary, .test, .compare, .convert, .vectorSplat, .vectorNot, .vectorAnyTrue,
            .vectorBitwise, .vectorBitselect, .vectorAllTrue, .vectorBitmask, .vectorCompare,
            .vectorShift, .vectorUnary, .vectorBinary, .vectorTernary, .vectorConvert:
            try apply(rows[code].signature)

        case .atomicFence: try validateFence()
        case .atomicNotify, .atomicWait: try validateWait(rows[code])
        case .atomicLoad, .atomicStore, .atomicReadModifyWrite, .atomicCompareExchange:
            try validateAtomic(rows[code])
        }
    }

    /// Reads the rest of an opcode that is more than one byte long.
    @inline(never)
    private mutating func readPrefixed(
        _ prefix: UInt8
    ) throws(ModuleError) -> (ConstantTable<ValidationRow>, UInt8) {
        guard Opcodes.isPrefix(prefix) else { throw refusal() }
        let (rows, code) = ValidationRow.find(prefix: prefix, code: try reader.readCode())
        guard rows[code].isOn(features) else { throw refusal() }
        if prefix == 0xFD { analysis.flags.insert(.usesVectors) }
        return (rows, code)
    }

    /// Why the instruction is not valid wherever it stands: a later feature's, or nobody's.
    private mutating func refusal() -> ModuleError {
        // Nobody reads on after it.
        reader.position = instruction
        let first = reader.readByte()
        guard Opcodes.isPrefix(first) else {
            return Opcodes.refusal(
                prefix: 0, code: UInt32(first), features: features, at: instruction)
        }
        do throws(ModuleError) {
            let code = try reader.readUnsigned32()
            return Opcodes.refusal(prefix: first, code: code, features: features, at: instruction)
        } catch {
            return error
        }
    }

    /// Pops the operands and pushes the result of an instruction whose types are fixed.
    @inline(__always)
    mutating func apply(_ signature: FixedSignature) throws(ModuleError) {
        if signature.count > 1 {
            if signature.count > 2 { try pop(ValueType(bits: UInt32(signature.third))) }
            try pop(ValueType(bits: UInt32(signature.second)))
        }
        try pop(ValueType(bits: UInt32(signature.first)))
        push(ValueType(bits: UInt32(signature.result)))
    }

    // MARK: Blocks

    private mutating func validateIf() throws(ModuleError) {
        try pop(.i32)
        try validateBlock(.if)
    }

    private mutating func validateBlock(_ kind: ControlFrame.Kind) throws(ModuleError) {
        let signature = try readBlockSignature()
        try pop(signature.parameterCount, from: signature.parameterStart)
        if kind == .loop { note(.loops) }
        open(kind, signature)
    }

    mutating func readBlockSignature() throws(ModuleError) -> FlatSignature {
        let code = reader.peekByte()
        if code == 0x40 {
            reader.position &+= 1
            return FlatSignature()
        }
        // A negative number of one byte: a value type.
        if code & 0xC0 == 0x40 {
            let type = try readValueType()
            return signatures.exactSingle(type)
        }
        let index = try reader.readSigned33()
        guard features.has(.multiValue) else {
            throw unsupported(.multiValue, "block type \(index)")
        }
        guard index >= 0, index < Int64(blockTypeCount) else {
            throw invalid("unknown type \(index)")
        }
        let type = UInt32(truncatingIfNeeded: index)
        return signatures[try checkType(type, below: blockTypeCount, is: .function)]
    }

    private mutating func validateReturn() throws(ModuleError) {
        let body = frames[0].signature
        try pop(body.resultCount, from: body.resultStart)
        setUnreachable()
    }

    // MARK: Parametric

    private mutating func validateSelect() throws(ModuleError) {
        try pop(.i32)
        let second = try popAny()
        let first = try popAny()
        guard !first.isReference, !second.isReference else {
            throw invalid("type mismatch: select of references needs a type")
        }
        guard first == second || first == .bottom || second == .bottom else {
            throw invalid(
                "type mismatch: select between \(module.describe(first)) and "
                    + "\(module.describe(second))")
        }
        push(first == .bottom ? second : first)
    }

    private mutating func validateTypedSelect() throws(ModuleError) {
        let count = try reader.readUnsigned32()
        guard count == 1 else { throw invalid("invalid result arity") }
        let type = try readValueType()
        try pop(.i32)
        try pop(type)
        try pop(type)
        push(type)
    }

    // MARK: Numbers

    @inline(__always)
    private mutating func validateConstant(
        _ type: ValueType, bits: UInt32
    ) throws(ModuleError) {
        try reader.skipSigned(bits: bits)
        push(type)
    }

    @inline(__always)
    private mutating func validateConstant(_ type: ValueType, bytes: Int) {
        reader.position &+= bytes
        push(type)
    }

    /// Numbers of 128 bits are two operands each; products have two factors of 64 bits.
    private mutating func validateWide(_ wide: WideOperator) throws(ModuleError) {
        let count =
            switch wide {
            case .add128, .subtract128: 4
            case .multiplySigned, .multiplyUnsigned: 2
            }
        for _ in 0..<count { try pop(.i64) }
        push(.i64)
        push(.i64)
    }
}

extension UInt32 {
    @inline(__always)
    func saturatingAdd(_ other: UInt32) -> UInt32 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? .max : sum
    }
}
