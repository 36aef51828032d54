import ApusCollections
import ApusIR
import Testing

/// What the builder makes of instructions, rule by rule: a value that is there, or one that costs
/// less.
@Suite struct FoldingRuleTests {
    /// Builds what is asked for, and what it should become: both must be the same value.
    private func expect(
        _ rule: String, _ type: IRType = .i32,
        _ asked: (inout Asked) -> Value, becomes simpler: (inout Asked) -> Value,
        at place: SourceLocation = #_sourceLocation
    ) {
        var builder = Asked(type)
        let made = asked(&builder)
        let expected = simpler(&builder)
        #expect(made == expected, "\(rule)", sourceLocation: place)
    }

    /// A builder, two values x and y of one type that nothing is known of, and short names.
    private struct Asked: ~Copyable {
        var builder = Builder()
        let type: IRType
        let x: Value
        let y: Value

        init(_ type: IRType) {
            self.type = type
            builder.begin()
            _ = builder.openBlock(dominatedBy: .none)
            x = builder.appendParameter(type)
            y = builder.appendParameter(type)
        }

        mutating func number(_ bits: UInt64, _ type: IRType? = nil) -> Value {
            builder.constant(type ?? self.type, bits)
        }

        mutating func make(_ op: Operator, _ a: Value, _ b: Value) -> Value {
            builder.value(Instruction(op, type, a, b))
        }

        mutating func make(_ op: Operator, _ a: Value, _ bits: UInt64) -> Value {
            make(op, a, number(bits))
        }

        mutating func make(_ op: Operator, _ type: IRType, of a: Value) -> Value {
            builder.value(Instruction(op, type, a))
        }

        mutating func compare(_ condition: IntegerCondition, _ a: Value, _ b: Value) -> Value {
            builder.value(Instruction(.compare, .i32, a, b, immediate: condition.rawValue))
        }

        mutating func select(_ condition: Value, _ a: Value, _ b: Value) -> Value {
            builder.value(Instruction(.select, type, condition, a, b))
        }
    }

    private static let all: UInt64 = 0xFFFF_FFFF

    @Test func neutralAndAbsorbingOperands() {
        expect("x + 0") {
            $0.make(.add, $0.x, 0)
        } becomes: {
            $0.x
        }
        expect("0 + x") {
            $0.make(.add, $0.number(0), $0.x)
        } becomes: {
            $0.x
        }
        expect("x - 0") {
            $0.make(.subtract, $0.x, 0)
        } becomes: {
            $0.x
        }
        expect("x * 0") {
            $0.make(.multiply, $0.x, 0)
        } becomes: {
            $0.number(0)
        }
        expect("x * 1") {
            $0.make(.multiply, $0.x, 1)
        } becomes: {
            $0.x
        }
        expect("x & 0") {
            $0.make(.and, $0.x, 0)
        } becomes: {
            $0.number(0)
        }
        expect("x & all") {
            $0.make(.and, $0.x, Self.all)
        } becomes: {
            $0.x
        }
    }

    @Test func neutralBitsAndCounts() {
        expect("x | 0") {
            $0.make(.or, $0.x, 0)
        } becomes: {
            $0.x
        }
        expect("x | all") {
            $0.make(.or, $0.x, Self.all)
        } becomes: {
            $0.number(Self.all)
        }
        expect("x ^ 0") {
            $0.make(.xor, $0.x, 0)
        } becomes: {
            $0.x
        }
        expect("x << 0") {
            $0.make(.shiftLeft, $0.x, 0)
        } becomes: {
            $0.x
        }
        expect("x << 32") {
            $0.make(.shiftLeft, $0.x, 32)
        } becomes: {
            $0.x
        }
        expect("x rotated by 64") {
            $0.make(.rotateRight, $0.x, 64)
        } becomes: {
            $0.x
        }
    }

    @Test func operandsThatAreTheSame() {
        expect("x - x") {
            $0.make(.subtract, $0.x, $0.x)
        } becomes: {
            $0.number(0)
        }
        expect("x ^ x") {
            $0.make(.xor, $0.x, $0.x)
        } becomes: {
            $0.number(0)
        }
        expect("x & x") {
            $0.make(.and, $0.x, $0.x)
        } becomes: {
            $0.x
        }
        expect("x | x") {
            $0.make(.or, $0.x, $0.x)
        } becomes: {
            $0.x
        }
        expect("y + x, known") {
            $0.make(.add, $0.x, $0.y)
        } becomes: {
            $0.make(.add, $0.x, $0.y)
        }
    }

