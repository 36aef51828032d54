import ApusABI
import ApusAssembler
import ApusCollections
import ApusIR
import Testing

@testable import ApusOptimizer

/// From a function as text to machine code, with the checker over the allocation between.
@Suite struct CodeGeneratorTests {
    private static let sum = """
        function (i32, i32) -> (i32)
          v2: i32 = constant 0
          v6: i32 = constant 1
        block0(v0: i32, v1: i32):
          jump block1(v2, v2)
        block1(v3: i32, v4: i32) depth 1:
          v5: i32 = add v3, v4
          v7: i32 = add v4, v6
          v8: i32 = compare.lessSigned v7, v0
          branch v8, block1(v5, v7), block2()
        block2():
          return (v5)

        """

    private static let numbers = """
        function (i32, i64, f64) -> (i64)
          v3: i64 = constant 48
          v4: i32 = constant 255
        block0(v0: i32, v1: i64, v2: f64):
          v5: i64 = multiplyHighUnsigned v1, v3
          v6: i64 = divideSigned v1, v5
          v7: i64 = rotateLeft v6, v1
          v8: i32 = and v0, v4
          v9: i64 = extendUnsigned v8
          v10: f64 = floatAdd v2, v2
          v11: i64 = truncateSigned v10
          v12: i32 = floatCompare.equal v2, v10
          v13: i64 = select v12, v11, v9
          v14: i64 = add v7, v13
          return (v14)

        """

    @Test(arguments: [sum, numbers])
    func functionsBecomeCode(text: String) throws {
        let function = try Function(text: text)
        var generator = CodeGenerator()
        var batch = CodeBatch()
        #expect(generator.generate(function, as: 3, into: &batch))
        let problems = AllocationChecker.check(
            generator.selector.machine, generator.allocation, generator.frameSlots,
            generator.sinking, generator.allocator.liveness)
        #expect(problems == [])
        let compiled = batch.functions[0]
        #expect(compiled.index == 3)
        #expect(compiled.codeLength > 0)
        // Each function starts where jumps like to go.
        #expect(compiled.codeStart % 16 == 0)
    }

    /// The loop has the addition, the increment, the comparison and the branch, and no moves.
    @Test func countingLoopsNeedNoMoves() throws {
        let function = try Function(text: Self.sum)
        var generator = CodeGenerator()
        var batch = CodeBatch()
        #expect(generator.generate(function, as: 0, into: &batch))
        let allocation = Int(generator.allocation.edgeStarts.count)
        #expect(allocation == generator.selector.machine.blocks.count)
        for block in 0..<generator.selector.machine.blocks.count
        where generator.selector.machine.blocks[block].loopDepth > 0 {
            let start = generator.allocation.edgeStarts[block]
            #expect(generator.allocation.edgeEnds[block] == start)
        }
    }
}
