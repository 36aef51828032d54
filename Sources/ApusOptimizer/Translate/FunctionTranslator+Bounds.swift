internal import ApusABI
internal import ApusCollections
internal import ApusFormat
internal import ApusIR

/// Checks of accesses to memories that cannot leave it all to the processor (`MemoryPlan`).
extension FunctionTranslator {
    /// What a check of an access gives.
    enum CheckedAddress {
        /// The access may go by its address and offset.
        case plain
        /// It is to go by this instead, which is the memory's beginning where the processor goes on
        /// with a wrong address before it knows: the address, with the offset still to be added…
        case masked(Value)
        /// …or their sum.
        case maskedSum(Value)
    }

    /// Traps unless `bytes` bytes at `address` and the offset lie within the memory. Nil if they
    /// never do.
    mutating func checkBounds(
        _ address: Value, _ argument: MemoryArgument, bytes: UInt64
    ) -> CheckedAddress? {
        let facts = memories[Int(argument.memory)]
        let (length, overflow) = argument.offset.addingReportingOverflow(bytes)
        if overflow || length > MemoryPlan.byteCountLimit { return trapOutOfBounds() }
        if let position = builder.constant(address) {
            let (end, overflow) = position.addingReportingOverflow(length)
            if overflow || end > MemoryPlan.byteCountLimit { return trapOutOfBounds() }
            if end <= facts.minimumBytes { return .plain }
            let isOutside = compare(
                size(of: Int(argument.memory)), .lessUnsigned, builder.constant(.i64, end))
            return checked(address, argument.offset, isOutside, facts)
        }
        let index = wide(address)
        let size = size(of: Int(argument.memory))
        if facts.checks == .address, argument.offset <= UInt64(Int32.max) {
            // What the offset adds ends in the guard at the latest.
            let isOutside = compare(index, .greaterOrEqualUnsigned, size)
            guard trap(.memoryOutOfBounds, if: isOutside) else { return nil }
            return facts.masks ? .masked(mask(index, isOutside)) : .plain
        }
        let lengthValue = builder.constant(.i64, length)
        if !facts.is64 {
            let end = builder.value(ApusIR.Instruction(.add, .i64, index, lengthValue))
            return checked(address, argument.offset, compare(end, .greaterUnsigned, size), facts)
        }
        // The last address at which `length` bytes fit: no sum can overflow.
        var isTooSmall = Value.none
        if length > facts.minimumBytes {
            isTooSmall = compare(size, .lessUnsigned, lengthValue)
            guard trap(.memoryOutOfBounds, if: isTooSmall) else { return nil }
        }
        let room = builder.value(ApusIR.Instruction(.subtract, .i64, size, lengthValue))
        let isOutside = compare(index, .greaterUnsigned, room)
        guard let checked = checked(address, argument.offset, isOutside, facts) else { return nil }
        guard case .maskedSum(let sum) = checked, !isTooSmall.isNone else { return checked }
        return .maskedSum(mask(sum, isTooSmall))
    }

    private mutating func trapOutOfBounds() -> CheckedAddress? {
        endWithTrap(.memoryOutOfBounds)
        return nil
    }

    /// Traps if the access is outside; else it goes by the sum of address and offset.
    private mutating func checked(
        _ address: Value, _ offset: UInt64, _ isOutside: Value, _ facts: MemoryTraits
    ) -> CheckedAddress? {
        guard trap(.memoryOutOfBounds, if: isOutside) else { return nil }
        return facts.masks ? .maskedSum(mask(sum(address, offset), isOutside)) : .plain
    }

    /// `value`, or 0 if the access is outside.
    private mutating func mask(_ value: Value, _ isOutside: Value) -> Value {
        builder.value(
            ApusIR.Instruction(.select, .i64, isOutside, builder.constant(.i64, 0), value))
    }

    private mutating func compare(
        _ left: Value, _ condition: IntegerCondition, _ right: Value
    ) -> Value {
        builder.value(
            ApusIR.Instruction(.compare, .i32, left, right, immediate: condition.rawValue))
    }

    /// An address and an offset, in 64 bits.
    private mutating func sum(_ address: Value, _ offset: UInt64) -> Value {
        let index = wide(address)
        if offset == 0 { return index }
        return builder.value(
            ApusIR.Instruction(.add, .i64, index, builder.constant(.i64, offset)))
    }

    /// An address or index of 32 or 64 bits as 64.
    mutating func wide(_ value: Value) -> Value {
        if builder.function.type(value) == .i64 { return value }
        return builder.value(ApusIR.Instruction(.extendUnsigned, .i64, value))
    }
}
