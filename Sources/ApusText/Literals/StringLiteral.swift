internal import ApusCollections
internal import ApusFormat

/// Strings of the text format. Specification: 6.3.3 “Strings”.
enum StringLiteral {
    /// The length of the escape that begins at `position` with a backslash; nil if there is no
    /// such escape.
    static func escapeLength(_ text: ByteWindow, _ position: Int) -> Int? {
        let kind = text.byte(at: position &+ 1)
        switch kind {
        case UInt8(ascii: "t"), UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "\""),
            UInt8(ascii: "'"), UInt8(ascii: "\\"):
            return 2
        case UInt8(ascii: "u"):
            guard let scalar = scalar(text, position) else { return nil }
            return scalar.length
        default:
            let isByte = digit(kind) != nil && digit(text.byte(at: position &+ 2)) != nil
            return isByte ? 3 : nil
        }
    }

    /// The Unicode scalar that `\u{…}` at `position` stands for, and the length of the escape.
    private static func scalar(
        _ text: ByteWindow, _ position: Int
    ) -> (scalar: Unicode.Scalar, length: Int)? {
        guard text.byte(at: position &+ 2) == UInt8(ascii: "{") else { return nil }
        var value: UInt32 = 0
        var end = position &+ 3
        var digitAllowed = false
        while let digit = digit(text.byte(at: end)) {
            guard value < 0x11_0000 else { return nil }
            value = value << 4 | UInt32(digit)
            digitAllowed = true
            end &+= 1
            if text.byte(at: end) == UInt8(ascii: "_") {
                end &+= 1
                digitAllowed = false
            }
        }
        guard digitAllowed, text.byte(at: end) == UInt8(ascii: "}"),
            let scalar = Unicode.Scalar(value)
        else { return nil }
        return (scalar, end &+ 1 &- position)
    }

    /// The value of a hexadecimal digit.
    static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte &- UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte &- UInt8(ascii: "a") &+ 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte &- UInt8(ascii: "A") &+ 10
        default: nil
        }
    }

    /// The bytes that the string in `range`, its quotes included, stands for. The lexer has checked
    /// it.
    static func bytes(_ text: ByteWindow, _ range: Range<Int>) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(range.count)
        append(text, range, to: &bytes)
        return bytes
    }

    /// Appends the bytes that the string in `range` stands for.
    static func append(_ text: ByteWindow, _ range: Range<Int>, to bytes: inout [UInt8]) {
        var position = range.lowerBound &+ 1
        let end = range.upperBound &- 1
        while position < end {
            let byte = text.byte(at: position)
            guard byte == UInt8(ascii: "\\") else {
                bytes.append(byte)
                position &+= 1
                continue
            }
            let kind = text.byte(at: position &+ 1)
            switch kind {
            case UInt8(ascii: "t"): bytes.append(0x09)
            case UInt8(ascii: "n"): bytes.append(0x0A)
            case UInt8(ascii: "r"): bytes.append(0x0D)
            case UInt8(ascii: "\""), UInt8(ascii: "'"), UInt8(ascii: "\\"): bytes.append(kind)
            case UInt8(ascii: "u"):
                if let scalar = scalar(text, position) {
                    bytes.append(contentsOf: String(scalar.scalar).utf8)
                }
            default:
                let low = digit(text.byte(at: position &+ 2)) ?? 0
                bytes.append((digit(kind) ?? 0) << 4 | low)
            }
            position &+= max(escapeLength(text, position) ?? 1, 1)
        }
    }
}
