import ApusABI
import Testing

@Suite struct VectorShuffleTests {
    private static func shuffle(_ lanes: [Int], _ operands: String) -> String {
        let lanes = lanes.map(String.init).joined(separator: " ")
        return "(param v128 v128) (result v128) (i8x16.shuffle \(lanes) \(operands))"
    }

    private static let both = "(local.get 0) (local.get 1)"
    private static let same = "(local.get 0) (local.get 0)"
    private static let first = Array(0..<16)
    private static let halves = Array(8..<16) + Array(0..<8)

    static let rules: [CodeRule] = [
        CodeRule("lanes in order are the first operand", shuffle(first, both), []),
        CodeRule("or the second", shuffle(Array(16..<32), both), []),
        CodeRule(
            "halves that change places are one instruction", shuffle(halves, both),
            ["vpshufd xmm0, xmm6, 78"]),
        CodeRule(
            "of one local twice either operand's lanes will do",
            shuffle(halves.map { $0 < 8 ? $0 + 16 : $0 }, same), ["vpshufd xmm0, xmm6, 78"]),
        CodeRule(
            "lanes of both in turn are one, too",
            shuffle((0..<16).map { $0 / 2 + $0 % 2 * 16 }, both), ["vpunpcklbw xmm0, xmm6, xmm7"]),
        CodeRule(
            "any others of one operand are looked up",
            shuffle([3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9, 3], both),
            ["vpshufb xmm0, xmm6, [rip…"]),
    ]

    @Test(arguments: rules)
    func shuffles(_ rule: CodeRule) throws { try rule.check() }

    /// Which second operand that is need not be known, but it is the one that is returned.
    @Test func theSecondOperandIsReturned() throws {
        let code = try FunctionCode(Self.shuffle(Array(16..<32), Self.both))
        #expect(code.rest.first == "vmovaps xmm0, xmm7")
    }

    /// What is looked up in both is put together.
    @Test func lanesOfBoth() throws {
        let code = try FunctionCode(
            Self.shuffle([3, 17, 4, 18, 5, 9, 22, 6, 5, 3, 25, 8, 9, 7, 29, 3], Self.both))
        #expect(code.names.count { $0 == "vpshufb" } == 2)
        #expect(code.names.last == "vpor")
    }

    /// Lanes of an operand that is all zeros need no operand.
    @Test func zerosNeedNoOperand() throws {
        let code = try FunctionCode(
            Self.shuffle(
                [3, 17, 4, 18, 5, 9, 22, 6, 5, 3, 25, 8, 9, 7, 29, 3],
                "(local.get 0) (v128.const i64x2 0 0)"))
        #expect(code.names == ["vpshufb"])
    }
}
