import ApusText
import Testing

/// Numbers and strings, by the bytes they become.
@Suite struct LiteralTests {
    /// The last bytes of the code of a function that has one instruction.
    private func bytes(_ instruction: String, _ count: Int) throws -> [UInt8] {
        let module = try TextFormat.parseModule("(func \(instruction))")
        return Array(module.dropLast().suffix(count))
    }

    private func double(_ literal: String) throws -> UInt64 {
        try bytes("f64.const \(literal)", 8).reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    private func single(_ literal: String) throws -> UInt32 {
        try bytes("f32.const \(literal)", 4).reversed().reduce(0) { $0 << 8 | UInt32($1) }
    }

    @Test(
        arguments: [
            ("0", 0), ("-0.0", -0.0), ("1.", 1), ("1_000.000_1", 1_000.0001), ("6.02e23", 6.02e23),
            ("0x1p-1074", 0x1p-1074), ("0x1.8p+1", 3), ("0xA.8", 10.5), ("1e-400", 0),
            ("5e-324", 0x1p-1074), ("4.9406564584124654e-324", 0x1p-1074),
            ("2.4703282292062327e-324", 0),
            ("2.4703282292062328e-324", 0x1p-1074),
            ("1.7976931348623157e308", 0x1.fffffffffffffp1023),
            ("9007199254740993", 9_007_199_254_740_992),
            ("9007199254740993.00000000001", 0x1.0000000000001p53),
            ("0x1.00000000000008p0", 1),
            ("0x1.000000000000080000000000001p0", 0x1.0000000000001p0),
            ("0x1.00000000000018p0", 0x1.0000000000002p0), ("0x0.0000000000001p-1022", 0x1p-1074),
            ("0x0.00000000000008p-1022", 0), ("0x0.00000000000008000001p-1022", 0x1p-1074),
            ("inf", .infinity),
        ] as [(String, Double)])
    func doubles(literal: String, value: Double) throws {
        #expect(try double(literal) == value.bitPattern)
        #expect(try double("-" + literal.drop { $0 == "-" }) == (-value.magnitude).bitPattern)
    }

    @Test(
        arguments: [
            ("16777217", 16_777_216), ("16777217.0000000001", 16_777_218), ("0x1p-149", 0x1p-149),
            ("0x1.fffffep127", 0x1.fffffep127), ("1.401298464324817e-45", 0x1p-149), ("0.1", 0.1),
            ("8388609.5", 8_388_610), ("0x1.000001p0", 1), ("0x1.00000100001p0", 0x1.000002p0),
        ] as [(String, Float)])
    func singles(literal: String, value: Float) throws {
        #expect(try single(literal) == value.bitPattern)
    }

    @Test func payloads() throws {
        #expect(try single("nan") == 0x7FC0_0000)
        #expect(try single("-nan:0x1") == 0xFF80_0001)
        #expect(try double("nan:0x8_0000_0000_0001") == 0x7FF8_0000_0000_0001)
    }

    @Test(arguments: [
        "f32.const nan:0x80_0000", "f32.const nan:0x0", "f32.const 3.5e38", "f64.const 1e309",
        "f32.const 0x1.ffffffp127", "i32.const 0x1_0000_0000", "i32.const -2147483649",
        "i64.const 18446744073709551616",
    ])
    func outOfRange(instruction: String) {
        let error = #expect(throws: TextError.self) {
            try TextFormat.parseModule("(func \(instruction))")
        }
        #expect(error?.message.contains("constant out of range") == true)
    }

    @Test(arguments: [
        "i32.const 0x", "i32.const 1__0", "i32.const _1", "i32.const 1_", "i32.const 1.0",
        "f64.const .5", "f64.const 1e", "f64.const 1e0x1", "f64.const 0x1p", "f64.const 1_.0",
        "f64.const 1._0", "f64.const nan:1", "f64.const infinity", "f64.const 0x.1", "i32.const +",
        "f64.const +-1", "f32.const nan:canonical",
    ])
    func malformed(instruction: String) {
        #expect(throws: TextError.self) { try TextFormat.parseModule("(func \(instruction))") }
    }

    @Test func vectors() throws {
        #expect(
            try bytes("v128.const i16x8 1 -1 0x10 3 4 5 6 7", 16)
                == [1, 0, 255, 255, 16, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0])
        #expect(
            try bytes("v128.const f32x4 1 -0 nan inf", 16)
                == [0, 0, 128, 63, 0, 0, 0, 128, 0, 0, 192, 127, 0, 0, 128, 127])
    }

    @Test func strings() throws {
        let module = try TextFormat.parseModule(
            #"(data "a\t\n\r\"\'\\\00\fF\u{20aC}\u{1_F600}" "é")"#)
        let expected: [UInt8] = [
            0x61, 9, 10, 13, 0x22, 0x27, 0x5C, 0, 0xFF, 0xE2, 0x82, 0xAC, 0xF0, 0x9F, 0x98, 0x80,
            0xC3, 0xA9,
        ]
        #expect(Array(module.suffix(expected.count)) == expected)
    }

    @Test(arguments: [
        #""\x""#, #""\u{110000}""#, #""\u{d800}""#, #""\u{}""#, "\"\u{1}\"", "\"a\nb\"",
    ])
    func malformedStrings(literal: String) {
        #expect(throws: TextError.self) { try TextFormat.parseModule("(data \(literal))") }
    }
}
