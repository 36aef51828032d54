/// Why a module was refused, and where.
public struct ModuleError: Error, Hashable, Sendable {
    /// What sort of reason.
    public enum Kind: Hashable, Sendable {
        /// The bytes do not follow the binary format (5).
        case malformed
        /// The module breaks a validation rule (3).
        case invalid
        /// The module uses a feature that is switched off or not there yet.
        case unsupported(Feature)
        /// The module exceeds an implementation limit.
        case limit
        /// The compiler has verified what it made of the module, and found it wrong: the fault is
        /// its own. Only builds for debugging look.
        case miscompiled
    }

    public var kind: Kind
    /// Byte offset in the module.
    public var offset: Int
    /// What is wrong, in the specification's words where it has some.
    public var message: String

    public init(_ kind: Kind, at offset: Int, _ message: String) {
        self.kind = kind
        self.offset = offset
        self.message = message
    }
}

extension ModuleError: CustomStringConvertible {
    public var description: String {
        let place = "at byte \(offset) (0x\(String(offset, radix: 16)))"
        return switch kind {
        case .malformed: "malformed module: \(message), \(place)"
        case .invalid: "invalid module: \(message), \(place)"
        case .unsupported(let feature): "unsupported feature \(feature.name): \(message), \(place)"
        case .limit: "implementation limit: \(message), \(place)"
        case .miscompiled: "fault of the compiler: \(message), \(place)"
        }
    }
}
