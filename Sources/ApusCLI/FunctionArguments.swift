internal import Apus
internal import ArgumentParser

/// Arguments and results of a function as text on the command line.
enum FunctionArguments {
    /// The values that `texts` stand for as arguments of a function of `type`.
    static func values(_ texts: [String], for type: FunctionType) throws -> [Value] {
        guard texts.count == type.parameters.count else {
            throw ValidationError(
                "the function takes \(type.parameters.count) arguments, not \(texts.count)")
        }
        return try zip(texts, type.parameters).map { text, type in
            guard let value = value(text, of: type) else {
                throw ValidationError("'\(text)' is not an argument of type \(type)")
            }
            return value
        }
    }

    private static func value(_ text: String, of type: ValueType) -> Value? {
        switch type {
        case .i32:
            integer(text).flatMap { bits in
                Int32(exactly: bits).map(Value.i32)
                    ?? UInt32(exactly: bits).map { .i32(Int32(bitPattern: $0)) }
            }
        case .i64:
            integer(text).flatMap { bits in
                Int64(exactly: bits).map(Value.i64)
                    ?? UInt64(exactly: bits).map { .i64(Int64(bitPattern: $0)) }
            }
        case .f32: Float(text).map(Value.f32)
        case .f64: Double(text).map(Value.f64)
        default: nil
        }
    }

    /// A decimal or hexadecimal integer with an optional sign.
    private static func integer(_ text: String) -> Int128? {
        var digits = Substring(text)
        var isNegative = false
        if let sign = digits.first, sign == "-" || sign == "+" {
            isNegative = sign == "-"
            digits = digits.dropFirst()
        }
        guard let first = digits.first, first.isHexDigit else { return nil }
        let isHexadecimal = digits.hasPrefix("0x") || digits.hasPrefix("0X")
        if isHexadecimal { digits = digits.dropFirst(2) }
        guard let magnitude = UInt64(digits, radix: isHexadecimal ? 16 : 10) else { return nil }
        return isNegative ? -Int128(magnitude) : Int128(magnitude)
    }

    /// `value` as it is printed.
    static func text(_ value: Value) -> String {
        switch value {
        case .i32(let value): "\(value)"
        case .i64(let value): "\(value)"
        case .f32(let value): "\(value)"
        case .f64(let value): "\(value)"
        case .v128(let value): "\(value)"
        case .function(let value): value == nil ? "null" : "function"
        case .external(let value): value == nil ? "null" : "reference"
        }
    }
}
