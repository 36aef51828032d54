import ApusABI
import ApusTestSupport
import Testing

@testable import ApusOptimizer

/// Vectors across blocks, calls and the frame.
@Suite struct VectorFlowTests {
    /// So many arguments and results that most travel on the stack, in the midst of numbers.
    @Test(arguments: VectorPlatform.all)
    func callsPassVectors(platform: VectorPlatform) throws {
        let count = 12
        let parameters = (0..<count).map { "v\($0): v128" } + ["v12: i32", "v13: f64"]
        let arguments = (0..<count + 2).map { "v\($0)" }.joined(separator: ", ")
        let types = Array(repeating: "v128", count: count).joined(separator: ", ")
        // The callee gives its vectors back the other way round, each with a bit changed.
        let changed = (0..<count).map { "v\(20 + $0)" }.reversed().joined(separator: ", ")
        let native = try platform.compile(
            """
            function (\(types), i32, f64) -> (\(types), i32, f64)
            block0(\(parameters.joined(separator: ", "))):
              v20: v128 = call 1(\(arguments))
            \((1..<count).map { "  v\(20 + $0): v128 = callResult.\($0) v20" }
                .joined(separator: "\n"))
              v40: i32 = callResult.12 v20
              v41: f64 = callResult.13 v20
              return (\((0..<count).map { "v\(20 + $0)" }.joined(separator: ", ")), v12, v41)
            """,
            """
            function (\(types), i32, f64) -> (\(types), i32, f64)
              v14: v128 = vectorConstant \(ModelVector(low: 1))
            block0(\(parameters.joined(separator: ", "))):
            \((0..<count).map { "  v\(20 + $0): v128 = vectorBinary.81 v\($0), v14" }
                .joined(separator: "\n"))
              return (\(changed), v12, v13)
            """)
        let vectors = (0..<UInt64(count)).map { ModelVector(low: $0 << 32 | 2, high: ~$0) }
        var memory: [UInt64] = []
        let results = native.call(
            vectors + [ModelVector(low: 77), ModelVector(low: 1.5.bitPattern)], memory: &memory)
        let expected = vectors.reversed().map { ModelVector(low: $0.low ^ 1, high: $0.high) }
        #expect(Array(results[..<count]) == expected)
        #expect(results[count].low == 77)
        #expect(results[count + 1].low == 1.5.bitPattern)
    }

    /// More vectors live through a loop than there are registers, all of them changed in it.
    @Test(arguments: VectorPlatform.all)
    func loopsKeepMoreVectorsThanThereAreRegisters(platform: VectorPlatform) throws {
        let count = 20
        let names = { (start: Int) in (0..<count).map { "v\(start + $0)" } }
        let types = Array(repeating: "v128", count: count).joined(separator: ", ")
        let typed = { (start: Int) in names(start).map { $0 + ": v128" }.joined(separator: ", ") }
        // Sums of neighbours: each needs another one's old value.
        let sums = (0..<count).map { index in
            "  v\(60 + index): v128 = vectorBinary.206 v\(30 + index), v\(30 + (index + 1) % count)"
        }
        let native = try platform.compile(
            """
            function (i32) -> (\(types))
              v1: i32 = constant 1
            \((0..<count).map {
                "  v\(2 + $0): v128 = vectorConstant "
                    + "\(ModelVector(low: UInt64($0), high: UInt64(100 + $0)))"
            }.joined(separator: "\n"))
            block0(v0: i32):
              jump block1(v0, \(names(2).joined(separator: ", ")))
            block1(v100: i32, \(typed(30))) depth 1:
            \(sums.joined(separator: "\n"))
              v101: i32 = subtract v100, v1
              branch v101, block1(v101, \(names(60).joined(separator: ", "))), block2()
            block2():
              return (\(names(60).joined(separator: ", ")))
            """)
        for rounds in [1, 2, 9] {
            var vectors = (0..<UInt64(count)).map { ModelVector(low: $0, high: 100 + $0) }
            for _ in 0..<rounds {
                vectors = (0..<count).map { index in
                    let (a, b) = (vectors[index], vectors[(index + 1) % count])
                    return ModelVector(low: a.low &+ b.low, high: a.high &+ b.high)
                }
            }
            #expect(native.call(ModelVector(low: UInt64(rounds))) == vectors)
        }
    }

    /// Parameters of blocks that change places, and choices between vectors.
    @Test(arguments: VectorPlatform.all)
    func vectorsAreChosenAndExchanged(platform: VectorPlatform) throws {
        let native = try platform.compile(
            """
            function (v128, v128, i32, f64) -> (v128, v128, v128, v128)
              v4: i32 = constant 1
              v5: f64 = constant 0x3ff0000000000000
            block0(v0: v128, v1: v128, v2: i32, v3: f64):
              v6: v128 = select v2, v0, v1
              v7: i32 = floatCompare.equal v3, v5
              v8: v128 = select v7, v0, v1
              jump block1(v0, v1, v2)
            block1(v9: v128, v10: v128, v11: i32) depth 1:
              v12: i32 = subtract v11, v4
              branch v11, block1(v10, v9, v12), block2()
            block2():
              return (v6, v8, v9, v10)
            """)
        let (a, b) = (ModelVector.edges[3], ModelVector.edges[5])
        for number in 0..<4 as Range<UInt64> {
            let float = number < 2 ? 1.0 : .nan
            let results = native.call(
                a, b, ModelVector(low: number), ModelVector(low: float.bitPattern))
            let isOdd = number % 2 == 1
            #expect(
                results == [
                    number == 0 ? b : a, number < 2 ? a : b, isOdd ? b : a, isOdd ? a : b,
                ])
        }
    }

    /// Integer instructions of all kinds on whatever was there before, and at the end the last
    /// values together.
    @Test(arguments: VectorPlatform.all)
    func randomFunctions(platform: VectorPlatform) throws {
        var random = RandomVectors(state: 7)
        for _ in 0..<40 {
            let (text, expected) = random.function(
                of: 50, on: ModelVector.edges[2], ModelVector.edges[3], platform.model)
            let native = try platform.compile(text)
            let results = native.call(ModelVector.edges[2], ModelVector.edges[3])
            #expect(results == expected, "\(text)")
        }
    }

    /// What nobody can do is refused.
    @Test(arguments: [
        "vectorUnary.110 v0", "vectorUnary.154 v0", "vectorBinary.77 v0, v0", "vectorUnary.999 v0",
        "vectorTernary.110 v0, v0, v0", "vectorBinary.21 v0, v0", "vectorTernary.21 v0, v0, v0",
        "vectorBinary.23 v0, v0", "vectorUnary.0 v0",
    ])
    func whatIsNoInstructionIsRefused(text: String) throws {
        #expect(throws: NativeFunction.RefusalError.self) {
            _ = try NativeFunction([
                """
                function (v128) -> (v128)
                block0(v0: v128):
                  v1: v128 = \(text)
                  return (v1)
                """
            ])
        }
    }
}
