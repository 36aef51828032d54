import ApusABI
import ApusAssembler
import ApusCollections
import ApusFormat
import ApusIR
import ApusTestSupport
import Testing

@testable import ApusOptimizer

/// Lanes, tests of them, shuffles, and vectors in memory, natively.
@Suite struct VectorLaneTests {
    private static let edges = ModelVector.edges

    private static func type(_ shape: VectorShape) -> String {
        switch shape {
        case .i8x16, .i16x8, .i32x4: "i32"
        case .i64x2: "i64"
        case .f32x4: "f32"
        case .f64x2: "f64"
        }
    }

    // MARK: Splats, and lanes by their numbers

    @Test(arguments: VectorPlatform.all)
    func splats(platform: VectorPlatform) throws {
        for (number, operation) in VectorInstructions.all {
            guard case .vectorSplat(let shape) = operation else { continue }
            let type = Self.type(shape)
            let isWide = shape.bits == 64
            for value in [0, 1, 0x80, 0xFF81, 0x8000_0000, 0x7FC0_0001, 0xFFF0_1234_8765_4321]
                as [UInt64]
            {
                let word = isWide ? value : value & 0xFFFF_FFFF
                let digits = String(word, radix: 16)
                let constant =
                    shape == .f32x4 || shape == .f64x2
                    ? "0x" + String(repeating: "0", count: shape.bits / 4 - digits.count) + digits
                    : isWide
                        ? "\(Int64(bitPattern: word))"
                        : "\(Int32(truncatingIfNeeded: word))"
                let native = try platform.compile(
                    """
                    function (\(type)) -> (v128, v128, v128)
                      v1: \(type) = constant \(constant)
                      v2: i64 = context
                    block0(v0: \(type)):
                      v3: v128 = vectorUnary.\(number) v0
                      v4: v128 = vectorUnary.\(number) v1
                      v5: \(type) = load.full.memory v2, none, \(NativeFunction.memoryOffset)
                      v6: v128 = vectorUnary.\(number) v5
                      return (v3, v4, v6)
                    """)
                var memory = [word]
                let results = native.call([ModelVector(low: word)], memory: &memory)
                let expected = ModelVector(shape.bits) { _ in word }
                #expect(results == [expected, expected, expected], "\(shape) \(word)")
            }
        }
    }

    @Test(arguments: VectorPlatform.all)
    func extractedLanes(platform: VectorPlatform) throws {
        for (number, operation) in VectorInstructions.all {
            guard case .vectorExtractLane(let shape, let sign) = operation else { continue }
            for lane in 0..<(128 / shape.bits) {
                let native = try platform.compile(
                    """
                    function (v128) -> (\(Self.type(shape)), v128)
                    block0(v0: v128):
                      v1: \(Self.type(shape)) = extractLane.\(number) v0, \(lane)
                      return (v1, v0)
                    """)
                for a in Self.edges {
                    let results = native.call(a)
                    let mask: UInt64 = shape.bits == 64 ? .max : 0xFFFF_FFFF
                    let expected =
                        sign == .signed
                        ? UInt64(bitPattern: a.signed(shape.bits, lane)) & mask
                        : a[shape.bits, lane]
                    // An i32 has no upper half; of an f32 nothing is said.
                    let found = shape == .f32x4 ? results[0].low & mask : results[0].low
                    #expect(found == expected, "\(operation) \(lane) \(a)")
                    #expect(results[1] == a)
                }
            }
        }
    }

    @Test(arguments: VectorPlatform.all)
    func replacedLanes(platform: VectorPlatform) throws {
        for (number, operation) in VectorInstructions.all {
            guard case .vectorReplaceLane(let shape) = operation else { continue }
            let type = Self.type(shape)
            for lane in 0..<(128 / shape.bits) {
                let native = try platform.compile(
                    """
                    function (v128, \(type)) -> (v128, v128, v128)
                      v2: i64 = context
                    block0(v0: v128, v1: \(type)):
                      v3: v128 = replaceLane.\(number) v0, v1, \(lane)
                      v4: \(type) = load.full.memory v2, none, \(NativeFunction.memoryOffset)
                      v5: v128 = replaceLane.\(number) v3, v4, \(lane)
                      return (v3, v5, v0)
                    """)
                for a in Self.edges {
                    let (first, second) = (Self.edges[3].low, Self.edges[2].low)
                    var memory = [second]
                    let results = native.call([a, ModelVector(low: first)], memory: &memory)
                    var expected = [a, a, a]
                    expected[0][shape.bits, lane] = first
                    expected[1][shape.bits, lane] = second
                    #expect(results == expected, "\(operation) \(lane) \(a)")
                }
            }
        }
    }

