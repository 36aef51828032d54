import ApusABI
import ApusFormat
import ApusTestSupport
import Testing

@testable import ApusOptimizer

/// Every instruction that computes vectors, natively, against the model.
@Suite struct VectorSelectionTests {
    private static let edges = ModelVector.edges

    /// The 65 others are shifts, tests, and those of lanes and memory.
    @Test func everyInstructionIsTested() {
        let counts = (1...3).map { VectorInstructions.computing($0).count }
        #expect(counts == [54, 127, 10])
        #expect(VectorInstructions.all.count == counts.reduce(65, +))
    }

    /// Operands in registers, which keep their values.
    @Test(arguments: VectorPlatform.all)
    func unary(platform: VectorPlatform) throws {
        for (number, operation) in VectorInstructions.computing(1) {
            let native = try platform.compile(
                """
                function (v128) -> (v128, v128)
                block0(v0: v128):
                  v1: v128 = vectorUnary.\(number) v0
                  return (v1, v0)
                """)
            for a in Self.edges {
                let results = native.call(a)
                let expected = platform.model.result(operation, a)
                #expect(expected?.agrees(with: results[0]) == true, "\(operation) \(a)")
                #expect(results[1] == a, "\(operation)")
            }
        }
    }

    @Test(arguments: VectorPlatform.all)
    func binary(platform: VectorPlatform) throws {
        for (number, operation) in VectorInstructions.computing(2) {
            let native = try platform.compile(
                """
                function (v128, v128) -> (v128, v128, v128)
                block0(v0: v128, v1: v128):
                  v2: v128 = vectorBinary.\(number) v0, v1
                  return (v2, v0, v1)
                """)
            for a in Self.edges {
                for b in Self.edges {
                    let results = native.call(a, b)
                    let expected = platform.model.result(operation, a, b)
                    #expect(
                        expected?.agrees(with: results[0]) == true,
                        "\(operation) \(a) \(b): \(results[0])")
                    #expect(Array(results[1...]) == [a, b], "\(operation)")
                }
            }
        }
    }

    /// The result takes the place of the first operand, of the second, or of both.
    @Test(arguments: VectorPlatform.all)
    func binaryWithoutOtherUses(platform: VectorPlatform) throws {
        for (number, operation) in VectorInstructions.computing(2) {
            let native = try platform.compile(
                """
                function (v128, v128) -> (v128, v128, v128)
                block0(v0: v128, v1: v128):
                  v2: v128 = vectorBinary.\(number) v0, v1
                  v3: v128 = vectorBinary.\(number) v1, v0
                  v4: v128 = vectorBinary.\(number) v0, v0
                  return (v2, v3, v4)
                """)
            for (a, b) in zip(Self.edges, Self.edges.dropFirst(3)) {
                let results = native.call(a, b)
                let expected = [(a, b), (b, a), (a, a)].map {
                    platform.model.result(operation, $0.0, $0.1)
                }
                for (expected, result) in zip(expected, results) {
                    #expect(expected?.agrees(with: result) == true, "\(operation) \(a) \(b)")
                }
            }
        }
    }

    /// Operands from the constant pool and from memory, on either side.
    @Test(arguments: VectorPlatform.all)
    func binaryWithMemory(platform: VectorPlatform) throws {
        let constant = Self.edges[2]
        for (number, operation) in VectorInstructions.computing(2) {
            let native = try platform.compile(
                """
                function (v128) -> (v128, v128, v128, v128)
                  v1: v128 = vectorConstant \(constant)
                  v2: i64 = context
                block0(v0: v128):
                  v3: v128 = vectorBinary.\(number) v0, v1
                  v4: v128 = vectorBinary.\(number) v1, v0
                  v5: v128 = load.full.memory v2, none, \(NativeFunction.memoryOffset + 8)
                  v6: v128 = vectorBinary.\(number) v0, v5
                  v7: v128 = load.full.memory v2, none, \(NativeFunction.memoryOffset + 8)
                  v8: v128 = vectorBinary.\(number) v7, v0
                  return (v3, v4, v6, v8)
                """)
            for (a, b) in zip(Self.edges, Self.edges.reversed()) {
                var memory = [0, b.low, b.high]
                let results = native.call([a], memory: &memory)
                let expected = [(a, constant), (constant, a), (a, b), (b, a)].map {
                    platform.model.result(operation, $0.0, $0.1)
                }
                for (expected, result) in zip(expected, results) {
                    #expect(expected?.agrees(with: result) == true, "\(operation) \(a) \(b)")
                }
            }
        }
    }

    /// Each operand in turn is the one that nobody needs afterwards.
    @Test(arguments: VectorPlatform.all)
    func ternary(platform: VectorPlatform) throws {
        for (number, operation) in VectorInstructions.computing(3) {
            for kept in ["v0, v1", "v0, v2", "v1, v2"] {
                let native = try platform.compile(
                    """
                    function (v128, v128, v128) -> (v128, v128, v128)
                    block0(v0: v128, v1: v128, v2: v128):
                      v3: v128 = vectorTernary.\(number) v0, v1, v2
                      return (v3, \(kept))
                    """)
                for place in 0..<Self.edges.count * 8 {
                    let operands = [place, place / 2 + 5, place * 7 / 3].map {
                        Self.edges[$0 % Self.edges.count]
                    }
                    let results = native.call(operands[0], operands[1], operands[2])
                    let expected = platform.model.result(
                        operation, operands[0], operands[1], operands[2])
                    #expect(
                        expected?.agrees(with: results[0]) == true,
                        "\(operation) \(operands): \(results[0])")
                    let names = kept.split(separator: ", ").map { Int($0.dropFirst())! }
                    #expect(Array(results[1...]) == names.map { operands[$0] })
                }
            }
        }
    }

    /// Sums of products, with the sum in memory and a factor in memory.
    @Test(arguments: VectorPlatform.all)
    func ternaryWithMemory(platform: VectorPlatform) throws {
        let constant = Self.edges[6]
        for (number, operation) in VectorInstructions.computing(3) {
            let native = try platform.compile(
                """
                function (v128, v128) -> (v128, v128, v128)
                  v2: v128 = vectorConstant \(constant)
                block0(v0: v128, v1: v128):
                  v3: v128 = vectorTernary.\(number) v0, v1, v2
                  v4: v128 = vectorTernary.\(number) v2, v1, v0
                  v5: v128 = vectorTernary.\(number) v1, v2, v0
                  return (v3, v4, v5)
                """)
            for (a, b) in zip(Self.edges, Self.edges.dropFirst(4)) {
                let results = native.call(a, b)
                let expected = [
                    platform.model.result(operation, a, b, constant),
                    platform.model.result(operation, constant, b, a),
                    platform.model.result(operation, b, constant, a),
                ]
                for (expected, result) in zip(expected, results) {
                    #expect(expected?.agrees(with: result) == true, "\(operation) \(a) \(b)")
                }
            }
        }
    }

    // MARK: Shifts

    @Test(arguments: VectorPlatform.all)
    func shifts(platform: VectorPlatform) throws {
        for (number, operation) in VectorInstructions.all {
            guard case .vectorShift(let shape, let shift) = operation else { continue }
            let mask = shape.bits - 1
            let native = try platform.compile(
                """
                function (v128, i32) -> (v128, v128, v128)
                  v2: i32 = constant \(mask)
                block0(v0: v128, v1: i32):
                  v3: v128 = vectorBinary.\(number) v0, v1
                  v4: i32 = and v1, v2
                  v5: v128 = vectorBinary.\(number) v0, v4
                  return (v3, v5, v0)
                """)
            for count in [0, 1, 7, 8, 13, 31, 32, 63, 64, 0xFFFF_FFFF, 0x8000_0007] as [UInt32] {
                let constant = try platform.compile(
                    """
                    function (v128) -> (v128)
                      v1: i32 = constant \(Int32(bitPattern: count))
                    block0(v0: v128):
                      v2: v128 = vectorBinary.\(number) v0, v1
                      return (v2)
                    """)
                for a in Self.edges {
                    let expected = VectorModel.shifted(shape, shift, a, by: count)
                    let results = native.call(a, ModelVector(low: UInt64(count)))
                    #expect(results == [expected, expected, a], "\(operation) \(a) \(count)")
                    #expect(constant.call(a) == [expected], "\(operation) \(a) \(count)")
                }
            }
        }
    }
}
