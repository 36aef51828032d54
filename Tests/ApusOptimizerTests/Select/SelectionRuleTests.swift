import ApusABI
import ApusCollections
import ApusIR
import ApusTestSupport
import Testing

@testable import ApusOptimizer

/// Which instructions of the machine are chosen for those of functions, rule by rule, and that they
/// do the same.
@Suite struct SelectionRuleTests {
    /// Makes v9 of v0 and v1.
    struct Rule: Sendable, CustomStringConvertible {
        var description: String
        /// Constants, with their types.
        var constants: [String] = []
        var body: [String]
        var chosen: [MachineOpcode]
        /// What comes of two numbers.
        var meaning: @Sendable (UInt64, UInt64) -> UInt64
    }

    private static func text(_ rule: Rule) -> String {
        let constants = rule.constants.map { "  \($0)\n" }.joined()
        return """
            function (i64, i64) -> (i64)
            \(constants)block0(v0: i64, v1: i64):
              \(rule.body.joined(separator: "\n  "))
              return (v9)

            """
    }

    private static let rules: [Rule] = [
        Rule(
            description: "a constant that fits is part of the addition",
            constants: ["v3: i64 = constant 5"], body: ["v9: i64 = add v0, v3"],
            chosen: [.addImmediate], meaning: { a, _ in a &+ 5 }),
        Rule(
            description: "what is taken off is added",
            constants: ["v3: i64 = constant 5"], body: ["v9: i64 = subtract v0, v3"],
            chosen: [.addImmediate], meaning: { a, _ in a &- 5 }),
        Rule(
            description: "but for the number without a negative",
            constants: ["v3: i64 = constant -2147483648"], body: ["v9: i64 = subtract v0, v3"],
            chosen: [.aluImmediate], meaning: { a, _ in a &+ 0x8000_0000 }),
        Rule(
            description: "a constant that does not fit has a register",
            constants: ["v3: i64 = constant 4294967296"], body: ["v9: i64 = add v0, v3"],
            chosen: [.immediate, .add], meaning: { a, _ in a &+ 1 << 32 }),
        Rule(
            description: "a sum with something shifted is an address",
            constants: ["v3: i64 = constant 3"],
            body: ["v4: i64 = shiftLeft v1, v3", "v9: i64 = add v0, v4"],
            chosen: [.lea], meaning: { a, b in a &+ b << 3 }),
        Rule(
            description: "not if it is shifted too far",
            constants: ["v3: i64 = constant 4"],
            body: ["v4: i64 = shiftLeft v1, v3", "v9: i64 = add v0, v4"],
            chosen: [.shiftImmediate, .add], meaning: { a, b in a &+ b << 4 }),
        Rule(
            description: "nor if others want what is shifted",
            constants: ["v3: i64 = constant 3"],
            body: [
                "v4: i64 = shiftLeft v1, v3", "v5: i64 = add v0, v4", "v9: i64 = xor v5, v4",
            ],
            chosen: [.shiftImmediate, .add, .alu], meaning: { a, b in (a &+ b << 3) ^ b << 3 }),
        Rule(
            description: "one operand inverted",
            constants: ["v3: i64 = constant -1"],
            body: ["v4: i64 = xor v1, v3", "v9: i64 = and v0, v4"],
            chosen: [.andNot], meaning: { a, b in a & ~b }),
        Rule(
            description: "all bits inverted", constants: ["v3: i64 = constant -1"],
            body: ["v9: i64 = xor v0, v3"], chosen: [.complement], meaning: { a, _ in ~a }),
        Rule(
            description: "a mask of bytes", constants: ["v3: i64 = constant 65535"],
            body: ["v9: i64 = and v0, v3"], chosen: [.zeroExtend],
            meaning: { a, _ in a & 0xFFFF }),
        Rule(
            description: "products with constants", constants: ["v3: i64 = constant 11"],
            body: ["v9: i64 = multiply v0, v3"], chosen: [.multiplyImmediate],
            meaning: { a, _ in a &* 11 }),
        Rule(
            description: "the processor rotates to the right",
            constants: ["v3: i64 = constant 5"],
            body: ["v9: i64 = rotateLeft v0, v3"], chosen: [.rotateImmediate],
            meaning: { a, _ in a << 5 | a >> 59 }),
        Rule(
            description: "counts are taken modulo the bits",
            body: ["v9: i64 = shiftRightUnsigned v0, v1"], chosen: [.shift],
            meaning: { a, b in a >> (b & 63) }),
        Rule(
            description: "what is widened shares the register",
            body: ["v4: i32 = wrap v0", "v9: i64 = extendUnsigned v4"], chosen: [.narrow],
            meaning: { a, _ in a & 0xFFFF_FFFF }),
        Rule(
            description: "a comparison is part of the choice",
            body: ["v4: i32 = compare.lessSigned v0, v1", "v9: i64 = select v4, v0, v1"],
            chosen: [.select],
            meaning: { a, b in Int64(bitPattern: a) < Int64(bitPattern: b) ? a : b }),
        Rule(
            description: "so is a test of bits",
            constants: ["v3: i64 = constant 8", "v6: i64 = constant 0"],
            body: [
                "v4: i64 = and v0, v3", "v5: i32 = compare.equal v4, v6",
                "v9: i64 = select v5, v0, v1",
            ],
            chosen: [.select], meaning: { a, b in a & 8 == 0 ? a : b }),
        Rule(
            description: "a comparison that others want is made, too",
            body: [
                "v4: i32 = compare.lessUnsigned v0, v1", "v5: i64 = extendUnsigned v4",
                "v6: i64 = select v4, v0, v1", "v9: i64 = add v5, v6",
            ],
            chosen: [.set, .select, .add], meaning: { a, b in a < b ? a &+ 1 : b }),
        Rule(
            description: "that floats are equal takes two flags, so the choice asks for the bit",
            body: [
                "v2: f64 = bitcast v0", "v3: f64 = bitcast v1",
                "v4: i32 = floatCompare.equal v2, v3", "v9: i64 = select v4, v0, v1",
            ],
            chosen: [.moveToFloat, .moveToFloat, .set, .select],
            meaning: { a, b in
                Double(bitPattern: a) == Double(bitPattern: b) ? a : b
            }),
        Rule(
            description: "a float that is less is one that is greater, the other way round",
            body: [
                "v2: f64 = bitcast v0", "v3: f64 = bitcast v1",
                "v4: i32 = floatCompare.less v2, v3", "v9: i64 = select v4, v0, v1",
            ],
            chosen: [.moveToFloat, .moveToFloat, .select],
            meaning: { a, b in
                Double(bitPattern: a) < Double(bitPattern: b) ? a : b
            }),
    ]

