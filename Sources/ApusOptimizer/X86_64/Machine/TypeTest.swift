internal import ApusABI
internal import ApusCollections

/// Which references a test lets pass: 16 bits, the immediate of the function's instruction and,
/// with the depth of a type above them, the machine's.
struct TypeTest: Hashable, BitwiseCopyable, Sendable {
    /// What a reference has to refer to.
    enum Kind: UInt8, BitwiseCopyable, Sendable {
        /// An object of a type or one below it; the same of a type with none below.
        case type, finalType
        /// A function of a type or one below it; the same of a type with none below.
        case function, finalFunction
        /// Any structure, any array.
        case structure, array
        /// Anything that the host has not given.
        case equatable
    }

    var kind: Kind
    var isNullable: Bool
    /// How many supertypes the type has.
    var depth: UInt8

    init(_ kind: Kind, isNullable: Bool, depth: UInt8 = 0) {
        self.kind = kind
        self.isNullable = isNullable
        self.depth = depth
    }

    init(bits: UInt16) {
        kind = Kind(stored: UInt8(truncatingIfNeeded: bits >> 1 & 7), or: .type)
        isNullable = bits & 1 != 0
        depth = UInt8(truncatingIfNeeded: bits >> 8)
    }

    var bits: UInt16 {
        UInt16(kind.rawValue) << 1 | (isNullable ? 1 : 0) | UInt16(depth) << 8
    }

    var isOfFunctions: Bool { kind == .function || kind == .finalFunction }
    var isFinal: Bool { kind == .finalType || kind == .finalFunction }
}
