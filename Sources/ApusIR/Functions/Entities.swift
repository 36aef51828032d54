internal import ApusCollections

// The names by which the parts of a function refer to each other: typed indices, never bare `Int`.

/// A value: the instruction that makes it. Its number is the instruction's place in
/// `Function.instructions`, which never changes while a function lives.
public struct Value: Hashable, BitwiseCopyable, Sendable {
    public var number: UInt32

    @inline(__always)
    public init(_ number: UInt32) { self.number = number }

    /// The instruction at `index`.
    @inline(__always)
    public init(at index: Int) { number = UInt32(truncatingIfNeeded: index) }

    /// Where an operand may be missing, as the index of an address.
    public static var none: Value { @inline(__always) get { Value(.max) } }

    @inline(__always) public var index: Int { Int(number) }
    @inline(__always) public var isNone: Bool { number == .max }
}

/// A basic block: its number is its place in `Function.blocks`.
public struct Block: Hashable, BitwiseCopyable, Sendable {
    public var number: UInt32

    @inline(__always)
    public init(_ number: UInt32) { self.number = number }

    /// The block at `index`.
    @inline(__always)
    public init(at index: Int) { number = UInt32(truncatingIfNeeded: index) }

    /// Where control enters a function.
    public static var entry: Block { @inline(__always) get { Block(0) } }
    /// No block.
    public static var none: Block { @inline(__always) get { Block(.max) } }

    @inline(__always) public var index: Int { Int(number) }
    @inline(__always) public var isNone: Bool { number == .max }
}

/// A way from the end of a block to the start of another: its number is its place in
/// `Function.edges`.
public struct Edge: Hashable, BitwiseCopyable, Sendable {
    public var number: UInt32

    @inline(__always)
    public init(_ number: UInt32) { self.number = number }

    /// The edge at `index`.
    @inline(__always)
    public init(at index: Int) { number = UInt32(truncatingIfNeeded: index) }

    @inline(__always) public var index: Int { Int(number) }
}

/// What a value is to the machine.
public enum IRType: UInt8, CaseIterable, BitwiseCopyable, Sendable {
    /// No value at all.
    case none
    /// In a general register an i32 is zero-extended to 64 bits, always: see `Function`.
    case i32
    case i64
    case f32
    case f64
    case v128
    /// A reference that the runtime may look for in frames: 64 bits, 0 is null. It may not live in
    /// a callee-saved register across a call.
    case ref

    @inline(__always) public var isInteger: Bool { self == .i32 || self == .i64 }
    @inline(__always) public var isFloat: Bool { self == .f32 || self == .f64 }
    /// Lives in a general register.
    @inline(__always) public var isGeneral: Bool { isInteger || self == .ref }

    /// How many bits a value has; 0 for `none`.
    public var bits: Int {
        switch self {
        case .none: 0
        case .i32, .f32: 32
        case .i64, .f64, .ref: 64
        case .v128: 128
        }
    }
}

/// 128 bits, the first lane lowest.
public struct VectorBits: Hashable, BitwiseCopyable, Sendable {
    public var low: UInt64
    public var high: UInt64

    public init(low: UInt64, high: UInt64) {
        self.low = low
        self.high = high
    }
}
