internal import ApusCollections

/// An integer as it is written. Specification: 6.3.1 “Integers”.
struct IntegerLiteral {
    var isNegative = false
    /// Whether there is a sign, be it + or -.
    var hasSign = false
    var magnitude: UInt64 = 0
    /// Whether the magnitude has more than 64 bits.
    var isTooLarge = false

    /// The integer that `text` has in `range`; nil if that is none.
    init?(_ text: ByteWindow, _ range: Range<Int>) {
        var position = range.lowerBound
        let first = text.byte(at: position)
        if first == UInt8(ascii: "-") || first == UInt8(ascii: "+") {
            hasSign = true
            isNegative = first == UInt8(ascii: "-")
            position &+= 1
        }
        var radix: UInt64 = 10
        if text.byte(at: position) == UInt8(ascii: "0"), position &+ 1 < range.upperBound,
            text.byte(at: position &+ 1) == UInt8(ascii: "x")
        {
            radix = 16
            position &+= 2
        }
        var isAfterDigit = false
        while position < range.upperBound {
            let byte = text.byte(at: position)
            position &+= 1
            if byte == UInt8(ascii: "_"), isAfterDigit {
                isAfterDigit = false
                continue
            }
            guard let digit = StringLiteral.digit(byte), digit < radix else { return nil }
            isAfterDigit = true
            let (product, overflow) = magnitude.multipliedReportingOverflow(by: radix)
            let (sum, carry) = product.addingReportingOverflow(UInt64(digit))
            if overflow || carry { isTooLarge = true }
            magnitude = sum
        }
        if !isAfterDigit { return nil }
    }

    /// The value modulo 2^`bits`, of an integer that may be signed or not; nil if it has more bits.
    func value(bits: UInt64) -> UInt64? {
        guard !isTooLarge else { return nil }
        let sign = UInt64(1) << (bits - 1)
        if isNegative {
            guard magnitude <= sign else { return nil }
            return (0 &- magnitude) & (sign | (sign - 1))
        }
        return magnitude <= (sign | (sign - 1)) ? magnitude : nil
    }

    /// The value of an integer that may have no sign.
    var unsigned: UInt64? { hasSign || isTooLarge ? nil : magnitude }
}
