internal import ApusAssembler
internal import ApusCollections
internal import ApusFormat
internal import ApusIR
internal import ApusVectors

/// Vector instructions that compute, as `VectorPlan` says. Lanes and shuffles are in
/// `Selector+Lanes`.
extension Selector {
    /// Where the result of an instruction lies that has a form with three operands if AVX is used.
    var threeOperands: Constraint { mutating get { vectorOptions.contains(.avx) ? .any : .tied } }

    /// What the WebAssembly instruction does that the immediate names.
    static func operation(_ instruction: ApusIR.Instruction) -> ApusFormat.Operation? {
        Opcodes.operation(prefix: 0xFD, code: UInt32(instruction.immediate))
    }

    mutating func lowerVector(
        _ value: Value, _ instruction: ApusIR.Instruction, _ function: borrowing Function
    ) {
        guard let operation = Self.operation(instruction) else { return isRefused = true }
        let operands = VectorOperands(instruction)
        let result = resultRegister(value, function)
        if case .vectorBinary(_, .swizzle) = operation,
            lowerSwizzle(result, instruction, function)
        {
            return
        }
        if let plan = VectorPlan(operation, vectorOptions) {
            guard plan.operandCount == operands.count else { return isRefused = true }
            return perform(plan, result, operands, function)
        }
        if instruction.operator == .vectorBinary {
            guard case .vectorShift(let shape, let shift) = operation else {
                return isRefused = true
            }
            return lowerShift(shape, shift, result, instruction, function)
        }
        if case .vectorSplat(let shape) = operation {
            lowerSplat(shape, result, instruction.first, function)
        } else if case .vectorBitmask(let shape) = operation {
            var made = MachineInstruction(.vectorBitmask)
            made.detail = shape.rawValue
            append(made, result, register(instruction.first, function))
        } else if let source = testVector(.set, value, function) {
            append(source, result: result)
        } else {
            isRefused = true
        }
    }

    /// The operands of a vector instruction that are vectors.
    struct VectorOperands {
        var first: Value
        var second = Value.none
        var third = Value.none

        init(_ first: Value, _ second: Value = .none) {
            self.first = first
            self.second = second
        }

        init(_ instruction: ApusIR.Instruction) {
            first = instruction.first
            if instruction.operator == .vectorUnary { return }
            second = instruction.second
            if instruction.operator == .vectorTernary { third = instruction.third }
        }

        var count: Int { second.isNone ? 1 : third.isNone ? 2 : 3 }
        var swapped: VectorOperands { VectorOperands(second, first) }
    }

    // MARK: Plans

    /// Appends what makes `result` of as many operands as `plan` takes.
    mutating func perform(
        _ plan: VectorPlan, _ result: VirtualRegister, _ operands: VectorOperands,
        _ function: borrowing Function
    ) {
        switch plan {
        case .identity: appendCopy(result, operands.first, function)
        case .unary(let op):
            var made = MachineInstruction(.vectorUnary)
            made.immediate = UInt64(op.rawValue)
            let canFold =
                op.readsHalf
                ? isFoldable(operands.first, function, width: .zero64)
                : op.readsAll && isVectorMemory(operands.first, function)
            perform(made, .vectorUnaryMemory, result, operands.first, canFold, function)
        case .unaryImmediate(let op, let byte):
            var made = MachineInstruction(.vectorUnaryImmediate)
            made.immediate = UInt64(op.rawValue) | UInt64(byte) &<< 32
            let canFold = isVectorMemory(operands.first, function)
            perform(made, .vectorUnaryImmediateMemory, result, operands.first, canFold, function)
        case .shift(let op, let count):
            var made = MachineInstruction(.vectorShift)
            made.immediate = UInt64(op.rawValue) | UInt64(count) &<< 32
            append(made, result, register(operands.first, function), threeOperands)
        case .operation(let op, let isSwapped):
            var made = MachineInstruction(.vectorBinary)
            made.immediate = UInt64(op.rawValue)
            var operands = isSwapped ? operands.swapped : operands
            if op.isCommutative {
                made.flags = .commutes
                if isVectorMemory(operands.first, function) { operands = operands.swapped }
            }
            perform(made, .vectorBinaryMemory, result, operands, function)
        case .immediate(let op, let byte, let isSwapped):
            var made = MachineInstruction(.vectorImmediate)
            made.immediate = UInt64(op.rawValue) | UInt64(byte) &<< 32
            let operands = isSwapped ? operands.swapped : operands
            perform(made, .vectorImmediateMemory, result, operands, function)
        case .fused(let product): fuse(product, result, operands, function)
        case .blend(let op):
            var made = MachineInstruction(.vectorBlend)
            made.immediate = UInt64(op.rawValue)
            let a = register(operands.second, function)
            let b = register(operands.first, function)
            let mask = register(operands.third, function)
            append(made, result, a, b)
            use(mask)
        case .sequence(let sequence, let isSwapped):
            perform(sequence, result, isSwapped ? operands.swapped : operands, function)
        }
    }

