import Apus
import ApusText
import Testing

/// Every instruction that can trap says why and where: the code is the specification's, and the
/// offset is that of the instruction in the module, wherever its operands come from.
@Suite struct TrapPlaceTests {
    private struct Case: Sendable {
        /// The operands, and the instruction behind them.
        var operands: String
        var instruction: String
        var code: TrapCode
    }

    private static func cases(
        _ code: TrapCode, _ operands: String, _ instructions: [String]
    ) -> [Case] { instructions.map { Case(operands: operands, instruction: $0, code: code) } }

    private static let arithmetic: [Case] = ["i32", "i64"].flatMap { type -> [Case] in
        let integer = "(local.get $\(type))"
        let divisions = ["div_s", "div_u", "rem_s", "rem_u"].map { "\(type).\($0)" }
        let zero = "(\(type).sub \(integer) \(integer))"
        var found = cases(.integerDivideByZero, "\(integer) (\(type).const 0)", divisions)
        found += cases(.integerDivideByZero, "\(integer) \(zero)", divisions)
        // Nobody wants the quotient, so only the test is left to load the divisor.
        found += cases(
            .integerDivideByZero, "\(integer) (\(type).load (i32.const 512))", divisions)
        found += cases(
            .integerOverflow, "(call $least_\(type)) (\(type).sub \(zero) (\(type).const 1))",
            ["\(type).div_s"])
        for float in ["f32", "f64"] {
            let truncations = ["s", "u"].map { "\(type).trunc_\(float)_\($0)" }
            for (factor, code) in [
                ("nan", TrapCode.invalidConversionToInteger), ("-1e30", .integerOverflow),
                ("1e30", .integerOverflow),
            ] {
                let value = "(\(float).mul (local.get $\(float)) (\(float).const \(factor)))"
                found += cases(code, value, truncations)
            }
        }
        return found
    }

    private static let accesses: [Case] = {
        let loads = [
            "i32.load", "i32.load8_s", "i32.load16_u", "i64.load", "i64.load32_u", "f32.load",
            "f64.load", "v128.load", "v128.load8_splat", "v128.load32x2_s", "v128.load64_zero",
            "i32.load offset=4294967295",
        ]
        let stores = [
            ("i32.store", "i32"), ("i32.store8", "i32"), ("i64.store", "i64"),
            ("i64.store16", "i64"), ("f32.store", "f32"), ("f64.store", "f64"),
            ("v128.store", "v128"),
        ]
        var found: [Case] = []
        for address in ["(i32.sub (local.get $i32) (i32.const 4))", "(local.get $far)"] {
            found += cases(.memoryOutOfBounds, address, loads)
            for (name, type) in stores {
                found += cases(.memoryOutOfBounds, "\(address) (local.get $\(type))", [name])
            }
        }
        found += cases(
            .memoryOutOfBounds, "(i32.const -1) (local.get $v128)",
            ["v128.load8_lane 3", "v128.load64_lane 1", "v128.store32_lane 2"])
        found += cases(
            .memoryOutOfBounds, "(i32.const 65530) (local.get $i32) (i32.const 7)",
            ["memory.fill", "memory.copy"])
        found += cases(
            .memoryOutOfBounds, "(i32.const 0) (local.get $i32) (i32.const 7)",
            ["memory.init $data"])
        // The check compares with what an instruction before has asked for.
        found += cases(
            .memoryOutOfBounds, "(drop (memory.size $bytes)) (i32.const 4096)",
            ["i32.load $bytes", "i64.load $bytes"])
        return found
    }()

    private static let references: [Case] = {
        var found = cases(.unreachable, "", ["unreachable"])
        let far = "(local.get $far)"
        found += cases(.tableOutOfBounds, far, ["table.get $table"])
        found += cases(.tableOutOfBounds, "\(far) (ref.null func)", ["table.set $table"])
        found += cases(
            .tableOutOfBounds, "(local.get $i32) (ref.null func) (i32.const 9)",
            ["table.fill $table"])
        found += cases(
            .tableOutOfBounds, "(local.get $i32) (i32.const 0) (i32.const 9)",
            ["table.copy $table $table", "table.init $table $elements"])
        found += cases(.undefinedElement, far, ["call_indirect $table (type $none)"])
        found += cases(
            .uninitializedElement, "(i32.add (local.get $i32) (i32.const 1))",
            ["call_indirect $table (type $none)"])
        found += cases(
            .indirectCallTypeMismatch, "(i32.sub (local.get $i32) (i32.const 1))",
            ["call_indirect $table (type $other)"])
        found += cases(.nullFunctionReference, "(local.get $null)", ["call_ref $none"])
        found += cases(.nullReference, "(local.get $null)", ["ref.as_non_null"])
        return found
    }()

    private static let all = arithmetic + accesses + references

