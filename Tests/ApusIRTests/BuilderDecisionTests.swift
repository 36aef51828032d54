import ApusCollections
import ApusIR
import Testing

/// What is known of a condition behind a branch or a check on it, and where.
@Suite struct BuilderDecisionTests {
    private func end(_ builder: inout Builder) {
        builder.append(Instruction(.trap, .none, immediate: 1))
        builder.function.closeBlock()
    }

    @Test func branchesDecideWhereTheyLead() {
        var builder = Builder()
        builder.begin()
        let entry = builder.openBlock(dominatedBy: .none)
        let condition = builder.appendParameter(.i32)
        let taken = builder.function.makeEdge(from: entry, to: .none, argumentCount: 0)
        let other = builder.function.makeEdge(from: entry, to: .none, argumentCount: 0)
        var decisions = [builder.decision(on: condition)]
        builder.append(
            Instruction(
                .branch, .none, a: condition.number, b: taken.number, c: other.number))
        builder.function.closeBlock()
        let first = builder.openBlock(dominatedBy: entry)
        builder.learn(along: taken)
        decisions.append(builder.decision(on: condition))
        end(&builder)
        _ = builder.openBlock(dominatedBy: first)
        decisions.append(builder.decision(on: condition))
        end(&builder)
        _ = builder.openBlock(dominatedBy: entry)
        decisions.append(builder.decision(on: condition))
        builder.learn(along: other)
        decisions.append(builder.decision(on: condition))
        end(&builder)
        // Where both ways meet.
        _ = builder.openBlock(dominatedBy: entry)
        decisions.append(builder.decision(on: condition))
        #expect(decisions == [nil, true, true, nil, false, nil])
    }

    @Test func checksDecideBehindThem() {
        var builder = Builder()
        builder.begin()
        _ = builder.openBlock(dominatedBy: .none)
        let condition = builder.appendParameter(.i32)
        let zero = builder.constant(.i32, 0)
        let inverse = builder.value(
            Instruction(
                .compare, .i32, condition, zero, immediate: IntegerCondition.equal.rawValue))
        var isAlwaysTaken = [builder.trap(if: inverse, code: 3)]
        let count = builder.function.instructions.count
        isAlwaysTaken.append(builder.trap(if: inverse, code: 4))
        let added = builder.function.instructions.count - count
        #expect(added == 0)
        isAlwaysTaken.append(builder.trap(if: condition, code: 3))
        #expect(isAlwaysTaken == [false, false, true])
        let decision = builder.decision(on: condition)
        #expect(decision == true)
    }
}