    mutating func appendCopy(
        _ result: VirtualRegister, _ value: Value, _ function: borrowing Function
    ) {
        var made = MachineInstruction(.copy)
        made.flags = .copies
        made.width = .w128
        append(made, result, register(value, function))
    }

    private mutating func perform(
        _ made: MachineInstruction, _ memoryOpcode: MachineOpcode, _ result: VirtualRegister,
        _ operand: Value, _ canFold: Bool, _ function: borrowing Function
    ) {
        var made = made
        guard canFold else {
            return append(made, result, register(operand, function))
        }
        made.opcode = memoryOpcode
        let memory = vectorMemory(operand, function, &made)
        begin(made, memory)
        define(result)
        useMemory(memory)
    }

    private mutating func perform(
        _ made: MachineInstruction, _ memoryOpcode: MachineOpcode, _ result: VirtualRegister,
        _ operands: VectorOperands, _ function: borrowing Function
    ) {
        var made = made
        guard isVectorMemory(operands.second, function) else {
            let a = register(operands.first, function)
            let b =
                resolve(operands.first) == resolve(operands.second)
                ? a : register(operands.second, function)
            return append(made, result, a, b, threeOperands)
        }
        made.opcode = memoryOpcode
        made.flags = []
        let memory = vectorMemory(operands.second, function, &made)
        let a = register(operands.first, function)
        begin(made, memory)
        define(result, threeOperands)
        use(a)
        useMemory(memory)
    }

    private mutating func perform(
        _ sequence: VectorSequence, _ result: VirtualRegister, _ operands: VectorOperands,
        _ function: borrowing Function
    ) {
        var made = MachineInstruction(.vectorSequence)
        made.detail = sequence.kind.rawValue
        made.condition = sequence.shape.rawValue
        made.immediate = UInt64(sequence.count)
        if sequence.writesEarly(vectorOptions) { made.flags = .writesEarly }
        let a = register(operands.first, function)
        let b = operands.count > 1 ? register(operands.second, function) : .none
        let c = operands.count > 2 ? register(operands.third, function) : .none
        perform(made, result, needsTemporary: sequence.needsTemporary(vectorOptions), a, b, c)
    }

    private mutating func perform(
        _ made: MachineInstruction, _ result: VirtualRegister, needsTemporary: Bool,
        _ a: VirtualRegister, _ b: VirtualRegister, _ c: VirtualRegister = .none
    ) {
        let temporary = needsTemporary ? makeRegister(.v128) : .none
        begin(made)
        define(result)
        if needsTemporary { define(temporary) }
        use(a)
        if !b.isNone { use(b) }
        if !c.isNone { use(c) }
    }

    /// The result replaces the operand that is least likely to be needed again: the sum, as when
    /// products are summed up, else the first factor.
    private mutating func fuse(
        _ product: FusedProduct, _ result: VirtualRegister, _ operands: VectorOperands,
        _ function: borrowing Function
    ) {
        let (first, second, third) = (operands.first, operands.second, operands.third)
        var made = MachineInstruction(.vectorFused)
        made.immediate = UInt64(product.replacingFactor.rawValue)
        if isVectorMemory(third, function) {
            return fuse(made, result, first, second, third, function)
        }
        let isSumNeeded = useCounts[resolve(third).index] > 1
        if isSumNeeded, useCounts[resolve(first).index] == 1 {
            return fuse(made, result, first, second, third, function)
        }
        if isSumNeeded, useCounts[resolve(second).index] == 1 {
            return fuse(made, result, second, first, third, function)
        }
        made.immediate = UInt64(product.replacingSum.rawValue)
        if isVectorMemory(first, function) {
            return fuse(made, result, third, second, first, function)
        }
        fuse(made, result, third, first, second, function)
    }

    private mutating func fuse(
        _ made: MachineInstruction, _ result: VirtualRegister, _ replaced: Value, _ b: Value,
        _ last: Value, _ function: borrowing Function
    ) {
        var made = made
        guard isVectorMemory(last, function) else {
            let a = register(replaced, function)
            let b = register(b, function)
            let c = register(last, function)
            append(made, result, a, b, .tied)
            return use(c)
        }
        made.opcode = .vectorFusedMemory
        let memory = vectorMemory(last, function, &made)
        let a = register(replaced, function)
        let b = register(b, function)
        begin(made, memory)
        define(result, .tied)
        use(a)
        use(b)
        useMemory(memory)
    }

    // MARK: Shifts

