import Apus
import Testing

/// Divisions by constants, which the optimizing compiler does without dividing.
@Suite struct ConstantDivisionTests {
    private static let divisors: [Int64] = [
        1, 2, 3, 5, 6, 7, 9, 10, 11, 12, 13, 25, 60, 64, 100, 125, 127, 128, 641, 1000, 3600,
        10_007,
        65_535, 65_536, 65_537, 1_000_000, 0x7FFF_FFFF, 0x8000_0000, 0x8000_0001, 0xFFFF_FFFF,
        0x1_0000_0001, 6_700_417, 1_000_000_007, 0x7FFF_FFFF_FFFF_FFFF, .min, -1, -2, -3, -5, -7,
        -10, -641, -65_536, -1_000_000, -0x8000_0000, -0x7FFF_FFFF_FFFF_FFFF,
    ]

    /// Dividends around multiples of `divisor`, and at the ends of all widths.
    private static func dividends(_ divisor: Int64) -> [Int64] {
        var values: [Int64] = [0, 1, -1, .min, .max, 0x7FFF_FFFF, -0x8000_0000, 0xFFFF_FFFF]
        for factor in [1, 2, 3, 1000, 0x1234_5678, -1, -2, -77] as [Int64] {
            let multiple = divisor &* factor
            values += [multiple &- 1, multiple, multiple &+ 1]
        }
        var state: UInt64 = 0x9E37_79B9_7F4A_7C15
        for _ in 0..<20 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            values.append(Int64(bitPattern: state &>> (state & 31)))
        }
        return values
    }

    @Test func quotientsAndRemaindersOf64Bits() throws {
        let instance = try Self.instance("i64", Self.divisors)
        for (index, divisor) in Self.divisors.enumerated() {
            for (name, operation) in Self.operations64 {
                let function = try instance.function(
                    "\(name)\(index)", as: ((Int64) -> Int64).self)
                for dividend in Self.dividends(divisor) {
                    guard let expected = operation(dividend, divisor) else { continue }
                    #expect(try function(dividend) == expected, "\(dividend) \(name) \(divisor)")
                }
            }
        }
    }

    @Test func quotientsAndRemaindersOf32Bits() throws {
        let divisors = Self.divisors.map { Int64(Int32(truncatingIfNeeded: $0)) }
            .filter { $0 != 0 }
        let instance = try Self.instance("i32", divisors)
        for (index, wide) in divisors.enumerated() {
            let divisor = Int32(wide)
            for (name, operation) in Self.operations32 {
                let function = try instance.function(
                    "\(name)\(index)", as: ((Int32) -> Int32).self)
                for dividend in Self.dividends(wide).map({ Int32(truncatingIfNeeded: $0) }) {
                    guard let expected = operation(dividend, divisor) else { continue }
                    #expect(try function(dividend) == expected, "\(dividend) \(name) \(divisor)")
                }
            }
        }
    }

    /// What must come out; nil if it traps.
    private static let operations64: [(String, @Sendable (Int64, Int64) -> Int64?)] = [
        ("div_s", { $1 == -1 && $0 == .min ? nil : $0 / $1 }),
        ("rem_s", { $1 == -1 ? 0 : $0 % $1 }),
        ("div_u", { Int64(bitPattern: UInt64(bitPattern: $0) / UInt64(bitPattern: $1)) }),
        ("rem_u", { Int64(bitPattern: UInt64(bitPattern: $0) % UInt64(bitPattern: $1)) }),
    ]
    private static let operations32: [(String, @Sendable (Int32, Int32) -> Int32?)] = [
        ("div_s", { $1 == -1 && $0 == .min ? nil : $0 / $1 }),
        ("rem_s", { $1 == -1 ? 0 : $0 % $1 }),
        ("div_u", { Int32(bitPattern: UInt32(bitPattern: $0) / UInt32(bitPattern: $1)) }),
        ("rem_u", { Int32(bitPattern: UInt32(bitPattern: $0) % UInt32(bitPattern: $1)) }),
    ]

    /// A function for each operation and divisor, through the optimizing compiler.
    private static func instance(_ type: String, _ divisors: [Int64]) throws -> Instance {
        var text = "(module"
        for (index, divisor) in divisors.enumerated() {
            for name in ["div_s", "rem_s", "div_u", "rem_u"] {
                text += """
                     (func (export "\(name)\(index)") (param \(type)) (result \(type))
                       (\(type).\(name) (local.get 0) (\(type).const \(divisor))))
                    """
            }
        }
        var configuration = Engine.Configuration()
        configuration.compiler = .optimizing
        let engine = Engine(configuration)
        return try Instance(Store(engine), Module(engine, text: text + ")"))
    }
}
