internal import ApusABI

/// Decisions at random, for tests.
extension RegisterAllocator {
    /// Leaves some values to the frame that could stay where they are.
    mutating func spillAtRandom(
        _ function: borrowing MachineFunction, _ allocation: inout Allocation
    ) {
        while !taken.isEmpty, chaos?.chance(35) == true {
            let register = pickTaken(taken)
            if register.isNone { return }
            spill(holders[register.index], function, &allocation)
        }
    }

    /// Any register of `set` that holds a value, or none.
    mutating func pickTaken(_ set: RegisterSet) -> PhysicalRegister {
        var holding = set.intersection(taken)
        for register in 0..<holders.count where holders[register].isNone {
            holding.subtract(RegisterSet(PhysicalRegister(UInt8(truncatingIfNeeded: register))))
        }
        return holding.isEmpty ? .none : chaos?.pick(holding) ?? .none
    }
}
