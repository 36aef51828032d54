internal import ApusCollections
internal import ApusFormat

/// Atomic accesses, as one thread alone sees them (threads proposal).
extension ReferenceMachine {
    func executeAtomic(
        _ instruction: ReferenceCode.Instruction, _ instance: ReferenceInstance
    ) throws {
        let offset = instruction.first
        func memory() -> ReferenceMemory {
            store.memories[instance.memories[Int(truncatingIfNeeded: instruction.second)]]
        }
        switch instruction.operation {
        case .atomicLoad(let type, let width):
            let count = Int(width.byteCount(type))
            let start = try alignedPlace(count, in: memory(), offset: offset)
            push(read(count, from: memory(), at: start))
        case .atomicStore(let type, let width):
            let value = pop()
            let count = Int(width.byteCount(type))
            let start = try alignedPlace(count, in: memory(), offset: offset)
            write(value, count, to: memory(), at: start)
        case .atomicReadModifyWrite(let type, let width, let operation):
            let value = pop()
            try update(Int(width.byteCount(type)), memory(), offset) {
                operation.result($0, value)
            }
        case .atomicCompareExchange(let type, let width):
            let replacement = pop()
            let expected = pop()
            let count = width.byteCount(type)
            let mask: UInt64 = count == 8 ? .max : 1 << (8 * count) - 1
            try update(Int(count), memory(), offset) {
                $0 == expected & mask ? replacement : $0
            }
        case .atomicWait(let type): try wait(type, memory(), offset)
        case .atomicNotify:
            _ = pop()
            _ = try alignedPlace(4, in: memory(), offset: offset)
            push(0)
        default: break
        }
    }

    /// Replaces what is at the address on the stack, and leaves what was there.
    private func update(
        _ byteCount: Int, _ memory: ReferenceMemory, _ offset: UInt64,
        _ change: (UInt64) -> UInt64
    ) throws {
        let start = try alignedPlace(byteCount, in: memory, offset: offset)
        let old = read(byteCount, from: memory, at: start)
        write(change(old), byteCount, to: memory, at: start)
        push(old)
    }

    /// Nobody notifies who is alone: what does not end at once ends when the time has passed.
    private func wait(_ type: NumberType, _ memory: ReferenceMemory, _ offset: UInt64) throws {
        _ = pop()
        let expected = pop()
        let count = type.is64 ? 8 : 4
        let start = try alignedPlace(count, in: memory, offset: offset)
        guard memory.type.isShared else { throw ReferenceTrap.expectedSharedMemory }
        push(read(count, from: memory, at: start) == expected ? 2 : 1)
    }

    /// As `place`, of what must be a multiple of `byteCount`.
    private func alignedPlace(
        _ byteCount: Int, in memory: ReferenceMemory, offset: UInt64
    ) throws -> Int {
        let address = stack[stack.count - 1].low &+ offset
        guard address % UInt64(byteCount) == 0 else { throw ReferenceTrap.unalignedAtomic }
        return try place(byteCount, in: memory, offset: offset)
    }
}

extension AtomicOperator {
    fileprivate func result(_ old: UInt64, _ value: UInt64) -> UInt64 {
        switch self {
        case .add: old &+ value
        case .subtract: old &- value
        case .and: old & value
        case .or: old | value
        case .xor: old ^ value
        case .exchange: value
        }
    }
}
