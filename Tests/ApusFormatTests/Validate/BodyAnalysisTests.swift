import ApusCollections
import ApusFormat
import Testing

/// What validation learns of a body, number by number.
@Suite struct BodyAnalysisTests {
    @Test func localsAreWeighedByTheLoopsAroundThem() throws {
        let validator = try ValidationFixture.validator(
            FunctionType([.i32]), locals: [.i64, .f32]
        ) {
            $0.emit(.localGet, 0)
            $0.emit(.drop)
            $0.emit(.loop, BlockType.empty)
            $0.emit(.localGet, 0)
            $0.emit(.drop)
            $0.emit(.loop, BlockType.empty)
            $0.emit(.localGet, 1)
            $0.emit(.localSet, 1)
            $0.emit(.end)
            $0.emit(.return)
            $0.emit(.localGet, 2)
            $0.emit(.drop)
            $0.emit(.end)
        }
        #expect(validator.analysis.parameterCount == 1)
        #expect(validator.analysis.locals.count == 3)
        #expect(validator.analysis.locals.type(1) == .i64)
        #expect(validator.analysis.locals.weight(0) == 1 + 8)
        #expect(validator.analysis.locals.weight(1) == 64 + 64)
        #expect(validator.analysis.locals.weight(2) == 0)
    }

    @Test func weightsStopAtFourLoops() throws {
        let validator = try ValidationFixture.validator(locals: [.i32]) { code in
            for _ in 0..<6 { code.emit(.loop, BlockType.empty) }
            code.emit(.localGet, 0)
            code.emit(.call, 0)
            for _ in 0..<6 { code.emit(.end) }
        }
        #expect(validator.analysis.locals.weight(0) == 4096)
        #expect(validator.analysis.callWeight == 4096)
    }

    @Test func recordsSayWhereThingsEnd() throws {
        let validator = try ValidationFixture.validator {
            $0.i32(0)  // 0
            $0.emit(.if, BlockType.empty)  // 2, record 1
            $0.emit(.block, BlockType.empty)  // 4, record 2
            $0.emit(.end)  // 6
            $0.emit(.else)  // 7
            $0.emit(.block, BlockType.empty)  // 8, record 3
            $0.emit(.end)  // 10
            $0.emit(.end)  // 11
        }
        let start = UInt32(validator.analysis.codeStart)
        #expect(validator.analysis.controls.count == 4)
        let body = validator.analysis.controls[0]
        #expect(body.end == start + 12)
        #expect(body.recordsAtEnd == 4)
        #expect(validator.analysis.codeEnd == validator.analysis.codeStart + 13)
        let branch = validator.analysis.controls[1]
        #expect(branch.elseOffset == start + 7)
        #expect(branch.end == start + 11)
        #expect(branch.recordsAtElse == 3)
        #expect(branch.recordsAtEnd == 4)
        #expect(validator.analysis.controls[2].end == start + 6)
        #expect(validator.analysis.controls[2].elseOffset == 0)
        #expect(validator.analysis.controls[3].end == start + 10)
    }

    /// A compiler that skips unreachable code finds the next record by its number.
    @Test func unreachableCodeHasRecordsThatCountNothing() throws {
        let validator = try ValidationFixture.validator {
            $0.emit(.block, BlockType.empty)  // record 1
            $0.emit(.br, 0)
            $0.emit(.block, BlockType.empty)  // record 2
            $0.emit(.br, 1)
            $0.emit(.end)
            $0.emit(.call, 2)
            $0.emit(.end)
            $0.emit(.loop, BlockType.empty)  // record 3
            $0.emit(.end)
        }
        #expect(validator.analysis.controls.count == 4)
        #expect(validator.analysis.controls[1].branchCount == 1)
        #expect(validator.analysis.controls[1].recordsAtEnd == 3)
        #expect(validator.analysis.callWeight == 0)
        #expect(validator.analysis.flags == .loops)
    }

    @Test func branchesAreCountedAtTheirTargets() throws {
        let validator = try ValidationFixture.validator {
            $0.emit(.block, BlockType.empty)
            $0.emit(.loop, BlockType.empty)
            $0.i32(0)
            $0.emit(.brIf, 0)
            $0.i32(0)
            $0.emit(.brIf, 1)
            $0.i32(0)
            $0.branchTable([0, 1, 1], default: 2)
            $0.emit(.end)
            $0.emit(.end)
        }
        #expect(validator.analysis.controls[0].branchCount == 1)
        #expect(validator.analysis.controls[1].branchCount == 3)
        #expect(validator.analysis.controls[2].branchCount == 2)
    }

