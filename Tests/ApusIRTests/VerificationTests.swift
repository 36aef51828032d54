import ApusCollections
import Testing

@testable import ApusIR

/// What is taken for known has to come from a block that dominates.
@Suite struct VerificationTests {
    private enum Knowledge: CaseIterable {
        case load, store, check
    }

    /// A branch whose ways meet; `knowledge` is there on one of them, and asked for where they
    /// meet, of which whoever builds says that `dominator` is its immediate dominator.
    private func faults(
        _ knowledge: Knowledge, dominatedBy dominator: Block, isActive: Bool = true
    ) -> [String] {
        var builder = Builder()
        builder.recordKnownUses()
        builder.begin()
        _ = builder.openBlock(dominatedBy: .none)
        let condition = builder.appendParameter(.i32)
        let start = builder.function.edges.count
        for _ in 0..<2 {
            _ = builder.function.makeEdge(from: .entry, to: .none, argumentCount: 0)
        }
        end(&builder, Instruction(.branch, .none, a: condition.number, b: 0, c: 1))
        for way in 0..<2 {
            let block = builder.openBlock(dominatedBy: .entry)
            builder.function.edges[start + way].target = block
            if way == 1 { learn(knowledge, condition, &builder) }
            let edge = builder.function.makeEdge(from: block, to: .none, argumentCount: 0)
            end(&builder, Instruction(.jump, .none, a: edge.number))
        }
        let meeting = builder.openBlock(dominatedBy: dominator)
        for edge in 2..<4 { builder.function.edges[edge].target = meeting }
        learn(knowledge, condition, &builder)
        end(&builder, Instruction(.return, .none))
        builder.function.layOutByNumber()
        var verification = Verification(isActive: isActive)
        verification.verify(madeBy: builder)
        return verification.faults
    }

    private func learn(_ knowledge: Knowledge, _ condition: Value, _ builder: inout Builder) {
        let global = MemoryAccess(.full, .constant)
        switch knowledge {
        case .check: _ = builder.trap(if: condition, code: 1)
        case .load: _ = builder.load(.i64, global, builder.context(), .none, 64)
        case .store:
            if builder.function.blocks.count == 3 {
                builder.store(condition, MemoryAccess(.full, .global), builder.context())
            } else {
                // Nothing has been written since on the way that was built last.
                _ = builder.load(.i32, MemoryAccess(.full, .global), builder.context())
            }
        }
    }

    private func end(_ builder: inout Builder, _ instruction: Instruction) {
        builder.append(instruction)
        builder.function.closeBlock()
    }

    @Test(arguments: Knowledge.allCases)
    private func wrongDominatorsAreSeen(knowledge: Knowledge) {
        // The second way's block is taken for a dominator of where both meet.
        let faults = faults(knowledge, dominatedBy: Block(2))
        #expect(faults.count == 1)
        #expect(faults.first?.contains("block3 takes") == true, "\(faults)")
        #expect(faults.first?.contains("known from block2") == true, "\(faults)")
        #expect(self.faults(knowledge, dominatedBy: Block(2), isActive: false) == [])
    }

    @Test(arguments: Knowledge.allCases)
    private func rightDominatorsAreFine(knowledge: Knowledge) {
        #expect(faults(knowledge, dominatedBy: .entry) == [])
    }
}
