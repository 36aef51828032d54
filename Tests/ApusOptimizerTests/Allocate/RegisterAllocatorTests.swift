import ApusABI
import ApusAssembler
import ApusCollections
import Testing

@testable import ApusOptimizer

/// The checker proves allocations of random functions.
@Suite struct RegisterAllocatorTests {
    /// All registers, and so few that most values are spilled.
    static let files: [RegisterFile] = [
        .x86_64,
        RegisterFile(
            general: RegisterSet([.rax, .rcx, .rdx, .rbx, .rsi, .rdi]),
            vector: RegisterSet(rawValue: 0x000F_0000), calleeSaved: RegisterSet([.rbx]),
            preferred: []),
    ]

    @Test(arguments: 0..<2)
    func randomFunctionsAreAllocatedRightly(file: Int) {
        var function = MachineFunction()
        var allocation = Allocation()
        var slots = FrameSlots()
        var sinking = SpillSinking()
        var allocator = RegisterAllocator(Self.files[file], .x86_64)
        var spills = 0
        for seed in 0..<150 as Range<UInt64> {
            RandomMachineFunction.make(seed: seed, size: 20 + Int(seed), into: &function)
            let isDone = allocator.allocate(&function, into: &allocation, limit: 1_000_000)
            #expect(isDone)
            sinking.run(function, allocation, allocator.liveness)
            slots.assign(function, allocation, allocator.liveness)
            let problems = AllocationChecker.check(
                function, allocation, slots, sinking, allocator.liveness)
            #expect(problems == [], "seed \(seed)")
            if !problems.isEmpty { break }
            for value in 0..<function.registers.count where allocation.isSpilled[value] {
                spills += 1
            }
        }
        #expect(spills > 0)
    }

    @Test func tooLargeFunctionsAreLeftAlone() {
        var function = MachineFunction()
        var allocation = Allocation()
        var allocator = RegisterAllocator(.x86_64, .x86_64)
        RandomMachineFunction.make(seed: 7, size: 2000, into: &function)
        #expect(!allocator.allocate(&function, into: &allocation, limit: 10))
    }

    /// What lies in a register that calls keep is there where an exception lands, and nothing else:
    /// the checker sees who takes it to be.
    @Test func theCheckerSeesRegistersAcrossExceptions() {
        var function = MachineFunction()
        var allocation = Allocation()
        var slots = FrameSlots()
        var sinking = SpillSinking()
        var allocator = RegisterAllocator(.x86_64, .x86_64)
        var kept = 0
        var tried = 0
        for seed in 0..<40 as Range<UInt64> {
            RandomMachineFunction.make(seed: seed, size: 60, into: &function)
            _ = allocator.allocate(&function, into: &allocation, limit: 1_000_000)
            sinking.run(function, allocation, allocator.liveness)
            slots.assign(function, allocation, allocator.liveness)
            for block in 0..<function.blocks.count {
                for place in function.blocks[block].successors {
                    let target = Int(function.names[place])
                    guard function.blocks[target].isLanding else { continue }
                    let first = target * Allocation.registerCount
                    for register in 0..<Allocation.registerCount {
                        let number = PhysicalRegister(UInt8(register))
                        let entry = first + register
                        if !RegisterSet.lostByCalls.has(number) {
                            if !allocation.atEntry[entry].isNone { kept += 1 }
                            continue
                        }
                        #expect(allocation.atEntry[entry].isNone)
                        allocation.atEntry[entry] = VirtualRegister(0)
                        let problems = AllocationChecker.check(
                            function, allocation, slots, sinking, allocator.liveness)
                        let fault =
                            "block \(block): register \(register) has no v0 for block \(target)"
                        #expect(problems.contains(fault))
                        allocation.atEntry[entry] = .none
                        tried += 1
                    }
                }
            }
        }
        #expect(kept > 20)
        #expect(tried > 20)
    }

    /// The checker sees what it is there to see: each assigned register is changed in turn.
    @Test func theCheckerSeesWrongRegisters() {
        var function = MachineFunction()
        var allocation = Allocation()
        var slots = FrameSlots()
        var sinking = SpillSinking()
        var allocator = RegisterAllocator(.x86_64, .x86_64)
        RandomMachineFunction.make(seed: 3, size: 60, into: &function)
        _ = allocator.allocate(&function, into: &allocation, limit: 1_000_000)
        sinking.run(function, allocation, allocator.liveness)
        slots.assign(function, allocation, allocator.liveness)
        var unnoticed = 0
        for index in 0..<function.instructions.count {
            for place in function.instructions[index].uses {
                let right = function.operands[place].assigned
                function.operands[place].assigned = PhysicalRegister(right.number ^ 8)
                let problems = AllocationChecker.check(
                    function, allocation, slots, sinking, allocator.liveness)
                if problems.isEmpty { unnoticed += 1 }
                function.operands[place].assigned = right
            }
        }
        #expect(unnoticed == 0)
    }
}
