import ApusCollections
import ApusIR
import Testing

/// Whatever the builder makes of an instruction gives what the instruction gives.
@Suite struct FoldingMeaningTests {
    private static let binaries: [Operator] = [
        .add, .subtract, .multiply, .and, .or, .xor, .shiftLeft, .shiftRightSigned,
        .shiftRightUnsigned, .rotateLeft, .rotateRight,
    ]
    private static let unaries: [Operator] = [
        .countLeadingZeros, .countTrailingZeros, .populationCount, .extend8Signed,
        .extend16Signed, .byteSwap,
    ]
    private static func numbers(_ type: IRType) -> [UInt64] {
        let sign: UInt64 = 1 << UInt64(type.bits - 1)
        return [0, 1, 3, 8, 31, 0xFF, 0x8001, sign - 1, sign, sign | (sign - 1)]
    }

    /// A builder with two parameters, in which nothing has been built yet.
    private static func begin(_ type: IRType, _ builder: inout Builder) -> (Value, Value) {
        builder.begin()
        _ = builder.openBlock(dominatedBy: .none)
        let x = builder.appendParameter(type)
        return (x, builder.appendParameter(type))
    }

    private static func evaluate(
        _ value: Value, _ x: (Value, UInt64), _ y: (Value, UInt64), _ builder: borrowing Builder
    ) -> UInt64? {
        var model = IntegerModel()
        model.inputs = [x.0.number: x.1, y.0.number: y.1]
        return model.evaluate(value, builder.function)
    }

    /// (x op c) op d, with a constant on either side.
    @Test(arguments: [IRType.i32, .i64])
    func pairsOfOperationsWithConstants(type: IRType) {
        var builder = Builder()
        let numbers = Self.numbers(type)
        for inner in Self.binaries {
            for outer in Self.binaries {
                for (place, c) in numbers.enumerated() {
                    let d = numbers[(place * 7 + 3) % numbers.count]
                    for isSwapped in [false, true] {
                        let (x, y) = Self.begin(type, &builder)
                        let first = builder.value(
                            Instruction(inner, type, x, builder.constant(type, c)))
                        let other = builder.constant(type, d)
                        let made = builder.value(
                            isSwapped
                                ? Instruction(outer, type, other, first)
                                : Instruction(outer, type, first, other))
                        for input in numbers {
                            let found = Self.evaluate(made, (x, input), (y, 0), builder)
                            let middle = IntegerModel.binary(inner, type, input, c) ?? 0
                            let expected =
                                isSwapped
                                ? IntegerModel.binary(outer, type, d, middle)
                                : IntegerModel.binary(outer, type, middle, d)
                            if found != expected {
                                Issue.record(
                                    "\(type): \(inner) \(c), \(outer) \(d) of \(input)")
                            }
                        }
                    }
                }
            }
        }
    }

    /// x op y, x op x, and (x op c) op (y op d), as rotations are written.
    @Test(arguments: [IRType.i32, .i64])
    func operationsOfTwoVariables(type: IRType) {
        var builder = Builder()
        let numbers = Self.numbers(type)
        for outer in Self.binaries {
            for inner in Self.binaries {
                for isSame in [false, true] {
                    let (x, y) = Self.begin(type, &builder)
                    let count = builder.constant(type, 5)
                    let rest = builder.constant(type, UInt64(type.bits - 5))
                    let first = builder.value(Instruction(.shiftLeft, type, x, count))
                    let second = builder.value(
                        Instruction(inner, type, isSame ? x : y, rest))
                    let made = builder.value(Instruction(outer, type, first, second))
                    let plain = builder.value(Instruction(outer, type, x, isSame ? x : y))
                    for a in numbers {
                        let b = isSame ? a : ~a & numbers[9]
                        let left = IntegerModel.binary(.shiftLeft, type, a, 5) ?? 0
                        let right =
                            IntegerModel.binary(inner, type, b, UInt64(type.bits - 5)) ?? 0
                        let expected = [
                            IntegerModel.binary(outer, type, left, right),
                            IntegerModel.binary(outer, type, a, b),
                        ]
                        let found = [made, plain].map {
                            Self.evaluate($0, (x, a), (y, b), builder)
                        }
                        if found != expected {
                            Issue.record("\(type): \(outer), \(inner) of \(a) and \(b)")
                        }
                    }
                }
            }
        }
    }

