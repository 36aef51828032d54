internal import ApusABI
internal import ApusAssembler
internal import ApusCollections
internal import ApusFormat
internal import ApusVectors

/// Vector arithmetic, comparisons, conversions and shifts (4.3.5, 4.3.6), as `VectorPlan` says.
extension BaselineCompiler {
    /// An instruction that makes a vector of one to three vectors.
    mutating func translateVector(_ instruction: Operation) {
        guard let plan = VectorPlan(instruction, vectorOptions) else { return }
        switch plan.operandCount {
        case 1: perform(plan, pop())
        case 2:
            let right = pop()
            perform(plan, pop(), right)
        default: performOnThree(plan)
        }
    }

    // MARK: One operand

    /// `plan` with one vector, for both operands if it has two.
    mutating func perform(_ plan: VectorPlan, _ operand: Operand) {
        if case .identity = plan {
            // What is in the frame belongs to its place on the stack.
            return operand.kind == .slot
                ? push(.v128, takeFloat(operand).register) : push(operand)
        }
        let a = takeFloat(operand)
        if case .sequence(let sequence, _) = plan, sequence.writesEarly(vectorOptions) {
            let target = allocateFloat()
            emit(sequence, target: target, a.register)
            release(a)
            return push(.v128, target)
        }
        let result = destination(reusing: a)
        emit(plan, result.float, a.register)
        finish(result, .v128, freeing: a)
    }

    private mutating func emit(_ plan: VectorPlan, _ target: XMM, _ a: XMM) {
        switch plan {
        case .unary(let op): code.vector(op, target, a)
        case .unaryImmediate(let op, let byte): code.vector(op, target, a, immediate: byte)
        case .shift(let op, let count): code.vector(op, target, a, immediate: count)
        case .operation(let op, _): code.vector(op, target, a, a)
        case .immediate(let op, let byte, _): code.vector(op, target, a, a, immediate: byte)
        case .sequence(let sequence, _): emit(sequence, target: target, a)
        case .identity, .fused, .blend: break  // Nothing to do; three operands.
        }
    }

    /// With a temporary if the sequence needs one.
    private mutating func emit(
        _ sequence: VectorSequence, target: XMM, _ a: XMM, _ b: XMM = .xmm0, _ c: XMM = .xmm0
    ) {
        let needsTemporary = sequence.needsTemporary(vectorOptions)
        let temporary = needsTemporary ? allocateFloat() : .xmm0
        code.vector(
            sequence,
            VectorRegisters(
                target: target, a: a, b: b, c: c, temporary: temporary, scratch: scratchVector))
        if needsTemporary { free(temporary) }
    }

    // MARK: Two operands

    /// `plan` with two vectors.
    mutating func perform(_ plan: VectorPlan, _ left: Operand, _ right: Operand) {
        switch plan {
        case .operation(let op, let isSwapped):
            var (a, b) = isSwapped ? (right, left) : (left, right)
            if a.isConstant, op.isCommutative { swap(&a, &b) }
            emitVector(op, a, b)
        case .immediate(let op, let byte, let isSwapped):
            let (left, right) = isSwapped ? (right, left) : (left, right)
            let a = takeFloat(left)
            let b = takeFloat(right)
            let result = destination(reusing: a.isOwned ? a : b)
            code.vector(op, result.float, a.register, b.register, immediate: byte)
            finishPair(result, .v128, a, b)
        case .sequence(let sequence, let isSwapped):
            let (left, right) = isSwapped ? (right, left) : (left, right)
            let a = takeFloat(left)
            let b = takeFloat(right)
            let target = allocateFloat()
            emit(sequence, target: target, a.register, b.register)
            release(a)
            release(b)
            push(.v128, target)
        case .unary, .unaryImmediate, .shift, .identity, .fused, .blend:
            break  // One operand, or three.
        }
    }

    /// `left op right` in one instruction.
    private mutating func emitVector(_ op: VectorOp, _ left: Operand, _ right: Operand) {
        let a = takeFloat(left)
        if let address = vectorMemory(right) {
            let result = destination(reusing: a)
            code.vector(op, result.float, a.register, address)
            return finish(result, .v128, freeing: a)
        }
        let b = takeFloat(right)
        let result = destination(reusing: a.isOwned ? a : b)
        code.vector(op, result.float, a.register, b.register)
        finishPair(result, .v128, a, b)
    }

    // MARK: Three operands

    private mutating func performOnThree(_ plan: VectorPlan) {
        let third = takeFloat(pop())
        let second = takeFloat(pop())
        if case .fused(let product) = plan {
            let target = takeOwnedFloat(pop())
            code.vector(product.replacingFactor, target, second.register, third.register)
            release(second)
            release(third)
            return push(.v128, target)
        }
        let first = takeFloat(pop())
        let target = allocateFloat()
        switch plan {
        case .sequence(let sequence, _):
            emit(sequence, target: target, first.register, second.register, third.register)
        case .blend(let op):
            code.vector(op, target, second.register, first.register, mask: third.register)
        default: break  // At most two operands.
        }
        release(first)
        release(second)
        release(third)
        push(.v128, target)
    }

    // MARK: Shifts

    mutating func translateVectorShift(_ shape: VectorShape, _ shift: VectorShift) {
        let count = pop()
        if count.isConstant {
            let plan = VectorPlan(shape, shift, by: UInt8(truncatingIfNeeded: count.bits))
            return perform(plan, pop())
        }
        let vector = pop()
        let register = takeOwned(count)
        code.alu(.and, .w32, register, immediate: Int32(shape.laneWidth.bits &- 1))
        if VectorPlan.takesEightMore(shape, shift) {
            code.alu(.add, .w32, register, immediate: 8)
        }
        let a = takeFloat(vector)
        let target = allocateFloat()
        code.moveToFloat(.w32, scratchVector, register)
        switch VectorPlan(variable: shift, shape) {
        case .operation(let op, _): code.vector(op, target, a.register, scratchVector)
        case .sequence(let sequence, _):
            emit(sequence, target: target, a.register, scratchVector)
        default: break  // Shifts by variable counts are one or the other.
        }
        free(register)
        release(a)
        push(.v128, target)
    }
}
