/// Why there is no such instruction.
extension Opcodes {
    /// The error for an instruction that is not in the table, or that needs a feature which is not
    /// among `features` or not there: it names the feature where there is one.
    public static func refusal(
        prefix: UInt8, code: UInt32, features: FeatureSet = [], at offset: Int
    ) -> ModuleError {
        if let row = opcode(prefix: prefix, code: Int(code)), let feature = row.feature {
            let other = Feature.allCases.first { row.needs.has($0) && !features.has($0) }
            let missing = features.has(feature) ? other ?? feature : feature
            return ModuleError(.unsupported(missing), at: offset, "\(row.name)")
        }
        if prefix == 0, let name = legacyName(code) {
            return ModuleError(
                .unsupported(.exceptions), at: offset, "\(name) (legacy exception handling)")
        }
        let bytes = prefix == 0 ? "" : hexadecimal(UInt32(prefix)) + " "
        return ModuleError(.malformed, at: offset, "illegal opcode \(bytes)\(hexadecimal(code))")
    }

    /// The name of an instruction of exception handling as it was before it was standardised.
    private static func legacyName(_ code: UInt32) -> StaticString? {
        switch code {
        case 0x06: "try"
        case 0x07: "catch"
        case 0x09: "rethrow"
        case 0x18: "delegate"
        case 0x19: "catch_all"
        default: nil
        }
    }

    /// Whether `name` is one of those instructions, and nothing else in the text format.
    public static func isLegacy(_ name: String) -> Bool {
        ["try", "rethrow", "delegate"].contains(name)
    }

    /// Two digits at least, as the specification's error texts have it.
    private static func hexadecimal(_ value: UInt32) -> String {
        let digits = String(value, radix: 16)
        return digits.count < 2 ? "0" + digits : digits
    }
}
