import ApusCollections
import ApusIR
import Testing

/// Calls that end blocks, built.
@Suite struct BuilderCallTests {
    @Test func callsEndBlocksWithTheirOutcomes() {
        var builder = Builder()
        builder.begin()
        builder.function.results.append(.i64)
        let entry = builder.openBlock(dominatedBy: .none)
        let argument = builder.appendParameter(.i64)
        let access = MemoryAccess(.full, .global)
        let before = builder.load(.i64, access, builder.context(), .none, 8)
        builder.function.pool.append(argument.number)
        var clauses = Arena<CatchClause>(capacity: 2)
        clauses.append(CatchClause(tag: 3, wantsReference: true))
        clauses.append(CatchClause(tag: nil, wantsReference: false))
        let first = builder.tryCall(
            .tryCall, callee: 5, count: 1, catching: clauses, changing: [.init(.global)])
        builder.function.closeBlock()
        for index in 0...clauses.count {
            let block = builder.openBlock(dominatedBy: entry, isCold: index > 0)
            builder.function.edges[first.index + index].target = block
            let result = builder.appendParameter(index == 0 ? .i64 : .ref)
            // The call may have changed what was loaded before.
            let after = builder.load(.i64, access, builder.context(), .none, 8)
            #expect(after != before)
            // What has been computed is known, to handlers too.
            let number = index == 0 ? result : after
            let sum = builder.value(Instruction(.add, .i64, number, before))
            let start = builder.function.pool.count
            builder.function.pool.append(sum.number)
            builder.append(Instruction(.return, .none, b: UInt32(start), c: 1))
            builder.function.closeBlock()
        }
        builder.function.layOutByNumber()
        var verifier = Verifier()
        #expect(verifier.verify(builder.function) == [])
        let end = builder.function[builder.function.terminator(entry)]
        #expect(builder.function.clause(0, of: end) == clauses[0])
        #expect(builder.function.clause(1, of: end) == clauses[1])
        let call = "tryCall 5(v0), block1(), [catchReference 3 block2(), catchAll block3()]"
        #expect(builder.function.text().contains("  \(call)\n"))
    }

    @Test(arguments: [nil, 0, 7, 0x3FFF_FFFF] as [UInt32?], [false, true])
    func clausesKeepWhatTheyCatch(tag: UInt32?, wantsReference: Bool) {
        let clause = CatchClause(tag: tag, wantsReference: wantsReference)
        #expect(clause.tag == tag)
        #expect(clause.wantsReference == wantsReference)
        #expect(CatchClause(bits: clause.bits) == clause)
    }
}
