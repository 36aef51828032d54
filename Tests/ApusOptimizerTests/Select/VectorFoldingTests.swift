import ApusABI
import ApusCollections
import ApusIR
import Testing

@testable import ApusOptimizer

/// Which instructions of the machine stand for vector instructions.
@Suite struct VectorFoldingTests {
    /// The opcodes of a function of one block without the first and the last, and of each the
    /// number of the processor's instruction.
    private static func select(
        _ body: String, _ processor: ProcessorFeatures = [.avx, .avx2, .fma]
    ) throws -> [MachineOpcode] {
        let text = """
            function (v128, v128, v128, i64, i32) -> (v128)
              v10: v128 = vectorConstant 0x000102030405060708090a0b0c0d0e0f
              v11: v128 = vectorConstant 0x00000000000000000000000000000000
            block0(v0: v128, v1: v128, v2: v128, v3: i64, v4: i32):
              \(body)
              return (v9)

            """
        let function = try Function(text: text)
        var verifier = Verifier()
        #expect(verifier.verify(function) == [])
        let features: ProcessorFeatures = [.popcnt, .lzcnt, .bmi1, .bmi2]
        var generator = CodeGenerator(processor: processor.union(features))
        var batch = CodeBatch()
        #expect(generator.generate(function, as: 0, into: &batch))
        let count = generator.selector.machine.instructions.count
        return (1..<count - 1).map { generator.selector.machine.instructions[$0].opcode }
    }

    /// Memory need not be aligned with AVX; constants are.
    @Test func operandsAreReadFromMemory() throws {
        let load = "v8: v128 = load.full.memory.trap2 v3, none, 5\n  "
        let sum = load + "v9: v128 = vectorBinary.110 v8, v0"
        #expect(try Self.select(sum) == [.vectorBinaryMemory])
        #expect(try Self.select(sum, []) == [.loadFloat, .vectorBinary])
        #expect(
            try Self.select(load + "v9: v128 = vectorUnary.96 v8") == [.vectorUnaryMemory])
        // Half of the bytes would be read, and the fault of the other half be missed.
        #expect(
            try Self.select(load + "v9: v128 = vectorUnary.135 v8") == [.loadFloat, .vectorUnary])
        let half = "v8: v128 = load.zero64.memory.trap2 v3, none, 5\n  "
        #expect(
            try Self.select(half + "v9: v128 = vectorUnary.135 v8", []) == [.vectorUnaryMemory])
        #expect(
            try Self.select(half + "v9: v128 = vectorUnary.96 v8") == [.loadVector, .vectorUnary])
        let constant = "v9: v128 = vectorBinary.110 v10, v0"
        #expect(try Self.select(constant) == [.vectorBinaryMemory])
        #expect(try Self.select(constant, []) == [.vectorBinaryMemory])
        // Zero takes no memory.
        #expect(
            try Self.select("v9: v128 = vectorBinary.110 v0, v11") == [
                .vectorConstant, .vectorBinary,
            ])
    }

    /// A load is not moved over what may change its bytes.
    @Test func loadsStayBeforeStores() throws {
        #expect(
            try Self.select(
                """
                v8: v128 = load.full.memory.trap2 v3, none, 0
                  store.full.memory.trap2 v3, none, 0, v1
                  v9: v128 = vectorBinary.110 v8, v0
                """) == [.loadFloat, .storeFloat, .vectorBinary])
    }

    @Test func splatsOfLoadsAndConstants() throws {
        let load = "v8: f32 = load.full.memory.trap2 v3, none, 0\n  "
        #expect(try Self.select(load + "v9: v128 = vectorUnary.19 v8") == [.loadVector])
        #expect(try Self.select("v9: v128 = vectorUnary.17 v4") == [.vectorSplat])
    }

    @Test func shifts() throws {
        // The count is brought into range, unless it is.
        #expect(
            try Self.select("v9: v128 = vectorBinary.171 v0, v4") == [
                .aluImmediate, .moveToFloat, .vectorBinary,
            ])
    }

    @Test func fusedProducts() throws {
        let product = "v9: v128 = vectorTernary.261 v0, v1, v2"
        #expect(try Self.select(product) == [.vectorFused])
        #expect(try Self.select(product, [.avx]) == [.vectorSequence])
        #expect(
            try Self.select("v9: v128 = vectorTernary.261 v0, v1, v10") == [.vectorFusedMemory])
    }

    /// The sum stays in its register from round to round.
    @Test func sumsOfProductsNeedNoMoves() throws {
        let function = try Function(
            text: """
                function (i32, v128, v128) -> (v128)
                  v3: v128 = vectorConstant 0x00000000000000000000000000000000
                  v4: i32 = constant 1
                block0(v0: i32, v1: v128, v2: v128):
                  jump block1(v0, v3)
                block1(v5: i32, v6: v128) depth 1:
                  v7: v128 = vectorTernary.261 v1, v2, v6
                  v8: i32 = subtract v5, v4
                  branch v8, block1(v8, v7), block2()
                block2():
                  return (v7)
                """)
        var generator = CodeGenerator(
            processor: [.popcnt, .lzcnt, .bmi1, .bmi2, .avx, .avx2, .fma])
        var batch = CodeBatch()
        #expect(generator.generate(function, as: 0, into: &batch))
        var steps = 0
        for block in 0..<generator.selector.machine.blocks.count
        where generator.selector.machine.blocks[block].loopDepth > 0 {
            #expect(
                generator.allocation.edgeStarts[block] == generator.allocation.edgeEnds[block])
            let (start, end) = (
                generator.allocation.starts[block], generator.allocation.ends[block]
            )
            for place in start..<end {
                steps += 1
                #expect(generator.allocation.steps[Int(place)].kind == .instruction)
            }
        }
        // The product, the count, the branch, and the way back.
        #expect(steps == 4)
    }

    @Test func shufflesByTables() throws {
        #expect(
            try Self.select("v9: v128 = vectorBinary.14 v0, v10") == [.vectorLookup])
        #expect(try Self.select("v9: v128 = vectorBinary.14 v0, v11") == [.vectorUnary])
        let lanes = "0x000102030405060708090a0b0c0d0e0f"
        #expect(try Self.select("v9: v128 = shuffle v0, v1, \(lanes)") == [.vectorLookup])
    }

    /// A test of lanes sets the flags that a choice goes by.
    @Test func testsOfLanes() throws {
        #expect(
            try Self.select(
                """
                v8: i32 = vectorUnary.83 v0
                  v9: v128 = select v8, v1, v2
                """) == [.selectVector])
    }
}
