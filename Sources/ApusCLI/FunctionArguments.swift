internal import Apus
internal import ArgumentParser

/// Arguments and results of a function as text on the command line.
enum FunctionArguments {
    /// The values that `texts` stand for as arguments of the function `name` of `type`.
    static func values(_ texts: [String], for type: FunctionType, of name: String) throws -> [Value]
    {
        let wanted = type.parameters
        guard texts.count == wanted.count else {
            let types = wanted.map(\.description).joined(separator: " ")
            throw ValidationError(
                "'\(name)' takes \(wanted.count) argument\(wanted.count == 1 ? "" : "s") "
                    + "(\(types)), not \(texts.count)")
        }
        var values: [Value] = []
        for (text, type) in zip(texts, wanted) {
            guard let value = value(text, of: type) else {
                throw ValidationError(
                    "argument \(values.count + 1) of '\(name)', '\(HostText.shown(text))', is no "
                        + "\(type): that is \(meaning(of: type))")
            }
            values.append(value)
        }
        return values
    }

    /// What an argument of `type` looks like.
    private static func meaning(of type: ValueType) -> String {
        switch type {
        case .i32, .i64: "an integer, such as -7 or 0x1f, of \(type == .i32 ? 32 : 64) bits"
        case .f32, .f64: "a number, such as 1.5, 0x1.8p3, inf or nan"
        case .v128: "an integer of 128 bits, such as 0x1f, or lanes, such as i32x4:1,2,3,4"
        case _ where type.isNullable: "null"
        default: "nothing that can be written here"
        }
    }

    private static func value(_ text: String, of type: ValueType) -> Value? {
        switch type {
        case .i32:
            integer(text, bits: 32).map { .i32(Int32(truncatingIfNeeded: $0)) }
        case .i64: integer(text, bits: 64).map { .i64(Int64(bitPattern: $0)) }
        case .f32: Float(text).map(Value.f32)
        case .f64: Double(text).map(Value.f64)
        case .v128: VectorArgument.vector(text).map(Value.v128)
        default: text == "null" ? Value.zero(type) : nil
        }
    }

    /// The bits of a decimal or hexadecimal integer that fits into `bits` bits, at most 64, with
    /// or without a sign.
    static func integer(_ text: String, bits: Int) -> UInt64? {
        let isNegative = text.hasPrefix("-")
        let digits = isNegative || text.hasPrefix("+") ? String(text.dropFirst()) : text
        guard let magnitude = magnitude(digits) else { return nil }
        let bound = UInt128(1) << UInt128(isNegative ? bits - 1 : bits)
        guard isNegative ? magnitude <= bound : magnitude < bound else { return nil }
        let value = UInt64(truncatingIfNeeded: isNegative ? 0 &- magnitude : magnitude)
        return bits == 64 ? value : value & (1 << UInt64(bits) - 1)
    }

    /// The value of a decimal or hexadecimal number without a sign.
    static func magnitude(_ text: String) -> UInt128? {
        let isHexadecimal = text.hasPrefix("0x") || text.hasPrefix("0X")
        let digits = isHexadecimal ? text.dropFirst(2) : Substring(text)
        guard let first = digits.first, first.isHexDigit else { return nil }
        return UInt128(digits, radix: isHexadecimal ? 16 : 10)
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
        case .any(let value): value.map { "\($0)" } ?? "null"
        case .exception(let value): value == nil ? "null" : "exception"
        }
    }
}
