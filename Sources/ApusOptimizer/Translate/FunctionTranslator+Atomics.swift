internal import ApusABI
internal import ApusCollections
internal import ApusFormat
internal import ApusIR

/// Atomic accesses (threads proposal), of memories that are shared and of others.
extension FunctionTranslator {
    /// The place of an access of `bytes` bytes at `address` and the instruction's offset, which is
    /// a multiple of that. Nil if the access always traps; then the block is at its end.
    private mutating func atomicAddress(
        _ address: Value, _ argument: MemoryArgument, bytes: UInt64
    ) -> MemoryAddress? {
        let mask = bytes &- 1
        if mask > 0 {
            var low = builder.function.type(address) == .i64 ? narrow(address) : address
            let offset = argument.offset & mask
            if offset > 0 {
                low = builder.value(
                    ApusIR.Instruction(.add, .i32, low, builder.constant(.i32, offset)))
            }
            let rest = builder.value(
                ApusIR.Instruction(.and, .i32, low, builder.constant(.i32, mask)))
            guard trap(.unalignedAtomic, if: rest) else { return nil }
        }
        return memoryAddress(address, argument, bytes: bytes)
    }

    mutating func translateAtomicLoad(_ number: NumberType, _ width: AtomicWidth) {
        let argument = reader.readMemoryArgument()
        let bytes = width.byteCount(number)
        guard let address = atomicAddress(pop(), argument, bytes: bytes) else { return }
        push(
            builder.atomicLoad(
                IRType(number), Self.access(width.accessWidth), address.base, address.index,
                address.displacement))
    }

    /// A store is an exchange whose result nobody needs.
    mutating func translateAtomicStore(_ number: NumberType, _ width: AtomicWidth) {
        let argument = reader.readMemoryArgument()
        let value = pop()
        let bytes = width.byteCount(number)
        guard let address = atomicAddress(pop(), argument, bytes: bytes) else { return }
        builder.atomicUpdate(
            .atomicExchange, Self.access(width.accessWidth), value, address.base, address.index,
            address.displacement)
    }

    mutating func translateAtomicUpdate(
        _ number: NumberType, _ width: AtomicWidth, _ update: AtomicOperator
    ) {
        let argument = reader.readMemoryArgument()
        var value = pop()
        let bytes = width.byteCount(number)
        guard let address = atomicAddress(pop(), argument, bytes: bytes) else { return }
        if update == .subtract {
            let type = IRType(number)
            value = builder.value(
                ApusIR.Instruction(.subtract, type, builder.constant(type, 0), value))
        }
        push(
            builder.atomicUpdate(
                update.operator, Self.access(width.accessWidth), value, address.base, address.index,
                address.displacement))
    }

    mutating func translateAtomicCompareExchange(_ number: NumberType, _ width: AtomicWidth) {
        let argument = reader.readMemoryArgument()
        let replacement = pop()
        let expected = pop()
        let bytes = width.byteCount(number)
        guard let address = atomicAddress(pop(), argument, bytes: bytes) else { return }
        push(
            builder.atomicUpdate(
                .atomicCompareExchange, Self.access(width.accessWidth), replacement,
                expected: expected, address.base, address.index, address.displacement))
    }

    // MARK: Waiting

    mutating func translateAtomicWait(_ number: NumberType) {
        let argument = reader.readMemoryArgument()
        push(builder.constant(.i64, argument.offset))
        callRuntime(
            number.is64 ? .memoryWait64 : .memoryWait32, [argument.memory], operands: 4,
            result: .i32, changing: .all)
    }

    mutating func translateAtomicNotify() {
        let argument = reader.readMemoryArgument()
        guard memories[Int(argument.memory)].isShared else { return notifyNobody(argument) }
        push(builder.constant(.i64, argument.offset))
        callRuntime(
            .memoryNotify, [layout.memoryPlace(Int(argument.memory))], operands: 3, result: .i32,
            changing: .all)
    }

    /// For a place in a memory that only one thread has, nobody waits.
    private mutating func notifyNobody(_ argument: MemoryArgument) {
        _ = pop()
        guard let address = atomicAddress(pop(), argument, bytes: 4) else { return }
        // It is only to be there.
        _ = builder.load(
            .i32, Self.access(.full), address.base, address.index, address.displacement)
        push(builder.constant(.i32, 0))
    }
}

extension AtomicWidth {
    fileprivate var accessWidth: AccessWidth {
        switch self {
        case .full: .full
        case .bits8: .unsigned8
        case .bits16: .unsigned16
        case .bits32: .unsigned32
        }
    }
}

extension AtomicOperator {
    /// Subtraction is the addition of the negative.
    fileprivate var `operator`: Operator {
        switch self {
        case .add, .subtract: .atomicAdd
        case .and: .atomicAnd
        case .or: .atomicOr
        case .xor: .atomicXor
        case .exchange: .atomicExchange
        }
    }
}