    @Test func loopsKnowWhichLocalsTheyAssign() throws {
        let locals = [ValueType](repeating: .i32, count: 200)
        let validator = try ValidationFixture.validator(locals: locals) { code in
            func set(_ local: UInt32) {
                code.i32(0)
                code.emit(.localSet, local)
            }
            set(1)
            code.emit(.loop, BlockType.empty)
            set(2)
            set(64)
            code.emit(.loop, BlockType.empty)
            set(63)
            set(199)
            code.emit(.end)
            code.emit(.end)
            code.emit(.loop, BlockType.empty)
            code.emit(.br, 0)
            set(5)
            code.emit(.end)
        }
        func assigned(_ record: Int) -> [Int] {
            let entry = validator.analysis.controls[record]
            var found = (0..<64).filter { entry.assigned >> UInt64($0) & 1 != 0 }
            for word in 0..<Int(entry.assignedPoolCount) {
                let bits = validator.analysis.assignedPool[Int(entry.assignedPoolStart) + word]
                found += (0..<64).filter { bits >> UInt64($0) & 1 != 0 }.map { 64 + word * 64 + $0 }
            }
            return found
        }
        #expect(assigned(1) == [2, 63, 64, 199])
        #expect(assigned(2) == [63, 199])
        #expect(assigned(3) == [])
        #expect(validator.analysis.controls[0].assigned == 0)
    }

    @Test func flagsSayWhatOccursInside() throws {
        let validator = try ValidationFixture.validator {
            $0.emit(.block, BlockType.empty)  // record 1
            $0.i32(0)
            $0.emit(.call, 0)
            $0.emit(.loop, BlockType.empty)  // record 2
            $0.i32(0)
            $0.i32(0)
            $0.emit(.store(.i32, .low8), MemoryArgument(alignment: 0))
            $0.emit(.end)
            $0.emit(.end)
            $0.emit(.block, BlockType.empty)  // record 3
            $0.i32(0)
            $0.emit(.memoryGrow, 0)
            $0.emit(.drop)
            $0.i64(0)
            $0.emit(.globalSet, 1)
            $0.emit(.call, 2)
            $0.emit(.end)
        }
        let inner: BodyFlags = [.calls, .leavesInstance, .loops, .accessesMemory]
        #expect(validator.analysis.controls[1].flags == inner)
        #expect(validator.analysis.controls[2].flags == .accessesMemory)
        let last: BodyFlags = [.growsMemory, .callsRuntime, .writesGlobals, .calls]
        #expect(validator.analysis.controls[3].flags == last)
        #expect(validator.analysis.flags == inner.union(last))
        #expect(validator.analysis.memoryWeight == 8)
        #expect(validator.analysis.callWeight == 2)
    }

    @Test func theGreatestHeightIsKnown() throws {
        let validator = try ValidationFixture.validator {
            for _ in 0..<5 { $0.i32(0) }
            for _ in 0..<5 { $0.emit(.drop) }
            $0.i32(0)
            $0.emit(.block, BlockType.type(0))
            $0.emit(.drop)
            $0.emit(.end)
        }
        #expect(validator.analysis.maxStackHeight == 5)
    }

    /// A validator that has seen one function knows nothing of it at the next.
    @Test func nothingIsLeftFromTheFunctionBefore() throws {
        var builder = ModuleBuilder()
        builder.addFunction(FunctionType([.i32]), locals: [.v128]) { code in
            code.emit(.loop, BlockType.empty)
            code.emit(.call, 1)
            code.emit(.end)
        }
        builder.addFunction(FunctionType()) { _ in }
        var validator = FunctionValidator(try builder.build())
        try validator.validate(0)
        #expect(validator.analysis.flags == [.calls, .loops, .usesVectors])
        try validator.validate(1)
        #expect(validator.analysis.flags == [])
        #expect(validator.analysis.locals.count == 0)
        #expect(validator.analysis.controls.count == 1)
        #expect(validator.analysis.maxStackHeight == 0)
        #expect(validator.analysis.callWeight == 0)
    }
}
