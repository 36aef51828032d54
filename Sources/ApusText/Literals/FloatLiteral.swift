internal import ApusCollections

/// A floating-point number as it is written. Specification: 6.3.2 “Floating-Point”.
enum FloatLiteral {
    enum Outcome {
        /// The bits of the nearest number.
        case bits(UInt64)
        case outOfRange
        case malformed
    }

    /// The number that `text` has in `range`.
    static func parse(_ text: ByteWindow, _ range: Range<Int>, _ format: FloatFormat) -> Outcome {
        var position = range.lowerBound
        let first = text.byte(at: position)
        let isNegative = first == UInt8(ascii: "-")
        if isNegative || first == UInt8(ascii: "+") { position &+= 1 }
        let rest = position..<range.upperBound
        let magnitude: Outcome
        if rest.isEmpty {
            magnitude = .malformed
        } else if text.byte(at: position) == UInt8(ascii: "i") {
            magnitude = equals(text, rest, "inf") ? .bits(format.infinity) : .malformed
        } else if text.byte(at: position) == UInt8(ascii: "n") {
            magnitude = notANumber(text, rest, format)
        } else if text.byte(at: position) == UInt8(ascii: "0"),
            text.byte(at: position &+ 1) == UInt8(ascii: "x"), rest.count > 1
        {
            magnitude = hexadecimal(text, (position &+ 2)..<rest.upperBound, format)
        } else {
            magnitude = decimal(text, rest, format)
        }
        if case .bits(let bits) = magnitude, isNegative { return .bits(bits | format.sign) }
        return magnitude
    }

    private static func equals(_ text: ByteWindow, _ range: Range<Int>, _ word: String) -> Bool {
        let bytes = word.utf8
        return bytes.count == range.count
            && zip(range, bytes).allSatisfy { text.byte(at: $0) == $1 }
    }

    private static func notANumber(
        _ text: ByteWindow, _ range: Range<Int>, _ format: FloatFormat
    ) -> Outcome {
        if equals(text, range, "nan") { return .bits(format.canonicalNaN) }
        guard range.count > 6,
            equals(text, range.lowerBound..<(range.lowerBound + 6), "nan:0x"),
            let payload = IntegerLiteral(text, (range.lowerBound + 4)..<range.upperBound)
        else { return .malformed }
        guard let value = payload.unsigned, value > 0, value < 1 << UInt64(format.fractionBits)
        else { return .outOfRange }
        return .bits(format.infinity | value)
    }

    // MARK: Parts

    /// The number that digits stand for, as far as it fits 64 bits, and how many digits did not.
    private struct Digits {
        var value: UInt64 = 0
        /// Digits after the point that went into `value`.
        var fractionCount = 0
        /// Digits before the point that did not go into `value`.
        var droppedCount = 0
        /// Whether one of the digits that did not go into `value` is not 0.
        var isInexact = false
        var hasFraction = false
    }

    /// Reads `digits`, then perhaps a point and more digits. Nil if there are no digits or a stray
    /// underscore.
    private static func readDigits(
        _ text: ByteWindow, _ position: inout Int, _ end: Int, radix: UInt64
    ) -> Digits? {
        var digits = Digits()
        let most = (UInt64.max - radix) / radix
        var isAfterDigit = false
        while position < end {
            let byte = text.byte(at: position)
            if byte == UInt8(ascii: "_"), isAfterDigit {
                isAfterDigit = false
            } else if byte == UInt8(ascii: "."), isAfterDigit, !digits.hasFraction {
                digits.hasFraction = true
                // A point may be followed by nothing.
                if position &+ 1 < end, text.byte(at: position &+ 1) == UInt8(ascii: "_") {
                    return nil
                }
            } else if let digit = StringLiteral.digit(byte), digit < radix {
                isAfterDigit = true
                if digits.value <= most {
                    digits.value = digits.value &* radix &+ UInt64(digit)
                    if digits.hasFraction { digits.fractionCount &+= 1 }
                } else {
                    if digit != 0 { digits.isInexact = true }
                    if !digits.hasFraction { digits.droppedCount &+= 1 }
                }
            } else {
                break
            }
            position &+= 1
        }
        return isAfterDigit ? digits : nil
    }

    /// Exponents beyond this are as good as infinite; texts have less than 2^31 digits.
    private static var largestExponent: Int { 1 << 40 }

