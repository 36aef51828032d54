internal import ApusCollections

/// A variable of the source.
public struct SourceVariable: Sendable {
    /// Its name in the source.
    public let name: String
    /// Its type; nil if it has none that is known.
    public let type: SourceTypeID?
    /// Whether it is a parameter of its function.
    public let isParameter: Bool
    /// Where it is; nil if that is not said, or said in a way that is not known here.
    public let location: SourceExpression?
}

/// What says where a variable is. Specification: DWARF 5, 2.5, and “DWARF for WebAssembly”.
public struct SourceExpression: Sendable {
    let bytes: ByteStorage
    /// In the module's bytes.
    let range: Range<Int>
    /// What says where its function's frame is.
    let frameBase: Range<Int>?
    let addressBytes: Int
    /// What the index of an address that it begins with stands for.
    let address: (index: Int, value: UInt64)?
    /// The value, if it is a constant and nowhere.
    let constant: UInt64?
}

/// Where a value is that belongs to a variable of the source.
public enum VariablePlace: Hashable, Sendable {
    /// From this address of memory 0 on.
    case memory(UInt64)
    /// In a local of the function.
    case local(Int)
    /// In a global of the module.
    case global(Int)
    /// On the operand stack, counted from its bottom.
    case operand(Int)
    /// Nowhere, but it is this.
    case value(UInt64)
}

/// Names a type of the source within its module.
public struct SourceTypeID: Hashable, Sendable {
    /// The entry's offset in its section.
    let entry: Int
}

/// A type of the source.
public struct SourceType: Sendable {
    /// What kind of type it is.
    public enum Kind: Hashable, Sendable {
        /// A truth value, of one byte mostly.
        case boolean
        /// A number.
        case signed, unsigned, float
        /// A letter.
        case character(isSigned: Bool)
        /// The address of something of type `element`.
        case pointer
        /// One that is written as if it were that thing.
        case reference
        /// Something with members, which may overlap.
        case structure
        /// Several of type `element`, one behind the other.
        case array(count: UInt64)
        /// One of the enumerators.
        case enumeration
        /// What can be shown as bytes at most.
        case other
    }

    /// One of the parts of a structure.
    public struct Member: Hashable, Sendable {
        /// Its name; empty if it has none.
        public let name: String
        /// Its type.
        public let type: SourceTypeID?
        /// Where it begins.
        public let byteOffset: UInt64
        /// Its first bit and how many it has, from there on, if it does not have whole bytes.
        public let bits: Range<UInt64>?
    }

    /// A name for a number.
    public struct Enumerator: Hashable, Sendable {
        public let name: String
        public let value: UInt64
    }

    /// The type as it is written in the source, or about so.
    public let name: String
    public let kind: Kind
    /// How many bytes it has.
    public let byteCount: UInt64
    /// Of a pointer, a reference, an array or an enumeration.
    public let element: SourceTypeID?
    /// Of a structure.
    public let members: [Member]
    /// Of an enumeration.
    public let enumerators: [Enumerator]

    /// A type that is made of these.
    public init(
        name: String, kind: Kind, byteCount: UInt64, element: SourceTypeID? = nil,
        members: [Member] = [], enumerators: [Enumerator] = []
    ) {
        self.name = name
        self.kind = kind
        self.byteCount = byteCount
        self.element = element
        self.members = members
        self.enumerators = enumerators
    }
}
