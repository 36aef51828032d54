internal import ApusCollections

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
        if prefix == 0, let legacy = LegacyInstruction(rawValue: UInt8(truncatingIfNeeded: code)) {
            return ModuleError(
                .unsupported(.legacyExceptions), at: offset,
                "\(legacy.name) (legacy exception handling)")
        }
        let bytes = prefix == 0 ? "" : hexadecimal(UInt32(prefix)) + " "
        return ModuleError(.malformed, at: offset, "illegal opcode \(bytes)\(hexadecimal(code))")
    }

    /// Two digits at least, as the specification's error texts have it.
    private static func hexadecimal(_ value: UInt32) -> String {
        let digits = String(value, radix: 16)
        return digits.count < 2 ? "0" + digits : digits
    }
}