    /// Reads an exponent if there is one, to the end of the number. Nil if it is malformed.
    private static func readExponent(
        _ text: ByteWindow, _ position: Int, _ end: Int, mark: UInt8
    ) -> Int? {
        if position == end { return 0 }
        guard text.byte(at: position) | 0x20 == mark,
            let exponent = IntegerLiteral(text, (position &+ 1)..<end)
        else { return nil }
        // Exponents are decimal.
        let digits = position &+ (exponent.hasSign ? 2 : 1)
        guard text.byte(at: digits &+ 1) != UInt8(ascii: "x") || digits &+ 1 >= end else {
            return nil
        }
        let magnitude =
            exponent.isTooLarge
            ? largestExponent : Int(min(exponent.magnitude, UInt64(largestExponent)))
        return exponent.isNegative ? -magnitude : magnitude
    }

    // MARK: Hexadecimal and decimal

    private static func hexadecimal(
        _ text: ByteWindow, _ range: Range<Int>, _ format: FloatFormat
    ) -> Outcome {
        var position = range.lowerBound
        guard let digits = readDigits(text, &position, range.upperBound, radix: 16),
            let exponent = readExponent(
                text, position, range.upperBound, mark: UInt8(ascii: "p"))
        else { return .malformed }
        let power = exponent + 4 * (digits.droppedCount - digits.fractionCount)
        let bits = format.round(digits.value, power, isInexact: digits.isInexact)
        return bits.map { .bits($0) } ?? .outOfRange
    }

    private static func decimal(
        _ text: ByteWindow, _ range: Range<Int>, _ format: FloatFormat
    ) -> Outcome {
        var position = range.lowerBound
        guard let digits = readDigits(text, &position, range.upperBound, radix: 10),
            let exponent = readExponent(
                text, position, range.upperBound, mark: UInt8(ascii: "e"))
        else { return .malformed }
        if digits.value == 0 { return .bits(0) }
        let power = exponent - digits.fractionCount
        if !digits.isInexact, digits.droppedCount == 0,
            let bits = exact(digits.value, power, format)
        {
            return .bits(bits)
        }
        return converted(text, range, position, exponent, format)
    }

    private static let powersOfTen: [Double] = [
        1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
        1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
    ]

    /// `digits` · 10^`power`, if both are numbers of the format, so that one rounding is right.
    private static func exact(_ digits: UInt64, _ power: Int, _ format: FloatFormat) -> UInt64? {
        guard digits < 1 << UInt64(format.fractionBits + 1) else { return nil }
        let isSingle = format.fractionBits == 23
        guard abs(power) <= (isSingle ? 10 : 22) else { return nil }
        let factor = powersOfTen[abs(power)]
        if isSingle {
            let value = Float(digits)
            let result = power < 0 ? value / Float(factor) : value * Float(factor)
            return UInt64(result.bitPattern)
        }
        let value = Double(digits)
        return (power < 0 ? value / factor : value * factor).bitPattern
    }

    /// More digits than these only tell whether a number is more than those before.
    private static var significantDigits: Int { 800 }

    /// The standard library's conversion, which rounds correctly, of the digits before `end`.
    private static func converted(
        _ text: ByteWindow, _ range: Range<Int>, _ end: Int, _ exponent: Int, _ format: FloatFormat
    ) -> Outcome {
        var number: [UInt8] = []
        var power = exponent
        var isAfterPoint = false
        var isInexact = false
        for index in range.lowerBound..<end {
            let byte = text.byte(at: index)
            if byte == UInt8(ascii: ".") {
                isAfterPoint = true
            } else if byte != UInt8(ascii: "_") {
                if number.isEmpty, byte == UInt8(ascii: "0") {
                    if isAfterPoint { power -= 1 }
                } else if number.count < significantDigits {
                    number.append(byte)
                    if isAfterPoint { power -= 1 }
                } else {
                    if byte != UInt8(ascii: "0") { isInexact = true }
                    if !isAfterPoint { power += 1 }
                }
            }
        }
        if isInexact {
            number.append(UInt8(ascii: "1"))
            power -= 1
        }
        let digits = String(decoding: number, as: UTF8.self)
        // Far beyond what either format can hold, and short.
        let shown = "\(digits)e\(min(max(power, -100_000), 100_000))"
        if format.fractionBits == 23 {
            guard let value = Float(shown), value.isFinite else { return .outOfRange }
            return .bits(UInt64(value.bitPattern))
        }
        guard let value = Double(shown), value.isFinite else { return .outOfRange }
        return .bits(value.bitPattern)
    }
}
