import ApusABI
import ApusCollections
import Testing

@testable import ApusOptimizer

/// What gives out registers knows no machine: it does so for one that there is not.
@Suite struct SmallTargetTests {
    /// A loop with a call, through which more values live than there are registers.
    private static func loop() -> SmallFunction {
        var made = SmallFunction()
        made.block()
        let a = made.value()
        let b = made.value()
        made.append(
            .parameters,
            [(a, .fixed(SmallTarget.r0)), (b, .fixed(SmallTarget.r1))])
        let five = made.constant(5)
        made.append(.jump)
        made.end([1], [a, five])
        let x = made.value()
        let y = made.value()
        made.block([x, y], loop: 1)
        let sum = made.add(x, b)
        let next = made.add(y, five)
        let called = made.value()
        made.append(
            .call, [(called, .fixed(SmallTarget.r0))],
            [(sum, .fixed(SmallTarget.r0)), (y, .fixed(SmallTarget.r1))])
        let result = made.add(called, a)
        made.append(.branch, [], [(result, .any)])
        made.end([2, 3])
        made.block(loop: 1)
        made.append(.jump)
        made.end([1], [result, next])
        made.block()
        made.append(.return, [], [(result, .fixed(SmallTarget.r0))])
        made.end([])
        return made
    }

    @Test func valuesGetItsRegisters() {
        var made = Self.loop()
        let file = SmallTarget.registers(isFuelMetered: false)
        var allocation = Allocation()
        var slots = FrameSlots()
        var sinking = SpillSinking()
        var allocator = RegisterAllocator(file, SmallTarget.scratch)
        let isDone = allocator.allocate(&made.function, into: &allocation, limit: 1000)
        #expect(isDone)
        sinking.run(made.function, allocation, allocator.liveness)
        slots.assign(made.function, allocation, allocator.liveness)
        let problems = AllocationChecker.check(
            made.function, allocation, slots, sinking, allocator.liveness)
        #expect(problems == [])
        for place in 0..<made.function.operands.count {
            let register = made.function.operands[place].assigned
            #expect(register == .inFrame || file.general.has(register))
        }
        #expect(
            allocation.used.isSubset(
                of: file.general.union(RegisterSet(SmallTarget.scratch.general))))
        // Of four values that live across the call, one at most is in a register that calls keep.
        let slotCount = slots.narrowCount
        #expect(slotCount >= 2)
    }

    /// A sum whose operands both live on takes three registers.
    @Test func tooFewRegistersAreNotTakenForEnough() {
        var made = Self.loop()
        var allocation = Allocation()
        var allocator = RegisterAllocator(
            SmallTarget.registers(isFuelMetered: true), SmallTarget.scratch)
        let isDone = allocator.allocate(&made.function, into: &allocation, limit: 1000)
        #expect(!isDone)
    }

    /// The way around a loop is seen without walking it: what its header needs is live in it all.
    @Test func valuesLiveAroundLoops() {
        let made = Self.loop()
        var liveness = Liveness()
        let isDone = liveness.compute(made.function, limit: 1000)
        #expect(isDone)
        var live: [Set<UInt32>] = Array(repeating: [], count: 4)
        for block in live.indices {
            for place in liveness.range(block) {
                live[block].insert(liveness.entries[place].value.number)
            }
        }
        let a: UInt32 = 0
        let b: UInt32 = 1
        let five: UInt32 = 2
        #expect(live[0] == [])
        #expect(live[1] == [a, b, five])
        #expect(live[2].isSuperset(of: [a, b, five]))
        #expect(live[3].isDisjoint(with: [a, b, five]))
        let calls = liveness.callsInLoop[1]
        #expect(calls)
        let result = made.function.operands.last.value
        let crosses = [a, b, result.number].map { liveness.crossesCall[Int($0)] }
        #expect(crosses == [true, true, false])
    }

    @Test func listingsNameItsRegisters() {
        var made = Self.loop()
        var allocation = Allocation()
        var allocator = RegisterAllocator(
            SmallTarget.registers(isFuelMetered: false), SmallTarget.scratch)
        let isDone = allocator.allocate(&made.function, into: &allocation, limit: 1000)
        #expect(isDone)
        let text = made.function.text(allocation, for: SmallTarget.self)
        #expect(text.contains("v0:r0, v1:r1 = parameters\n"))
        #expect(text.contains(" = constant 5\n"))
        #expect(text.contains(":r0 = call "))
        #expect(text.contains("return v"))
    }
}
