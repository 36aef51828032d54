import Apus
import Testing

/// Instructions that take an operand from memory themselves read as much as WebAssembly does: the
/// last bytes of a memory can be an operand of each, though what comes behind cannot be read.
@Suite struct FoldedOperandTests {
    /// An instruction around a load, as text before and behind it, and what the load reads.
    private struct Form {
        var load: String
        var bytes: Int
        var before: String
        var behind: String
        var result: String
    }

    private static func scalar(_ type: String) -> [Form] {
        let load = "\(type).load"
        let bytes = type.hasSuffix("32") ? 4 : 8
        let isFloat = type.hasPrefix("f")
        let operations =
            isFloat
            ? ["add", "sub", "mul", "div", "min", "max", "copysign"]
            : ["add", "sub", "mul", "and", "or", "xor", "shl", "shr_s", "shr_u", "rotl", "rotr"]
        let comparisons =
            isFloat
            ? ["eq", "ne", "lt", "gt", "le", "ge"]
            : ["eq", "ne", "lt_s", "lt_u", "gt_s", "gt_u", "le_s", "le_u", "ge_s", "ge_u"]
        let other = "(local.get $\(type))"
        var forms: [Form] = []
        for name in operations + comparisons {
            let result = comparisons.contains(name) ? "i32" : type
            let opcode = "(\(type).\(name)"
            forms += [
                Form(
                    load: load, bytes: bytes, before: "\(opcode) \(other)", behind: ")",
                    result: result),
                Form(
                    load: load, bytes: bytes, before: opcode, behind: "\(other))",
                    result: result),
            ]
        }
        let unary =
            isFloat
            ? ["sqrt", "abs", "neg", "ceil", "floor", "trunc", "nearest"]
            : ["clz", "ctz", "popcnt", "extend8_s", "extend16_s"]
        for name in unary {
            forms.append(
                Form(
                    load: load, bytes: bytes, before: "(\(type).\(name)", behind: ")",
                    result: type))
        }
        return forms
    }

    private static let conversions = [
        ("f32.load", 4, "f64.promote_f32", "f64"), ("f64.load", 8, "f32.demote_f64", "f32"),
        ("f32.load", 4, "i32.trunc_sat_f32_s", "i32"),
        ("f32.load", 4, "i64.trunc_sat_f32_u", "i64"),
        ("f64.load", 8, "i32.trunc_sat_f64_u", "i32"),
        ("f64.load", 8, "i64.trunc_sat_f64_s", "i64"),
        ("i32.load", 4, "f32.convert_i32_s", "f32"), ("i32.load", 4, "f64.convert_i32_u", "f64"),
        ("i64.load", 8, "f32.convert_i64_u", "f32"), ("i64.load", 8, "f64.convert_i64_s", "f64"),
        ("i32.load", 4, "f32.reinterpret_i32", "f32"),
        ("i64.load", 8, "f64.reinterpret_i64", "f64"),
        ("f32.load", 4, "i32.reinterpret_f32", "i32"),
        ("f64.load", 8, "i64.reinterpret_f64", "i64"),
        ("i32.load", 4, "i64.extend_i32_s", "i64"), ("i64.load", 8, "i32.wrap_i64", "i32"),
        ("i32.load", 4, "i8x16.splat", "v128"), ("i32.load", 4, "i16x8.splat", "v128"),
        ("i32.load", 4, "i32x4.splat", "v128"), ("i64.load", 8, "i64x2.splat", "v128"),
        ("f32.load", 4, "f32x4.splat", "v128"), ("f64.load", 8, "f64x2.splat", "v128"),
        ("i32.load8_u", 1, "i8x16.splat", "v128"), ("i32.load16_u", 2, "i16x8.splat", "v128"),
    ].map { Form(load: $0.0, bytes: $0.1, before: "(\($0.2)", behind: ")", result: $0.3) }

    private static let lanes = [
        ("i32.load8_u", 1, "i8x16.replace_lane 5"), ("i32.load16_u", 2, "i16x8.replace_lane 3"),
        ("i32.load", 4, "i32x4.replace_lane 1"), ("i64.load", 8, "i64x2.replace_lane 1"),
        ("f32.load", 4, "f32x4.replace_lane 2"), ("f64.load", 8, "f64x2.replace_lane 0"),
        ("i32.load", 4, "i32x4.shl"), ("i32.load", 4, "i8x16.shr_s"),
    ].map {
        Form(
            load: $0.0, bytes: $0.1, before: "(\($0.2) (local.get $v128)", behind: ")",
            result: "v128")
    }