    @Test(arguments: rules)
    func numbers(_ rule: Rule) throws {
        let text = Self.text(rule)
        #expect(try Self.select(text) == rule.chosen, "\(rule)")
        let function = try NativeFunction([text])
        let numbers: [UInt64] = [
            0, 1, 8, 63, 0xFF00_FF08, 0x8000_0000, 1 << 63, .max, 0x7FF8_0000_0000_0000,
            0x3FF0_0000_0000_0000,
        ]
        for a in numbers {
            for b in numbers {
                let found = function.call(
                    ModelVector(low: a, high: 0), ModelVector(low: b, high: 0))
                if found[0].low != rule.meaning(a, b) {
                    Issue.record("\(rule): \(a), \(b)")
                }
            }
        }
    }

    /// The opcodes of a function of one block without the first and the last.
    private static func select(_ text: String) throws -> [MachineOpcode] {
        let function = try Function(text: text)
        var verifier = Verifier()
        #expect(verifier.verify(function) == [])
        var generator = CodeGenerator()
        let isPrepared = generator.prepare(function, as: 0)
        #expect(isPrepared)
        let count = generator.selector.machine.instructions.count
        return (1..<count - 1).map { generator.selector.machine.instructions[$0].opcode }
    }

    // MARK: Memory

    /// Two words of memory, v2 being where they are; what is returned is v9.
    private struct Access: Sendable {
        var body: [String]
        var chosen: [MachineOpcode]
        /// The result and the memory for v0 = 100, v1 = 7 and a memory of 1000 and 2000.
        var result: UInt64
        var memory: [UInt64] = [1000, 2000]
    }