    /// Five `nop` stand before the instruction, and nowhere else.
    private static let text: String = {
        var text = """
            (module
              (type $none (func)) (type $other (func (result i32)))
              (memory 1) (memory $bytes 4097 5097 (pagesize 1)) (data $data "12345")
              (table $table 3 3 funcref)
              (elem $elements funcref (ref.func $f)) (elem (i32.const 0) func $f)
              (func $f)
              (func $least_i32 (result i32) (i32.shl (i32.const 1) (i32.const 31)))
              (func $least_i64 (result i64) (i64.shl (i64.const 1) (i64.const 63)))

            """
        for (index, example) in all.enumerated() {
            text += """
                (func (export "f\(index)")
                  (param $i32 i32) (param $i64 i64) (param $f32 f32) (param $f64 f64)
                  (param $v128 v128) (param $far i32)
                  (local $null (ref null $none))
                  \(example.operands) nop nop nop nop nop (\(example.instruction))
                  unreachable)

                """
        }
        return text + ")"
    }()

    @Test(arguments: Compilation.allCases, [false, true])
    func codesAndOffsets(compilation: Compilation, alwaysChecks: Bool) throws {
        var configuration = compilation.configuration
        configuration.alwaysChecksBounds = alwaysChecks
        let engine = Engine(configuration)
        let bytes = try TextFormat.parseModule(Self.text)
        let instance = try Instance(Store(engine), Module(engine, bytes: bytes))
        let places = bytes.indices.dropFirst(5).filter {
            bytes[$0] != 0x01 && bytes[$0 - 5..<$0].allSatisfy { $0 == 0x01 }
        }
        try #require(places.count == Self.all.count)
        for (index, example) in Self.all.enumerated() {
            let name = "\(example.operands) \(example.instruction)"
            let function = try instance.function("f\(index)")
            do {
                _ = try function.call(
                    .i32(1), .i64(3), .f32(1), .f64(1), .v128(Vector128(low: 1, high: 2)),
                    .i32(-1))
                Issue.record("\(name) does not trap")
            } catch let trap as Trap {
                #expect(trap.code == example.code, "\(name)")
                #expect(trap.backtrace.map(\.function) == [index + 3], "\(name)")
                #expect(trap.backtrace.first?.offset == places[index], "\(name)")
            }
        }
    }

    /// Expressions that trap, for different reasons or the same, and the code that each gives.
    private static let trapping: [(text: String, code: TrapCode)] = [
        ("(struct.get $s 0 (local.get $s))", .nullStructureReference),
        ("(array.len (local.get $a))", .nullArrayReference),
        ("(i32.load (local.get $far))", .memoryOutOfBounds),
        ("(i32.load offset=4 (local.get $far))", .memoryOutOfBounds),
        ("(i32.div_s (i32.const 1) (i32.eqz (local.get $far)))", .integerDivideByZero),
    ]

    /// How two of them become one value, the second in a way that wants it in a register.
    private static let joins: [@Sendable (String, String) -> String] = [
        { "(i32.add \($0) (i32.mul \($1) (i32.const 3)))" },
        { "(i32.sub \($0) \($1))" },
        { "(if (result i32) (i32.lt_s \($0) \($1)) (then (i32.const 1)) (else (i32.const 2)))" },
        { "(select (i32.const 1) (i32.const 2) (i32.lt_u (i32.mul \($1) (i32.const 3)) \($0)))" },
    ]

    /// Of two instructions that both trap, the first one does, whoever takes what they load.
    @Test(arguments: Compilation.allCases)
    func theFirstOfTwoTraps(compilation: Compilation) throws {
        var text = """
            (module (memory 1) (type $s (struct (field i32))) (type $a (array i32))

            """
        var expected: [(name: String, code: TrapCode)] = []
        for (place, join) in Self.joins.enumerated() {
            for first in Self.trapping {
                for second in Self.trapping where first.text != second.text {
                    let body = join(first.text, second.text)
                    let isTurned = place == Self.joins.count - 1
                    expected.append((body, isTurned ? second.code : first.code))
                    text += """
                        (func (export "f\(expected.count - 1)")
                          (param $s (ref null $s)) (param $a (ref null $a)) (param $far i32)
                          (result i32) \(body))

                        """
                }
            }
        }
        text += ")"
        func traps(_ configuration: Engine.Configuration) throws -> [Trap?] {
            let engine = Engine(configuration)
            let instance = try Instance(Store(engine), Module(engine, text: text))
            return try expected.indices.map { index in
                let function = try instance.function("f\(index)")
                do {
                    _ = try function.call(.any(nil), .any(nil), .i32(-1))
                    return nil
                } catch let trap as Trap {
                    return trap
                }
            }
        }
        var plain = Engine.Configuration()
        plain.compiler = .baseline
        let places = try traps(plain).map { $0?.backtrace.first?.offset }
        for (index, trap) in try traps(compilation.configuration).enumerated() {
            #expect(trap?.code == expected[index].code, "\(expected[index].name)")
            #expect(trap?.backtrace.first?.offset == places[index], "\(expected[index].name)")
        }
    }
}
