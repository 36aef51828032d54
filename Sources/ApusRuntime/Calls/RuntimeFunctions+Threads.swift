internal import ApusABI
internal import ApusCollections
internal import ApusFormat
internal import CApusHost

extension RuntimeFunctions {
    /// (memory, address, expected value, nanoseconds or less than 0 for no end, offset) → outcome
    static let memoryWait32: Entry = { context, memory, address, expected, timeout, offset in
        // SAFETY: the context is one that runs: compiled code passes its own.
        unsafe wait(context, memory, (address, offset), bytes: 4, expected, timeout)
    }

    /// The same for a value of 64 bits.
    static let memoryWait64: Entry = { context, memory, address, expected, timeout, offset in
        // SAFETY: the context is one that runs: compiled code passes its own.
        unsafe wait(context, memory, (address, offset), bytes: 8, expected, timeout)
    }

    /// (place of a memory, address, most that are to be notified, offset) → how many were
    static let memoryNotify: Entry = { context, memory, address, most, offset, _ in
        let (sum, overflow) = address.addingReportingOverflow(offset)
        guard sum & 3 == 0 else { return unsafe nothing(context, but: .unalignedAtomic) }
        // SAFETY: the context is one that runs: compiled code passes its own. `memoryBytes` gives
        // only what is within the memory, and of the place only the address is looked at.
        guard !overflow, let place = unsafe memoryBytes(context, memory, sum, 4) else {
            return unsafe nothing(context, but: .memoryOutOfBounds)
        }
        // For a place in a memory that only one thread has, nobody waits.
        return UInt64(unsafe apus_unpark(place, UInt32(truncatingIfNeeded: most)))
    }

    private static func wait(
        _ context: UnsafeMutablePointer<apus_context>, _ memory: UInt64,
        _ address: (UInt64, offset: UInt64), bytes: UInt32, _ expected: UInt64, _ timeout: UInt64
    ) -> UInt64 {
        // SAFETY: callers have the context from compiled code, and the memory's number, as
        // validated; `place` gives only what is within the memory, which does not shrink while the
        // instance lives.
        unsafe withInstance(context) { instance in
            let memory = instance.memories[Int(truncatingIfNeeded: memory)]
            guard let place = unsafe pointer(context, memory, address, bytes: UInt64(bytes)) else {
                return 0
            }
            guard memory.type.isShared else {
                unsafe setTrap(context, .expectedSharedMemory)
                return 0
            }
            if let stack = instance.store.stackToLeave, timeout != 0 {
                return unsafe wait(context, stack, place, bytes, expected, timeout)
            }
            let deadline = deadline(after: Int64(bitPattern: timeout))
            while true {
                let outcome = unsafe apus_park(place, bytes, expected, deadline)
                if outcome != apus_parking_interrupted { return UInt64(outcome.rawValue) }
                // Unless it has been taken back meanwhile.
                if unsafe !mayGoOn(context) { return 0 }
            }
        }
    }

    /// The same without a thread: on the first call it begins, on the second it has ended.
    private static func wait(
        _ context: UnsafeMutablePointer<apus_context>, _ stack: GuestStack,
        _ place: UnsafeMutableRawPointer, _ bytes: UInt32, _ expected: UInt64, _ timeout: UInt64
    ) -> UInt64 {
        // SAFETY: callers have the context from compiled code; `place` is within a shared memory,
        // which its instance keeps until the wait has ended.
        if case .notification(let parked)? = stack.runtimeWait {
            if !parked.isOver, unsafe mayGoOn(context) {
                // It was to stop, which has been taken back: nothing has ended the wait.
                unsafe withInstance(context) { $0.store.leave(stack, for: .notification(parked)) }
                return 0
            }
            stack.runtimeWait = nil
            if parked.end() { return UInt64(apus_parking_notified.rawValue) }
            return unsafe mayGoOn(context) ? UInt64(apus_parking_timed_out.rawValue) : 0
        }
        let deadline = deadline(after: Int64(bitPattern: timeout))
        guard
            let parked = unsafe ParkedWait(place, bytes: bytes, expected, until: deadline)
        else { return UInt64(apus_parking_differs.rawValue) }
        unsafe withInstance(context) { $0.store.leave(stack, for: .notification(parked)) }
        return 0
    }

    /// The monotonic clock's time that many nanoseconds from now; the end of all times if that is
    /// negative.
    private static func deadline(after nanoseconds: Int64) -> UInt64 {
        if nanoseconds < 0 { return .max }
        return Watchdog.now() &+ UInt64(nanoseconds)
    }

    /// Where the `bytes` bytes at `address` are. Nil, with a trap, if they are not in the memory or
    /// the address is not a multiple of their number.
    private static func pointer(
        _ context: UnsafeMutablePointer<apus_context>, _ memory: LinearMemory,
        _ address: (UInt64, offset: UInt64), bytes: UInt64
    ) -> UnsafeMutableRawPointer? {
        let (sum, overflow) = address.0.addingReportingOverflow(address.offset)
        guard sum & (bytes &- 1) == 0 else {
            // SAFETY: callers have the context from compiled code. The place is within the memory,
            // as `contains` says.
            unsafe setTrap(context, .unalignedAtomic)
            return nil
        }
        guard !overflow, memory.contains(sum, count: bytes) else {
            unsafe setTrap(context, .memoryOutOfBounds)
            return nil
        }
        return unsafe memory.baseAddress + Int(truncatingIfNeeded: sum)
    }
}