    /// By all kinds of divisors, of dividends around their multiples.
    @Test(arguments: [IRType.i32, .i64])
    func divisionsByConstants(type: IRType) {
        var builder = Builder()
        let all = Self.numbers(type)[9]
        let divisors: [UInt64] =
            [1, 2, 3, 5, 6, 7, 9, 10, 12, 25, 125, 128, 641, 1000, 0x7FFF_FFFF]
            + [all, all - 1, all - 6, all - 9, all / 2, all / 2 + 1, all / 3, all / 5 * 4]
        let operations: [Operator] = [
            .divideUnsigned, .remainderUnsigned, .divideSigned, .remainderSigned,
        ]
        for operation in operations {
            for divisor in divisors {
                let (x, y) = Self.begin(type, &builder)
                let made = builder.value(
                    Instruction(operation, type, x, builder.constant(type, divisor)))
                var dividends = Self.numbers(type) + [all - 1, all / 2 - 1]
                for factor in [1, 2, 1000, all / 3] as [UInt64] {
                    let multiple = factor &* divisor & all
                    dividends += [multiple, (multiple &- 1) & all, (multiple &+ 1) & all]
                }
                for dividend in dividends {
                    let found = Self.evaluate(made, (x, dividend), (y, 0), builder)
                    let expected = IntegerModel.binary(operation, type, dividend, divisor)
                    if found != expected {
                        Issue.record("\(type): \(operation) of \(dividend) by \(divisor)")
                    }
                }
            }
        }
    }

    /// Of constants, which are folded, and of what other operations have made.
    @Test(arguments: [IRType.i32, .i64])
    func operationsOfOneOperand(type: IRType) {
        var builder = Builder()
        let numbers = Self.numbers(type)
        let operations = Self.unaries + (type == .i64 ? [.extend32Signed] : [])
        for outer in operations {
            for inner in operations {
                let (x, y) = Self.begin(type, &builder)
                let made = builder.value(
                    Instruction(outer, type, builder.value(Instruction(inner, type, x))))
                for input in numbers {
                    let middle = IntegerModel.unary(inner, type, input) ?? 0
                    let expected = IntegerModel.unary(outer, type, middle)
                    let found = Self.evaluate(made, (x, input), (y, 0), builder)
                    let folded = builder.value(
                        Instruction(outer, type, builder.constant(type, middle)))
                    let isConstant = builder.constant(folded) == expected
                    if found != expected || !isConstant {
                        Issue.record("\(type): \(outer) of \(inner) of \(input)")
                    }
                }
            }
        }
    }

    /// With each other, with themselves and with constants, and whether that is not 0.
    @Test(arguments: [IRType.i32, .i64])
    func comparisons(type: IRType) {
        var builder = Builder()
        let numbers = Self.numbers(type)
        for condition in IntegerCondition.allCases {
            for bits in numbers {
                let (x, y) = Self.begin(type, &builder)
                let constant = builder.constant(type, bits)
                let masked = builder.value(
                    Instruction(.and, type, x, builder.constant(type, 31)))
                let asked = [(x, constant), (constant, x), (masked, constant), (x, y), (x, x)]
                let made = asked.map { a, b in
                    builder.value(
                        Instruction(.compare, .i32, a, b, immediate: condition.rawValue))
                }
                let zero = builder.constant(.i32, 0)
                let inverted = made.map {
                    builder.value(
                        Instruction(
                            .compare, .i32, $0, zero,
                            immediate: IntegerCondition.equal.rawValue))
                }
                for a in numbers {
                    let b = a &* 3 & numbers[9]
                    let operands = [(a, bits), (bits, a), (a & 31, bits), (a, b), (a, a)]
                    for (place, (left, right)) in operands.enumerated() {
                        let holds = IntegerModel.compare(condition, type, left, right)
                        let found = [made[place], inverted[place]].map {
                            Self.evaluate($0, (x, a), (y, b), builder)
                        }
                        if found != [holds ? 1 : 0, holds ? 0 : 1] {
                            Issue.record("\(type): \(left) \(condition) \(right)")
                        }
                    }
                }
            }
        }
    }
}
