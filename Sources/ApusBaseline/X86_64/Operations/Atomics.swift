internal import ApusABI
internal import ApusAssembler
internal import ApusCollections
internal import ApusFormat

/// Atomic accesses (threads proposal). On this processor every load and store that is aligned is
/// atomic, and all that is missing for sequential consistency is that stores wait for what comes
/// behind them: `xchg`, and whatever is locked.
///
/// Memories that are not shared are accessed in the same way.
extension BaselineCompiler {
    // MARK: Places

    /// Traps if the address and offset of an access are not a multiple of its size. The address is
    /// in `index`, or constant. Goes through the scratch.
    private mutating func checkAlignment(
        _ operand: Operand, _ index: GeneralValue?, _ argument: MemoryArgument, _ width: Width
    ) {
        let mask = Int32(truncatingIfNeeded: width.byteCount &- 1)
        if mask == 0 { return }
        let low = Int32(truncatingIfNeeded: argument.offset) & mask
        guard let index else {
            let position = Int32(truncatingIfNeeded: operand.bits) &+ low
            guard position & mask != 0 else { return }
            // What follows is never executed.
            markSite(.unalignedAtomic)
            return code.ud2()
        }
        if low == 0 {
            code.test(.w8, index.register, immediate: mask)
        } else {
            let scratch = CallingConvention.scratch
            code.lea(.w32, scratch, Address(index.register, low))
            code.test(.w8, scratch, immediate: mask)
        }
        trap(.unalignedAtomic, if: .ne)
    }

    /// Where an access goes whose address is below the operand on top of the stack: in a register
    /// of its own, so that few are taken when those that an instruction demands are made free.
    private mutating func takeAtomicPlace(
        _ argument: MemoryArgument, _ width: Width
    ) -> GPR {
        let value = pop()
        let operand = pop()
        let index = takeIndex(operand)
        // It may move to its slot meanwhile.
        push(value)
        checkAlignment(operand, index, argument, width)
        let isOwned = index?.isOwned ?? false
        let target = isOwned ? index?.register ?? .rax : allocateGeneral()
        let place = memoryOperand(operand, index, argument, bytes: UInt64(width.byteCount))
        code.lea(.w64, target, place.address)
        return target
    }

    // MARK: Loads and stores

    mutating func translateAtomicLoad(_ number: NumberType, _ atomicWidth: AtomicWidth) {
        let argument = reader.readMemoryArgument()
        let type = ValueClass(number)
        let width = type.width(atomicWidth)
        let operand = pop()
        let index = takeIndex(operand)
        checkAlignment(operand, index, argument, width)
        let reused = index ?? GeneralValue(register: .rax, isOwned: false)
        let result = destination(reusing: reused)
        let place = memoryOperand(operand, index, argument, bytes: UInt64(width.byteCount))
        markSite(.memoryOutOfBounds)
        code.loadZeroExtended(from: width, result.general, place.address)
        finish(result, type, freeing: reused)
    }

    mutating func translateAtomicStore(_ number: NumberType, _ atomicWidth: AtomicWidth) {
        let argument = reader.readMemoryArgument()
        let width = ValueClass(number).width(atomicWidth)
        let place = takeAtomicPlace(argument, width)
        let value = takeOwned(pop())
        markSite(.memoryOutOfBounds)
        code.exchange(width, Address(place), value)
        free(value)
        free(place)
    }

    // MARK: Updates

    mutating func translateAtomicUpdate(
        _ number: NumberType, _ atomicWidth: AtomicWidth, _ update: AtomicOperator
    ) {
        let argument = reader.readMemoryArgument()
        let type = ValueClass(number)
        let width = type.width(atomicWidth)
        let place = takeAtomicPlace(argument, width)
        if let op = update.aluOp, takeDrop() {
            let value = take(pop())
            markSite(.memoryOutOfBounds)
            code.lockedAlu(op, width, Address(place), value.register)
            release(value)
            free(place)
            return
        }
        switch update {
        case .and, .or, .xor: emitUpdateLoop(type, width, update.aluOp ?? .and, place)
        case .add, .subtract, .exchange:
            let value = takeOwned(pop())
            if update == .subtract { code.negate(type.width, value) }
            markSite(.memoryOutOfBounds)
            if update == .exchange {
                code.exchange(width, Address(place), value)
            } else {
                code.lockedExchangeAdd(width, Address(place), value)
            }
            finishOldValue(type, width, value, place)
        }
    }

