internal import ApusCollections

extension CodeGenerator {
    /// Gives out registers at random, at first very few of them, and checks what came of it.
    mutating func allocateAtRandom(as index: Int, limit: Int) -> Bool {
        allocator.chaos?.begin(index)
        defer { allocator.file = file }
        for count in [AllocationChaos.fewestRegisters, 5, 6, 8, 16] {
            guard let fewer = allocator.chaos?.restrict(file, to: count) else { break }
            allocator.file = fewer
            guard allocator.allocate(&selector.machine, into: &allocation, limit: limit) else {
                continue
            }
            placeSpills()
            noteAllocation(index, isConfined: count == AllocationChaos.fewestRegisters)
            return true
        }
        allocator.chaos?.note { $0.refused += 1 }
        return false
    }

    private func noteAllocation(_ index: Int, isConfined: Bool) {
        let problems = AllocationChecker.check(
            selector.machine, allocation, frameSlots, sinking, allocator.liveness)
        var spilled = 0
        for value in 0..<selector.machine.registers.count where allocation.isSpilled[value] {
            spilled += 1
        }
        allocator.chaos?.note { record in
            record.functions += 1
            record.confined += isConfined ? 1 : 0
            record.spilledValues += spilled
            record.problems += problems.prefix(3).map { "function \(index): \($0)" }
        }
    }
}