    @Test func cheaperOperations() {
        expect("x - 5") {
            $0.make(.subtract, $0.x, 5)
        } becomes: {
            $0.make(.add, $0.x, Self.all - 4)
        }
        expect("5 + x") {
            $0.make(.add, $0.number(5), $0.x)
        } becomes: {
            $0.make(.add, $0.x, 5)
        }
        expect("x * -1") {
            $0.make(.multiply, $0.x, Self.all)
        } becomes: {
            $0.make(.subtract, $0.number(0), $0.x)
        }
        expect("x * 8") {
            $0.make(.multiply, $0.x, 8)
        } becomes: {
            $0.make(.shiftLeft, $0.x, 3)
        }
        expect("x / 8") {
            $0.make(.divideUnsigned, $0.x, 8)
        } becomes: {
            $0.make(.shiftRightUnsigned, $0.x, 3)
        }
        expect("x % 8") {
            $0.make(.remainderUnsigned, $0.x, 8)
        } becomes: {
            $0.make(.and, $0.x, 7)
        }
        expect("x / 1") {
            $0.make(.divideSigned, $0.x, 1)
        } becomes: {
            $0.x
        }
        expect("x % -1") {
            $0.make(.remainderSigned, $0.x, Self.all)
        } becomes: {
            $0.number(0)
        }
    }

    @Test func constantsComeTogether() {
        for op in [Operator.add, .and, .or, .xor] {
            expect("(x \(op) 6) \(op) 3") {
                $0.make(op, $0.make(op, $0.x, 6), 3)
            } becomes: {
                $0.make(op, $0.x, $0.make(op, $0.number(6), 3))
            }
        }
        expect("(x << 3) << 4") {
            $0.make(.shiftLeft, $0.make(.shiftLeft, $0.x, 3), 4)
        } becomes: {
            $0.make(.shiftLeft, $0.x, 7)
        }
        expect("(x << 20) << 20") {
            $0.make(.shiftLeft, $0.make(.shiftLeft, $0.x, 20), 20)
        } becomes: {
            $0.number(0)
        }
        expect("(x >> 20) >> 20, signed") {
            $0.make(.shiftRightSigned, $0.make(.shiftRightSigned, $0.x, 20), 20)
        } becomes: {
            $0.make(.shiftRightSigned, $0.x, 31)
        }
    }

    @Test func pairsOfShifts() {
        expect("x << 5 >> 5") {
            $0.make(.shiftRightUnsigned, $0.make(.shiftLeft, $0.x, 5), 5)
        } becomes: {
            $0.make(.and, $0.x, Self.all >> 5)
        }
        expect("x >> 5 << 5") {
            $0.make(.shiftLeft, $0.make(.shiftRightUnsigned, $0.x, 5), 5)
        } becomes: {
            $0.make(.and, $0.x, Self.all - 31)
        }
        for (count, op) in [(24, Operator.extend8Signed), (16, .extend16Signed)] {
            expect("x << \(count) >> \(count), signed") {
                $0.make(.shiftRightSigned, $0.make(.shiftLeft, $0.x, UInt64(count)), UInt64(count))
            } becomes: {
                $0.make(op, .i32, of: $0.x)
            }
        }
        expect("x << 32 >> 32, signed", .i64) {
            $0.make(.shiftRightSigned, $0.make(.shiftLeft, $0.x, 32), 32)
        } becomes: {
            $0.make(.extend32Signed, .i64, of: $0.x)
        }
        expect("x << 5 | x >> 27") {
            $0.make(
                .or, $0.make(.shiftLeft, $0.x, 5), $0.make(.shiftRightUnsigned, $0.x, 27))
        } becomes: {
            $0.make(.rotateLeft, $0.x, 5)
        }
        expect("x << (y & 31)") {
            $0.make(.shiftLeft, $0.x, $0.make(.and, $0.y, 31))
        } becomes: {
            $0.make(.shiftLeft, $0.x, $0.y)
        }
    }

    /// A mask that takes part of the count away has to stay.
    @Test func countsThatAreMasked() {
        var asked = Asked(.i32)
        let count = asked.make(.and, asked.y, 15)
        let made = asked.make(.shiftLeft, asked.x, count)
        #expect(asked.builder.function[made].second == count)
    }

    /// What is known to be small needs no masks.
    @Test func widths() {
        expect("(x & 7) & 31") {
            $0.make(.and, $0.make(.and, $0.x, 7), 31)
        } becomes: {
            $0.make(.and, $0.x, 7)
        }
        expect("(x & 7) >> 3") {
            $0.make(.shiftRightUnsigned, $0.make(.and, $0.x, 7), 3)
        } becomes: {
            $0.number(0)
        }
        expect("(x & 7) extended from 8 bits") {
            $0.make(.extend8Signed, .i32, of: $0.make(.and, $0.x, 7))
        } becomes: {
            $0.make(.and, $0.x, 7)
        }
        expect("(x & 7) < 8") {
            $0.compare(.lessUnsigned, $0.make(.and, $0.x, 7), $0.number(8))
        } becomes: {
            $0.number(1)
        }
        expect("(x & 7) == 9") {
            $0.compare(.equal, $0.make(.and, $0.x, 7), $0.number(9))
        } becomes: {
            $0.number(0)
        }
        expect("(x & 7) widened with its sign") {
            $0.make(.extendSigned, .i64, of: $0.make(.and, $0.x, 7))
        } becomes: {
            $0.make(.extendUnsigned, .i64, of: $0.make(.and, $0.x, 7))
        }
    }