    /// Loads of fewer than 16 bytes, into vectors that are operands at once.
    private static let partial: [Form] = {
        let loads = [
            ("v128.load8_splat", 1), ("v128.load16_splat", 2), ("v128.load32_splat", 4),
            ("v128.load64_splat", 8), ("v128.load32_zero", 4), ("v128.load64_zero", 8),
            ("v128.load8x8_s", 8), ("v128.load16x4_u", 8), ("v128.load32x2_s", 8),
        ]
        let operations = [
            "i32x4.add", "i64x2.sub", "i16x8.mul", "v128.xor", "f32x4.add", "f64x2.mul",
            "i8x16.min_u", "f32x4.eq", "i8x16.swizzle", "i32x4.dot_i16x8_s",
        ]
        let unary = [
            "i16x8.extend_low_i8x16_s", "i32x4.extend_low_i16x8_u", "i64x2.extend_low_i32x4_s",
            "f64x2.convert_low_i32x4_s", "f64x2.promote_low_f32x4", "f32x4.sqrt", "f64x2.ceil",
            "i32x4.trunc_sat_f32x4_s", "i32x4.extadd_pairwise_i16x8_s", "i8x16.abs",
        ]
        return loads.flatMap { load, bytes in
            operations.flatMap { name in
                [
                    Form(
                        load: load, bytes: bytes, before: "(\(name) (local.get $v128)",
                        behind: ")", result: "v128"),
                    Form(
                        load: load, bytes: bytes, before: "(\(name)",
                        behind: "(local.get $v128))", result: "v128"),
                ]
            }
                + unary.map {
                    Form(load: load, bytes: bytes, before: "(\($0)", behind: ")", result: "v128")
                }
        }
    }()

    private static let forms =
        ["i32", "i64", "f32", "f64"].flatMap { scalar($0) } + conversions + lanes + partial

    /// With AVX, where operands need not be aligned, and without.
    @Test(arguments: Compilation.allCases, [false, true])
    func endWhereTheMemoryEnds(compilation: Compilation, hasAVX: Bool) throws {
        var configuration = compilation.configuration
        if !hasAVX { configuration.processorFeatures.subtract([.avx, .avx2, .fma, .avx512]) }
        let engine = Engine(configuration)
        var text = "(module (memory (export \"memory\") 1 1)\n"
        for (index, form) in Self.forms.enumerated() {
            // Both give the same if the load does as it should, alone and as an operand.
            let folded = "\(form.before) (\(form.load) (local.get $at)) \(form.behind)"
            let loadType = form.load.prefix { $0 != "." }
            let apart = "\(form.before) (local.get $loaded) \(form.behind)"
            text += """
                (func (export "folded\(index)") \(Self.parameters) (result \(form.result))
                  \(folded))
                (func (export "apart\(index)") \(Self.parameters) (result \(form.result))
                  (local $loaded \(loadType))
                  (local.set $loaded (\(form.load) (local.get $at)))
                  (if (i32.eqz (local.get $at)) (then (local.set $loaded (local.get $\(loadType)))))
                  \(apart))

                """
        }
        let instance = try Instance(Store(engine), Module(engine, text: text + ")"))
        let end = try instance.memory.byteCount
        try instance.memory.write([0xC0, 0x3F, 0x12, 0x81, 0x40, 0x49, 0x0F, 0x40], at: end - 8)
        for (index, form) in Self.forms.enumerated() {
            let folded = try instance.function("folded\(index)")
            let apart = try instance.function("apart\(index)")
            let name = "\(form.before) \(form.load) \(form.behind)"
            let expected = try apart.call(Self.arguments(end - form.bytes))
            let found = try folded.call(Self.arguments(end - form.bytes))
            #expect(found.map { "\($0)" } == expected.map { "\($0)" }, "\(name)")
            do {
                _ = try folded.call(Self.arguments(end - form.bytes + 1))
                Issue.record("\(name) reads what is not there")
            } catch let trap as Trap {
                #expect(trap.code == .memoryOutOfBounds)
            }
        }
    }

    private static let parameters = """
        (param $at i32) (param $i32 i32) (param $i64 i64) (param $f32 f32) (param $f64 f64)
        (param $v128 v128)
        """

    private static func arguments(_ address: Int) -> [Value] {
        [
            .i32(Int32(address)), .i32(7), .i64(9), .f32(1.5), .f64(-2.25),
            .v128(Vector128(low: 0x0102_0304_3F80_0001, high: 0x4000_0000_0506_0708)),
        ]
    }
}
