internal import ApusCollections

/// One instruction: a jump on its first byte. Numeric instructions take the table's way.
extension FunctionValidator {
    mutating func validateInstruction() throws(ModuleError) {
        let opcode = reader.readByte()
        switch opcode {
        case 0x00: setUnreachable()
        case 0x01: break
        case 0x02: try validateBlock(.block)
        case 0x03: try validateBlock(.loop)
        case 0x04:
            try pop(.i32)
            try validateBlock(.if)
        case 0x05: try validateElse()
        case 0x08: try validateThrow()
        case 0x0A: try validateThrowRef()
        case 0x0B: try validateEnd()
        case 0x0C: try validateBr()
        case 0x0D: try validateBrIf()
        case 0x0E: try validateBrTable()
        case 0x0F:
            let body = frames[0].signature
            try pop(body.resultCount, from: body.resultStart)
            setUnreachable()
        case 0x10: try validateCall()
        case 0x11: try validateCallIndirect()
        case 0x12...0x15: try validateLaterCall(opcode)

        case 0x1A: _ = try popAny()
        case 0x1B: try validateSelect()
        case 0x1C:
            try require(.referenceTypes, opcode)
            try validateTypedSelect()

        case 0x1F: try validateTryTable()
        case 0x20:
            let (index, type) = try readLocal()
            if !type.isDefaultable { try checkInitialized(index) }
            push(type)
        case 0x21:
            let (index, type) = try readLocal()
            noteAssignment(index)
            if !type.isDefaultable { noteInitialization(index) }
            try pop(type)
        case 0x22:
            let (index, type) = try readLocal()
            noteAssignment(index)
            if !type.isDefaultable { noteInitialization(index) }
            try pop(type)
            push(type)
        case 0x23:
            let global = globals[try readIndex(below: globals.count, "global")]
            push(ValueType(bits: UInt32(truncatingIfNeeded: global >> 1)))
        case 0x24:
            let index = try readIndex(below: globals.count, "global")
            let global = globals[index]
            guard global & 1 != 0 else { throw invalid("global is immutable: \(index)") }
            note(.writesGlobals)
            try pop(ValueType(bits: UInt32(truncatingIfNeeded: global >> 1)))
        case 0x25:
            try require(.referenceTypes, opcode)
            let table = try readIndex(below: tables.count, "table")
            try pop(tableAddresses[table])
            push(tables[table])
        case 0x26:
            try require(.referenceTypes, opcode)
            let table = try readIndex(below: tables.count, "table")
            try pop(tables[table])
            try pop(tableAddresses[table])
            note(.writesTables)

        case 0x28...0x35: try validateLoad(opcode)
        case 0x36...0x3E: try validateStore(opcode)
        case 0x3F:
            push(try readMemoryIndex())
        case 0x40:
            let address = try readMemoryIndex()
            note([.growsMemory, .callsRuntime])
            try pop(address)
            push(address)

        case 0x41:
            try reader.skipSigned(bits: 32)
            push(.i32)
        case 0x42:
            try reader.skipSigned(bits: 64)
            push(.i64)
        case 0x43:
            reader.position &+= 4
            push(.f32)
        case 0x44:
            reader.position &+= 8
            push(.f64)

        case 0x45...0xC4: try validateNumeric(opcode)

        case 0xD0:
            try require(.referenceTypes, opcode)
            push(.reference(try readHeapType(), nullable: true))
        case 0xD1:
            try require(.referenceTypes, opcode)
            _ = try popReference()
            push(.i32)
        case 0xD2:
            try require(.referenceTypes, opcode)
            try validateRefFunc()
        case 0xD4...0xD6: try validateNullCheck(opcode)
        case 0xFC: try validateMiscellaneous()
        case 0xFD: try validateVector()
        default: throw refusal(of: opcode)
        }
    }

    // MARK: Blocks

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
        guard index >= 0, index < Int64(signatures.count) else {
            throw invalid("unknown type \(index)")
        }
        return signatures[try checkFunctionType(UInt32(truncatingIfNeeded: index))]
    }

    // MARK: Calls

    mutating func noteCall(_ flags: BodyFlags) {
        note(flags)
        analysis.callWeight = analysis.callWeight.saturatingAdd(weight)
    }

    private mutating func validateCall() throws(ModuleError) {
        let function = try readIndex(below: signatures.functionCount, "function")
        let leaves = function < module.importedFunctionCount
        noteCall(leaves ? [.calls, .leavesInstance] : .calls)
        let signature = signatures.ofFunction(function)
        try pop(signature.parameterCount, from: signature.parameterStart)
        push(signature.resultCount, from: signature.resultStart)
    }

    private mutating func validateCallIndirect() throws(ModuleError) {
        let (address, signature) = try readIndirectCallee()
        noteCall([.calls, .leavesInstance])
        try pop(address)
        try pop(signature.parameterCount, from: signature.parameterStart)
        push(signature.resultCount, from: signature.resultStart)
    }

    /// Reads the immediates of a call through a table: the type of its index, and the signature.
    mutating func readIndirectCallee() throws(ModuleError) -> (ValueType, FlatSignature) {
        let type = try reader.readUnsigned32()
        let table = try readIndex(below: tables.count, "table")
        let index = try checkFunctionType(type)
        guard matches(tables[table], .funcref) else {
            throw invalid("type mismatch: table \(table) does not hold functions")
        }
        return (tableAddresses[table], signatures[index])
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
            throw invalid("type mismatch: select between \(first) and \(second)")
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

    // MARK: Locals

    @inline(__always)
    private mutating func readLocal() throws(ModuleError) -> (index: Int, type: ValueType) {
        let index = try readIndex(below: analysis.locals.count, "local")
        return (
            index, analysis.locals.use(index, weight: weight, parameters: signatures.types)
        )
    }

    // MARK: Refusals

    /// Why an instruction with this first byte is not valid: a later feature's, or nobody's.
    func refusal(of opcode: UInt8) -> ModuleError {
        if opcode == 0xFB || opcode == 0xFE {
            return unsupported(
                opcode == 0xFB ? .garbageCollection : .threads,
                "prefix \(String(opcode, radix: 16))")
        }
        return refusal(ofPrefix: 0, code: UInt32(opcode))
    }

    func refusal(ofPrefix prefix: UInt8, code: UInt32) -> ModuleError {
        Opcodes.refusal(prefix: prefix, code: code, at: instruction)
    }

    /// Checks that `feature`, which brought the instruction of one byte `opcode`, is on.
    @inline(__always)
    func require(_ feature: Feature, _ opcode: UInt8) throws(ModuleError) {
        if !features.has(feature) { throw refusal(of: opcode) }
    }
}

extension UInt32 {
    @inline(__always)
    func saturatingAdd(_ other: UInt32) -> UInt32 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? .max : sum
    }
}