    private static func load(_ value: Int, _ place: Int = 0) -> String {
        "v\(value): i64 = load.full.global v2, none, \(NativeFunction.memoryOffset + 8 * place)"
    }

    private static func store(_ value: Int, _ place: Int = 0) -> String {
        "store.full.global v2, none, \(NativeFunction.memoryOffset + 8 * place), v\(value)"
    }

    private static let accesses: [Access] = [
        // What is used once is read where it is used.
        Access(body: [load(4), "v9: i64 = add v0, v4"], chosen: [.aluMemory], result: 1100),
        Access(body: [load(4), "v9: i64 = subtract v4, v0"], chosen: [.load, .alu], result: 900),
        Access(
            body: [load(4), "v9: i64 = multiply v4, v0"], chosen: [.multiplyMemory],
            result: 100_000),
        Access(
            body: [load(4), "v5: i64 = add v0, v4", "v9: i64 = add v5, v4"],
            chosen: [.load, .add, .add], result: 2100),
        // Not beyond what may have written it.
        Access(
            body: [load(4), store(1, 0), "v9: i64 = add v0, v4"],
            chosen: [.load, .store, .add], result: 1100, memory: [7, 2000]),
        // A word that is read, changed and written is changed where it is.
        Access(
            body: [load(4, 1), "v5: i64 = add v4, v1", store(5, 1), "v9: i64 = xor v0, v1"],
            chosen: [.aluStore, .alu], result: 100 ^ 7, memory: [1000, 2007]),
        Access(
            body: [load(4, 1), "v5: i64 = subtract v4, v3", store(5, 1), "v9: i64 = xor v0, v1"],
            chosen: [.aluStoreImmediate, .alu], result: 100 ^ 7, memory: [1000, 1997]),
        // But not one word into another, nor what is taken from.
        Access(
            body: [load(4, 0), "v5: i64 = add v4, v1", store(5, 1), "v9: i64 = xor v0, v1"],
            chosen: [.aluMemory, .store, .alu], result: 100 ^ 7, memory: [1000, 1007]),
        Access(
            body: [load(4, 1), "v5: i64 = subtract v1, v4", store(5, 1), "v9: i64 = xor v0, v1"],
            chosen: [.aluMemory, .store, .alu], result: 100 ^ 7,
            memory: [1000, 0 &- 1993]),
        // Constants are stored as they are.
        Access(
            body: [store(3, 1), "v9: i64 = xor v0, v1"], chosen: [.storeImmediate, .alu],
            result: 100 ^ 7, memory: [1000, 3]),
        // A comparison reads one operand.
        Access(
            body: [
                load(4), "v5: i32 = compare.lessUnsigned v0, v4", "v9: i64 = select v5, v0, v1",
            ],
            chosen: [.select], result: 100),
    ]

    @Test(arguments: accesses.indices)
    func memory(_ index: Int) throws {
        let access = Self.accesses[index]
        let text = Self.text(
            Rule(
                description: "", constants: ["v2: i64 = context", "v3: i64 = constant 3"],
                body: access.body, chosen: [], meaning: { a, _ in a }))
        #expect(try Self.select(text) == access.chosen, "\(access.body)")
        let function = try NativeFunction([text])
        var memory: [UInt64] = [1000, 2000]
        let result = function.call(
            [ModelVector(low: 100, high: 0), ModelVector(low: 7, high: 0)], memory: &memory)
        #expect(result[0].low == access.result, "\(access.body)")
        #expect(memory == access.memory, "\(access.body)")
    }
}