    @Test func conversionsThereAndBack() {
        for op in [Operator.extendSigned, .extendUnsigned] {
            expect("x widened and wrapped") {
                $0.make(.wrap, .i32, of: $0.make(op, .i64, of: $0.x))
            } becomes: {
                $0.x
            }
        }
        expect("low half of a mask that keeps it", .i64) {
            $0.make(.wrap, .i32, of: $0.make(.and, $0.x, 0xF_FFFF_FFFF))
        } becomes: {
            $0.make(.wrap, .i32, of: $0.x)
        }
        expect("swapped twice") {
            $0.make(.byteSwap, .i32, of: $0.make(.byteSwap, .i32, of: $0.x))
        } becomes: {
            $0.x
        }
        expect("the same bits") {
            $0.make(.bitcast, .i32, of: $0.make(.bitcast, .f32, of: $0.x))
        } becomes: {
            $0.x
        }
        expect("negated twice", .f64) {
            $0.make(.negate, .f64, of: $0.make(.negate, .f64, of: $0.x))
        } becomes: {
            $0.x
        }
        expect("absolute of negated", .f64) {
            $0.make(.absolute, .f64, of: $0.make(.negate, .f64, of: $0.x))
        } becomes: {
            $0.make(.absolute, .f64, of: $0.x)
        }
    }

    @Test func comparisons() {
        expect("x == x") {
            $0.compare(.equal, $0.x, $0.x)
        } becomes: {
            $0.number(1)
        }
        expect("x < x") {
            $0.compare(.lessSigned, $0.x, $0.x)
        } becomes: {
            $0.number(0)
        }
        expect("3 < x") {
            $0.compare(.lessSigned, $0.number(3), $0.x)
        } becomes: {
            $0.compare(.greaterSigned, $0.x, $0.number(3))
        }
        expect("x < 0, unsigned") {
            $0.compare(.lessUnsigned, $0.x, $0.number(0))
        } becomes: {
            $0.number(0)
        }
        expect("x < 1, unsigned") {
            $0.compare(.lessUnsigned, $0.x, $0.number(1))
        } becomes: {
            $0.compare(.equal, $0.x, $0.number(0))
        }
        expect("x > 0, unsigned") {
            $0.compare(.greaterUnsigned, $0.x, $0.number(0))
        } becomes: {
            $0.compare(.notEqual, $0.x, $0.number(0))
        }
        for op in [Operator.subtract, .xor] {
            expect("(x \(op) y) == 0") {
                $0.compare(.equal, $0.make(op, $0.x, $0.y), $0.number(0))
            } becomes: {
                $0.compare(.equal, $0.x, $0.y)
            }
        }
        expect("(x < y) == 0") {
            $0.compare(.equal, $0.compare(.lessSigned, $0.x, $0.y), $0.number(0))
        } becomes: {
            $0.compare(.greaterOrEqualSigned, $0.x, $0.y)
        }
        expect("(x < y) ^ 1") {
            $0.make(.xor, $0.compare(.lessUnsigned, $0.x, $0.y), 1)
        } becomes: {
            $0.compare(.greaterOrEqualUnsigned, $0.x, $0.y)
        }
        expect("x widened == 0") {
            let wide = $0.make(.extendUnsigned, .i64, of: $0.x)
            return $0.compare(.equal, wide, $0.number(0, .i64))
        } becomes: {
            $0.compare(.equal, $0.x, $0.number(0))
        }
    }

    @Test func choices() {
        expect("y ? x : x") {
            $0.select($0.y, $0.x, $0.x)
        } becomes: {
            $0.x
        }
        expect("1 ? x : y") {
            $0.select($0.number(1), $0.x, $0.y)
        } becomes: {
            $0.x
        }
        expect("0 ? x : y") {
            $0.select($0.number(0), $0.x, $0.y)
        } becomes: {
            $0.y
        }
        expect("x == 0 ? x : y") {
            $0.select($0.compare(.equal, $0.x, $0.number(0)), $0.x, $0.y)
        } becomes: {
            $0.select($0.x, $0.y, $0.x)
        }
        expect("x < y ? 1 : 0") {
            $0.select($0.compare(.lessSigned, $0.x, $0.y), $0.number(1), $0.number(0))
        } becomes: {
            $0.compare(.lessSigned, $0.x, $0.y)
        }
    }

    /// Divisions that may trap are not folded away, and are not taken for ones that cannot.
    @Test func divisionsThatTrapStay() {
        var asked = Asked(.i32)
        let byZero = asked.make(.divideUnsigned, asked.x, 0)
        let overflowing = asked.make(.divideSigned, asked.number(1 << 31), Self.all)
        let byMinusOne = asked.make(.divideSigned, asked.x, Self.all)
        let byVariable = asked.make(.remainderSigned, asked.x, asked.y)
        let traps = [byZero, overflowing, byMinusOne, byVariable].map {
            asked.builder.function[$0].canTrap
        }
        #expect(traps == [true, true, true, true])
    }
}
