import ApusABI
import Testing

@testable import ApusBaseline

/// The operand stack knows who owns which register, without a machine.
@Suite struct ValueStackTests {
    private static func stack() -> ValueStack {
        var stack = ValueStack()
        let plan = SmallPlan.plan
        stack.free = plan.general.owned.union(plan.vector.owned)
        return stack
    }

    /// Puts a value into a register and the register out of the free ones.
    private static func push(
        _ type: ValueClass, _ register: PhysicalRegister, _ stack: inout ValueStack
    ) {
        stack.free.remove(RegisterSet(register))
        stack.append(.register(type, register))
    }

    private func expectOwner(
        of register: PhysicalRegister, _ position: Int, _ stack: inout ValueStack,
        at place: SourceLocation = #_sourceLocation
    ) {
        let owner = stack.owner(of: register)
        #expect(owner == position, sourceLocation: place)
    }

    private func expectOldest(
        from start: Int, below end: Int, _ position: Int, _ stack: inout ValueStack,
        at place: SourceLocation = #_sourceLocation
    ) {
        let oldest = stack.oldest(of: SmallPlan.plan.general.owned, from: start, below: end)
        #expect(oldest == position, sourceLocation: place)
    }

    @Test func ownersAreFoundByTheirRegisters() {
        var stack = Self.stack()
        stack.append(.constant(.i32, 7))
        Self.push(.i64, SmallPlan.t1, &stack)
        Self.push(.f64, SmallPlan.vectorTemporary, &stack)
        expectOwner(of: SmallPlan.t1, 1, &stack)
        expectOwner(of: SmallPlan.vectorTemporary, 2, &stack)
        expectOwner(of: SmallPlan.t0, -1, &stack)
        // Who has gone owns nothing any more, also where something else is in its place.
        let top = stack.removeLast()
        #expect(top.register == SmallPlan.vectorTemporary)
        expectOwner(of: SmallPlan.vectorTemporary, -1, &stack)
        stack.append(.constant(.i32, 1))
        expectOwner(of: SmallPlan.vectorTemporary, -1, &stack)
    }

    @Test func theOldestMakesWay() {
        var stack = Self.stack()
        expectOldest(from: 0, below: 0, 0, &stack)
        Self.push(.f32, SmallPlan.vectorTemporary, &stack)
        Self.push(.i32, SmallPlan.volatile, &stack)
        Self.push(.i32, SmallPlan.t0, &stack)
        expectOldest(from: 0, below: 3, 1, &stack)
        expectOldest(from: 2, below: 3, 2, &stack)
        expectOldest(from: 0, below: 1, 1, &stack)
        stack[1] = .slot(.i32, 1)
        stack.free.insert(RegisterSet(SmallPlan.volatile))
        expectOldest(from: 0, below: 3, 2, &stack)
    }

    /// Below what is settled nobody has to look: it is settled until something is put there.
    @Test func whatIsSettledStaysSo() {
        var stack = Self.stack()
        for value in 0..<4 as Range<UInt64> { stack.append(.constant(.i64, value)) }
        stack.settle(4)
        #expect(stack.settled == 4)
        _ = stack.removeLast()
        stack.append(.local(.i32, 0))
        #expect(stack.settled == 3)
        stack.note(SmallPlan.t0, at: 1)
        #expect(stack.settled == 1)
        stack.removeAll()
        #expect(stack.settled == 0)
        #expect(stack.count == 0)
    }
}
