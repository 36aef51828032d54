internal import ApusABI
internal import ApusCollections
internal import ApusFormat
internal import ApusIR

/// Checks of accesses to memories that cannot leave it all to the processor (`MemoryPlan`).
extension FunctionTranslator {
    /// Traps unless `bytes` bytes at `address` and the offset lie within the memory. False if they
    /// never do.
    mutating func checkBounds(
        _ address: Value, _ argument: MemoryArgument, bytes: UInt64
    ) -> Bool {
        let facts = memories[Int(argument.memory)]
        let (length, overflow) = argument.offset.addingReportingOverflow(bytes)
        if overflow || length > MemoryPlan.byteCountLimit { return trapOutOfBounds() }
        if let position = builder.constant(address) {
            let (end, overflow) = position.addingReportingOverflow(length)
            if overflow || end > MemoryPlan.byteCountLimit { return trapOutOfBounds() }
            if end <= facts.minimumBytes { return true }
            return trapIfOutOfBounds(
                size(of: Int(argument.memory)), .lessUnsigned, builder.constant(.i64, end))
        }
        let index = wide(address)
        let size = size(of: Int(argument.memory))
        if facts.checks == .address, argument.offset <= UInt64(Int32.max) {
            // What the offset adds ends in the guard at the latest.
            return trapIfOutOfBounds(index, .greaterOrEqualUnsigned, size)
        }
        let lengthValue = builder.constant(.i64, length)
        if !facts.is64 {
            let end = builder.value(ApusIR.Instruction(.add, .i64, index, lengthValue))
            return trapIfOutOfBounds(end, .greaterUnsigned, size)
        }
        // The last address at which `length` bytes fit: no sum can overflow.
        if length > facts.minimumBytes,
            !trapIfOutOfBounds(size, .lessUnsigned, lengthValue)
        {
            return false
        }
        let room = builder.value(ApusIR.Instruction(.subtract, .i64, size, lengthValue))
        return trapIfOutOfBounds(index, .greaterUnsigned, room)
    }

    private mutating func trapOutOfBounds() -> Bool {
        endWithTrap(.memoryOutOfBounds)
        return false
    }

    private mutating func trapIfOutOfBounds(
        _ left: Value, _ condition: IntegerCondition, _ right: Value
    ) -> Bool {
        let isOutside = builder.value(
            ApusIR.Instruction(.compare, .i32, left, right, immediate: condition.rawValue))
        return trap(.memoryOutOfBounds, if: isOutside)
    }

    /// An address or index of 32 or 64 bits as 64.
    mutating func wide(_ value: Value) -> Value {
        if builder.function.type(value) == .i64 { return value }
        return builder.value(ApusIR.Instruction(.extendUnsigned, .i64, value))
    }
}