    // MARK: Tests

    private static func test(_ operation: ApusFormat.Operation, _ a: ModelVector) -> UInt64? {
        switch operation {
        case .vectorAnyTrue: a == ModelVector() ? 0 : 1
        case .vectorAllTrue(let shape):
            (0..<(128 / shape.bits)).allSatisfy { a[shape.bits, $0] != 0 } ? 1 : 0
        case .vectorBitmask(let shape):
            (0..<(128 / shape.bits)).reduce(0) {
                $0 | (a.signed(shape.bits, $1) < 0 ? 1 : 0) << UInt64($1)
            }
        default: nil
        }
    }

    /// As a number, as what a branch or a choice goes by, and negated.
    @Test(arguments: VectorPlatform.all)
    func tests(platform: VectorPlatform) throws {
        var count = 0
        for (number, operation) in VectorInstructions.all
        where Self.test(operation, ModelVector()) != nil {
            count += 1
            let native = try platform.compile(
                """
                function (v128) -> (i32, i32, v128, i32)
                  v1: i32 = constant 0
                  v2: i32 = constant 7
                  v3: v128 = vectorConstant \(Self.edges[3])
                block0(v0: v128):
                  v4: i32 = vectorUnary.\(number) v0
                  v5: i32 = vectorUnary.\(number) v0
                  v6: i32 = select v5, v2, v1
                  v7: i32 = vectorUnary.\(number) v0
                  v8: i32 = compare.equal v7, v1
                  v9: v128 = select v8, v3, v0
                  v10: i32 = vectorUnary.\(number) v0
                  branch v10, block1(), block2()
                block1():
                  jump block3(v2)
                block2():
                  jump block3(v1)
                block3(v11: i32):
                  return (v4, v6, v9, v11)
                """)
            for a in Self.edges {
                let results = native.call(a)
                let expected = try #require(Self.test(operation, a))
                let choice: UInt64 = expected != 0 ? 7 : 0
                #expect(
                    [results[0].low, results[1].low, results[3].low] == [expected, choice, choice],
                    "\(operation) \(a)")
                #expect(results[2] == (expected == 0 ? Self.edges[3] : a), "\(operation) \(a)")
            }
        }
        #expect(count == 9)
    }

    // MARK: Shuffles

    private static func lanes(_ lane: (Int) -> Int) -> ModelVector {
        ModelVector(8) { UInt64(lane($0)) }
    }

    /// One of each kind that the processor has an instruction for, near misses, and others.
    private static let shuffles: [ModelVector] = {
        var shuffles: [ModelVector] = []
        for size in [1, 2, 4, 8] {
            for start in [0, 8] {
                shuffles.append(
                    lanes { $0 / size / 2 * size + $0 % size + start + $0 / size % 2 * 16 })
                // With zeroes from anywhere in between.
                shuffles.append(
                    lanes { $0 / size % 2 == 0 ? $0 / size / 2 * size + $0 % size : 31 - $0 })
                shuffles.append(lanes { ($0 / size / 2 * size + $0 % size + start) & 15 })
            }
            shuffles.append(lanes { $0 % size })
            shuffles.append(lanes { $0 ^ (size - 1) })
            shuffles.append(lanes { $0 + $0 / size % 2 * 16 })
        }
        for start in [0, 1, 5, 8, 15, 16, 20] {
            shuffles.append(lanes { ($0 + start) & 31 })
            shuffles.append(lanes { ($0 + start) & 15 })
            shuffles.append(lanes { ($0 + start) & 15 | 16 })
        }
        // Groups of 32 bits: of one vector, two of each, and of both at will.
        for order in [[0, 1, 2, 3], [3, 3, 0, 1], [2, 0, 5, 7], [5, 7, 2, 0], [0, 5, 2, 7]] {
            shuffles.append(lanes { order[$0 / 4] * 4 + $0 % 4 })
        }
        // Groups of 16 bits in one half.
        for order in [[1, 0, 3, 3, 4, 5, 6, 7], [0, 1, 2, 3, 7, 4, 5, 4]] {
            shuffles.append(lanes { order[$0 / 2] * 2 + $0 % 2 })
        }
        shuffles.append(lanes { $0 < 8 ? $0 : 16 })
        var state: UInt32 = 12345
        for _ in 0..<20 {
            shuffles.append(
                lanes { _ in
                    state = state &* 1_664_525 &+ 1_013_904_223
                    return Int(state >> 24 & 31)
                })
        }
        return shuffles
    }()

    private static func shuffled(
        _ lanes: ModelVector, _ a: ModelVector, _ b: ModelVector
    ) -> ModelVector {
        ModelVector(8) { index in
            let lane = Int(lanes[8, index])
            return lane < 16 ? a[8, lane] : b[8, lane - 16]
        }
    }

    @Test(arguments: VectorPlatform.all)
    func shuffles(platform: VectorPlatform) throws {
        let a = ModelVector(8) { UInt64(0x10 + $0) }
        let b = ModelVector(8) { UInt64(0xE0 + $0) }
        let zero = ModelVector()
        for lanes in Self.shuffles {
            let native = try platform.compile(
                """
                function (v128, v128) -> (v128, v128, v128, v128, v128, v128)
                  v2: v128 = vectorConstant \(zero)
                block0(v0: v128, v1: v128):
                  v3: v128 = shuffle v0, v1, \(lanes)
                  v4: v128 = shuffle v0, v0, \(lanes)
                  v5: v128 = shuffle v0, v2, \(lanes)
                  v6: v128 = shuffle v2, v1, \(lanes)
                  return (v3, v4, v5, v6, v0, v1)
                """)
            let expected = [(a, b), (a, a), (a, zero), (zero, b)].map {
                Self.shuffled(lanes, $0.0, $0.1)
            }
            #expect(native.call(a, b) == expected + [a, b], "\(lanes)")
        }
    }

    /// Swizzles whose lanes are known: from 16 on they are zero.
    @Test(arguments: VectorPlatform.all)
    func swizzlesByConstants(platform: VectorPlatform) throws {
        let a = ModelVector(8) { UInt64(0x10 + $0) }
        for lanes in Self.shuffles + Self.edges {
            let native = try platform.compile(
                """
                function (v128) -> (v128, v128)
                  v1: v128 = vectorConstant \(lanes)
                block0(v0: v128):
                  v2: v128 = vectorBinary.14 v0, v1
                  return (v2, v0)
                """)
            let expected = ModelVector(8) { index in
                let lane = Int(lanes[8, index])
                return lane < 16 ? a[8, lane] : 0
            }
            #expect(native.call(a) == [expected, a], "\(lanes)")
        }
    }

    // MARK: Memory

    @Test(arguments: VectorPlatform.all)
    func loads(platform: VectorPlatform) throws {
        let a = ModelVector(low: 0x8182_0304_F5F6_7788, high: 0x1122_3344_5566_7788)
        let widths: [(String, ModelVector)] = [
            ("full", a),
            ("extend8x8Signed", ModelVector(16) { UInt64(bitPattern: a.signed(8, $0)) }),
            ("extend8x8Unsigned", ModelVector(16) { a[8, $0] }),
            ("extend16x4Signed", ModelVector(32) { UInt64(bitPattern: a.signed(16, $0)) }),
            ("extend16x4Unsigned", ModelVector(32) { a[16, $0] }),
            ("extend32x2Signed", ModelVector(64) { UInt64(bitPattern: a.signed(32, $0)) }),
            ("extend32x2Unsigned", ModelVector(64) { a[32, $0] }),
            ("splat8", ModelVector(8) { _ in a[8, 0] }),
            ("splat16", ModelVector(16) { _ in a[16, 0] }),
            ("splat32", ModelVector(32) { _ in a[32, 0] }),
            ("splat64", ModelVector(64) { _ in a[64, 0] }),
            ("zero32", ModelVector(low: a[32, 0])), ("zero64", ModelVector(low: a.low)),
        ]
        for (width, expected) in widths {
            let native = try platform.compile(
                """
                function (i32) -> (v128, v128)
                  v1: i64 = context
                block0(v0: i32):
                  v2: v128 = load.\(width).memory.trap2 v1, none, \(NativeFunction.memoryOffset + 8)
                  v3: i64 = load.full.constant v1, none, \(NativeFunction.addressOffset)
                  v4: v128 = load.\(width).memory.trap2 v3, v0, \(NativeFunction.memoryOffset)
                  return (v2, v4)
                """)
            var memory = [0, a.low, a.high]
            let results = native.call([ModelVector(low: 8)], memory: &memory)
            #expect(results == [expected, expected], "\(width)")
        }
    }

    /// Instructions that read half a vector, from memory.
    @Test(arguments: VectorPlatform.all)
    func halvesInMemory(platform: VectorPlatform) throws {
        var count = 0
        for (number, operation) in VectorInstructions.computing(1) {
            guard case .vectorConvert = operation else { continue }
            count += 1
            let native = try platform.compile(
                """
                function () -> (v128)
                  v0: i64 = context
                block0():
                  v1: v128 = load.zero64.memory v0, none, \(NativeFunction.memoryOffset + 8)
                  v2: v128 = vectorUnary.\(number) v1
                  return (v2)
                """)
            for a in Self.edges {
                var memory = [0, a.low, a.high]
                let results = native.call([], memory: &memory)
                let expected = platform.model.result(operation, ModelVector(low: a.low))
                #expect(expected?.agrees(with: results[0]) == true, "\(operation) \(a)")
            }
        }
        #expect(count == 30)
    }

    @Test(arguments: VectorPlatform.all)
    func lanesInMemory(platform: VectorPlatform) throws {
        let a = Self.edges[2]
        let offset = NativeFunction.memoryOffset
        for bits in [8, 16, 32, 64] {
            for lane in 0..<(128 / bits) {
                let native = try platform.compile(
                    """
                    function (v128, i64) -> (v128, v128)
                      v2: i64 = context
                    block0(v0: v128, v1: i64):
                      v3: v128 = loadLane.lane\(bits).memory.trap2 v2, v1, \(offset), v0, \(lane)
                      storeLane.lane\(bits).memory.trap2 v2, v1, \(offset + 8), v0, \(lane)
                      store.full.memory.trap2 v2, v1, \(offset + 16), v3
                      return (v3, v0)
                    """)
                let word: UInt64 = 0x0123_4567_89AB_CDEF
                var memory = [0, word, 0, 0, 0]
                let results = native.call([a, ModelVector(low: 8)], memory: &memory)
                var expected = a
                expected[bits, lane] = word
                #expect(results == [expected, a], "\(bits) \(lane)")
                #expect(
                    memory == [0, word, a[bits, lane], expected.low, expected.high],
                    "\(bits) \(lane)")
            }
        }
    }

    /// Where each access may fault is recorded, and nothing comes between that place and it.
    @Test(arguments: VectorPlatform.all)
    func faultsHaveTheirPlaces(platform: VectorPlatform) throws {
        let accesses = [
            "v9: v128 = load.splat8.memory.trap2 v1, none, 0",
            "v9: v128 = load.splat32.memory.trap2 v1, none, 0",
            "v9: v128 = loadLane.lane8.memory.trap2 v1, none, 0, v0, 3",
            "v9: v128 = loadLane.lane64.memory.trap2 v1, none, 0, v0, 1",
            "v8: v128 = load.full.memory.trap2 v1, none, 0\n  v9: v128 = vectorBinary.110 v0, v8",
            "v8: f64 = load.full.memory.trap2 v1, none, 0\n  v9: v128 = replaceLane.34 v0, v8, 1",
        ]
        for access in accesses {
            let function = try Function(
                text: """
                    function (v128, i64) -> (v128, v128)
                    block0(v0: v128, v1: i64):
                      \(access)
                      return (v9, v0)
                    """)
            var generator = CodeGenerator(
                processor: platform.processor,
                isRelaxedSIMDDeterministic: platform.isDeterministic)
            var batch = CodeBatch()
            #expect(generator.generate(function, as: 0, into: &batch))
            let count = batch.sites.traps.count
            #expect(count == 1, "\(access)")
            let site = batch.sites.traps[0]
            #expect(site.code == .memoryOutOfBounds)
            // The address is in rdi and has no displacement: an access ends in ModRM 07 with some
            // register, or the like and an immediate. A move between registers has 11 in front.
            let start = Int(batch.functions[0].codeStart) + Int(site.codeOffset)
            let bytes = (start..<start + 8).map { batch.code.span[$0] }
            #expect(Self.modRM(bytes) & 0xC7 == 0x07, "\(access): \(bytes)")
        }
    }

    /// The ModRM byte of an instruction with legacy or VEX prefixes.
    private static func modRM(_ bytes: [UInt8]) -> UInt8 {
        var place = 0
        if bytes[0] == 0xC5 { return bytes[3] }
        if bytes[0] == 0xC4 { return bytes[4] }
        while [0x66, 0xF2, 0xF3].contains(bytes[place]) || bytes[place] & 0xF0 == 0x40 {
            place += 1
        }
        place += 1
        if bytes[place] == 0x38 || bytes[place] == 0x3A { place += 1 }
        return bytes[place + 1]
    }
}
