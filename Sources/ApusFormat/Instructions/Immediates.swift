internal import ApusCollections

/// Where a memory access goes besides the address on the stack. Specification: 2.4.4.
public struct MemoryArgument: Hashable, Sendable, BitwiseCopyable {
    /// Binary logarithm of the alignment the access promises: a hint.
    public var alignment: UInt32
    /// Index of the memory.
    public var memory: UInt32
    /// Added to the address, in bytes.
    public var offset: UInt64

    @inlinable
    public init(alignment: UInt32, memory: UInt32 = 0, offset: UInt64 = 0) {
        self.alignment = alignment
        self.memory = memory
        self.offset = offset
    }
}

/// What a structured instruction takes and leaves. Specification: 2.4.10 “Block Types”.
///
/// Four bytes: 0, a value type's bits, or a type index above a low byte that no value type has.
public struct BlockType: Hashable, Sendable, BitwiseCopyable {
    private let bits: UInt32

    private init(bits: UInt32) { self.bits = bits }

    /// Takes nothing, leaves nothing.
    public static var empty: BlockType { BlockType(bits: 0) }

    /// A function type of the module. The index must be less than 2^24.
    @inline(__always)
    public static func type(_ index: UInt32) -> BlockType { BlockType(bits: index &<< 8 | 1) }

    /// Takes nothing, leaves one value.
    @inline(__always)
    public static func result(_ type: ValueType) -> BlockType { BlockType(bits: type.bits) }

    /// The index of the function type, if it has one.
    public var typeIndex: Int? {
        @inline(__always) get { bits & 0xFF == 1 ? Int(bits &>> 8) : nil }
    }

    /// The type of the one result, if it has that form.
    public var singleResult: ValueType? {
        @inline(__always) get { bits & 0xFF > 1 ? ValueType(bits: bits) : nil }
    }
}