    private mutating func lowerShift(
        _ shape: VectorShape, _ shift: VectorShift, _ result: VirtualRegister,
        _ instruction: ApusIR.Instruction, _ function: borrowing Function
    ) {
        let operand = instruction.first
        if let count = constant(instruction.second, function) {
            let plan = VectorPlan(shape, shift, by: UInt8(truncatingIfNeeded: count))
            return perform(plan, result, VectorOperands(operand), function)
        }
        let a = register(operand, function)
        let count = shiftCount(shape, shift, instruction.second, function)
        switch VectorPlan(variable: shift, shape) {
        case .operation(let op, _):
            var made = MachineInstruction(.vectorBinary)
            made.immediate = UInt64(op.rawValue)
            append(made, result, a, count, threeOperands)
        case .sequence(let sequence, _):
            var made = MachineInstruction(.vectorSequence)
            made.flags = .writesEarly
            made.detail = sequence.kind.rawValue
            made.condition = sequence.shape.rawValue
            perform(made, result, needsTemporary: sequence.needsTemporary(vectorOptions), a, count)
        default: isRefused = true
        }
    }

    /// A vector register with the count of a shift, brought into range.
    private mutating func shiftCount(
        _ shape: VectorShape, _ shift: VectorShift, _ value: Value, _ function: borrowing Function
    ) -> VirtualRegister {
        let limit = Int64(shape.laneWidth.bits &- 1)
        var count = register(value, function)
        if !isBelow(limit, value, function) {
            var made = MachineInstruction(.aluImmediate)
            made.width = .w32
            made.detail = AluOp.and.rawValue
            made.immediate = UInt64(limit)
            let masked = makeRegister(.i32)
            append(made, masked, count, .tied)
            count = masked
        }
        if VectorPlan.takesEightMore(shape, shift) {
            var made = MachineInstruction(.addImmediate)
            made.width = .w32
            made.immediate = 8
            let sum = makeRegister(.i32)
            append(made, sum, count)
            count = sum
        }
        var made = MachineInstruction(.moveToFloat)
        made.width = .w32
        let moved = makeRegister(.f64)
        append(made, moved, count)
        return moved
    }

    /// Whether `value` is seen to be at most `limit`.
    private mutating func isBelow(
        _ limit: Int64, _ value: Value, _ function: borrowing Function
    ) -> Bool {
        let instruction = function[resolve(value)]
        guard instruction.operator == .and else { return false }
        guard let mask = constant(instruction.second, function) else { return false }
        return (0...limit).contains(mask)
    }

    // MARK: Tests

    /// The test that `value` is, if it asks whether any or all lanes are set.
    mutating func testVector(
        _ opcode: MachineOpcode, _ value: Value, isInverted: Bool = false,
        _ function: borrowing Function
    ) -> FlagSource? {
        let instruction = function[resolve(value)]
        guard instruction.operator == .vectorUnary, let operation = Self.operation(instruction)
        else { return nil }
        var made = MachineInstruction(opcode)
        var condition = FlagCondition(number: Condition.ne.rawValue)
        if case .vectorAllTrue(let shape) = operation {
            made.detail = FlagTest.vectorAllTrue.rawValue
            made.immediate = UInt64(shape.rawValue)
            condition = condition.inverted
        } else if case .vectorAnyTrue = operation {
            made.detail = FlagTest.vectorAnyTrue.rawValue
        } else {
            return nil
        }
        var source = FlagSource(
            made: made, condition: isInverted ? condition.inverted : condition)
        source.a = register(instruction.first, function)
        return source
    }

    // MARK: Memory

    /// Whether a vector operand can be read from memory: a constant, or a load if instructions
    /// take unaligned operands.
    mutating func isVectorMemory(_ value: Value, _ function: borrowing Function) -> Bool {
        let value = resolve(value)
        let instruction = function[value]
        if instruction.operator == .vectorConstant {
            // Zero and all ones are made without memory.
            let bits = function.vectors[Int(instruction.a)]
            let constant = VectorConstant(low: bits.low, high: bits.high)
            return !constant.isZero && !constant.isAllOnes
        }
        return vectorOptions.contains(.avx) && instruction.type == .v128
            && isFoldable(value, function)
    }

    mutating func vectorMemory(
        _ value: Value, _ function: borrowing Function, _ user: inout MachineInstruction
    ) -> AddressParts {
        let value = resolve(value)
        guard function[value].operator == .vectorConstant else {
            return foldLoad(value, function, &user)
        }
        var parts = AddressParts(form: .vector)
        parts.displacement = Int32(bitPattern: function[value].a)
        return parts
    }
}

extension VectorUnaryOp {
    /// Whether a memory operand has 16 bytes; a load of as many cannot become part of others.
    fileprivate var readsAll: Bool {
        switch self {
        case .pabsb, .pabsw, .pabsd, .sqrtps, .sqrtpd, .cvtdq2ps, .cvttps2dq, .cvtpd2ps,
            .cvttpd2dq:
            true
        default: false
        }
    }

    /// Whether a memory operand has 8 bytes.
    fileprivate var readsHalf: Bool {
        switch self {
        case .pmovsxbw, .pmovzxbw, .pmovsxwd, .pmovzxwd, .pmovsxdq, .pmovzxdq, .cvtdq2pd,
            .cvtps2pd:
            true
        default: false
        }
    }
}