    /// Tries to replace the value that was read until nobody else has changed it.
    private mutating func emitUpdateLoop(
        _ type: ValueClass, _ width: Width, _ op: AluOp, _ given: GPR
    ) {
        let place = claimAccumulator(keeping: given)
        let value = take(pop())
        let new = allocateGeneral()
        let again = code.makeLabel()
        markSite(.memoryOutOfBounds)
        code.loadZeroExtended(from: width, .rax, Address(place))
        code.bind(again)
        code.move(type.width, new, .rax)
        code.alu(op, type.width, new, value.register)
        code.lockedCompareExchange(width, Address(place), new)
        code.jump(.ne, again, near: true)
        release(value)
        free(new)
        free(place)
        // There have been zeroes above from the beginning.
        finishIn(.rax, type)
    }

    mutating func translateAtomicCompareExchange(_ number: NumberType, _ atomicWidth: AtomicWidth) {
        let argument = reader.readMemoryArgument()
        let type = ValueClass(number)
        let width = type.width(atomicWidth)
        let replacement = GeneralValue(register: takeOwned(pop()), isOwned: true)
        // The expected value is on top, below it the address.
        let given = takeAtomicPlace(argument, width)
        let expected = pop()
        let isPlaced = expected.kind == .register && expected.general == .rax
        var registers = (given, replacement.register)
        if !isPlaced {
            push(expected)
            registers = claimAccumulator(keeping: given, replacement.register)
            let expected = pop()
            load(expected, into: .rax)
            discard(expected)
        }
        markSite(.memoryOutOfBounds)
        code.lockedCompareExchange(width, Address(registers.0), registers.1)
        free(registers.1)
        finishOldValue(type, width, .rax, registers.0)
    }

    /// Makes rax free, which nobody on the stack keeps, and takes it; what is in `place` stays in
    /// the register that is given back.
    private mutating func claimAccumulator(keeping place: GPR) -> GPR {
        if place == .rax {
            // It is taken already: what is there goes elsewhere.
            let other = allocateGeneral()
            code.move(.w64, other, .rax)
            return other
        }
        claim(.rax)
        return place
    }

    /// The same for two registers that are taken.
    private mutating func claimAccumulator(keeping first: GPR, _ second: GPR) -> (GPR, GPR) {
        if second == .rax {
            let other = allocateGeneral()
            code.move(.w64, other, .rax)
            return (first, other)
        }
        return (claimAccumulator(keeping: first), second)
    }

    /// The old value is in `register`, a temporary that is taken, with whatever was above it.
    private mutating func finishOldValue(
        _ type: ValueClass, _ width: Width, _ register: GPR, _ place: GPR
    ) {
        free(place)
        if width != type.width { code.moveZeroExtended(from: width, register, register) }
        finishIn(register, type)
    }

    /// Whether the next instruction drops the result; then it is taken along.
    private mutating func takeDrop() -> Bool {
        guard reader.peekByte() == 0x1A, !hasStopPoints else { return false }
        _ = reader.next()
        return true
    }

    // MARK: Order, and waiting

    mutating func translateFence() {
        _ = reader.readByte()
        code.mfence()
    }

    mutating func translateAtomicWait(_ number: NumberType) {
        let argument = reader.readMemoryArgument()
        push(.constant(.i64, argument.offset))
        callRuntime(
            number.is64 ? .memoryWait64 : .memoryWait32, leading: [argument.memory], operands: 4,
            result: .i32)
    }

    mutating func translateAtomicNotify() {
        let argument = reader.readMemoryArgument()
        guard memories[Int(argument.memory)].isShared else {
            return notifyNobody(argument)
        }
        push(.constant(.i64, argument.offset))
        callRuntime(
            .memoryNotify, leading: [layout.memoryPlace(Int(argument.memory))], operands: 3,
            result: .i32)
    }

    /// For a place in a memory that only one thread has, nobody waits; but it has to be there.
    private mutating func notifyNobody(_ argument: MemoryArgument) {
        discard(pop())
        let operand = pop()
        let index = takeIndex(operand)
        checkAlignment(operand, index, argument, .w32)
        let place = memoryOperand(operand, index, argument, bytes: 4)
        markSite(.memoryOutOfBounds)
        code.test(.w8, place.address, immediate: 0)
        release(place)
        push(.constant(.i32, 0))
    }
}

extension ValueClass {
    /// Width of what an atomic access of this class touches.
    fileprivate func width(_ atomic: AtomicWidth) -> Width {
        switch atomic {
        case .full: width
        case .bits8: .w8
        case .bits16: .w16
        case .bits32: .w32
        }
    }
}

extension AtomicOperator {
    /// The processor's operation; nil of what has none.
    fileprivate var aluOp: AluOp? {
        switch self {
        case .add: .add
        case .subtract: .sub
        case .and: .and
        case .or: .or
        case .xor: .xor
        case .exchange: nil
        }
    }
}

extension Width {
    /// Bytes of an operand.
    fileprivate var byteCount: Int {
        switch self {
        case .w8: 1
        case .w16: 2
        case .w32: 4
        case .w64: 8
        }
    }
}
