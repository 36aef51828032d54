public import ApusAssembler
public import ApusCollections

/// A place in code that can stop, or to which a call returns: what a backtrace and a trap need.
///
/// Sorted by `codeOffset` within a function. A body is at most 7 654 321 bytes, so an offset in it
/// fits the 24 bits that the trap code leaves.
public struct TrapSite: BitwiseCopyable, Sendable {
    /// Offset of the faulting instruction, or of the return address, from the function's start;
    /// from the image's start once linked.
    public var codeOffset: UInt32
    private var packed: UInt32

    @inline(__always)
    public init(codeOffset: UInt32, bodyOffset: UInt32, code: TrapCode) {
        self.codeOffset = codeOffset
        packed = bodyOffset | UInt32(code.rawValue) << 24
    }

    /// Offset of the wasm instruction from the start of its function's body.
    public var bodyOffset: UInt32 { packed & 0xFF_FFFF }
    public var code: TrapCode { TrapCode(rawValue: UInt8(packed >> 24)) ?? .none }
}

/// A call whose target is known only when the module's functions have their places.
public struct CallRelocation: BitwiseCopyable, Sendable {
    /// Offset of the 32-bit displacement from the start of the function's code.
    public var codeOffset: UInt32
    /// The callee, in the module's function index space.
    public var function: UInt32

    @inline(__always)
    public init(codeOffset: UInt32, function: UInt32) {
        self.codeOffset = codeOffset
        self.function = function
    }
}

/// One compiled function in a `CodeBatch`.
public struct CompiledFunction: BitwiseCopyable, Sendable {
    /// In the module's function index space.
    public var index: UInt32
    /// Where its code lies in the batch's buffer (in the image, once linked). A multiple of 16.
    public var codeStart: UInt32
    public var codeLength: UInt32
    /// Its trap sites and relocations in the batch's arenas.
    public var trapStart: UInt32
    public var trapCount: UInt32
    public var relocationStart: UInt32
    public var relocationCount: UInt32

    public init(index: UInt32) {
        self.index = index
        codeStart = 0
        codeLength = 0
        trapStart = 0
        trapCount = 0
        relocationStart = 0
        relocationCount = 0
    }
}

/// What one compiler has made on one thread: consecutive functions with their records.
public struct CodeBatch: ~Copyable {
    public var code = CodeBuffer()
    public var functions = Arena<CompiledFunction>(capacity: 256)
    public var traps = Arena<TrapSite>(capacity: 1024)
    public var relocations = Arena<CallRelocation>(capacity: 256)
    /// Whether a function stores to elements of tables without calling the runtime.
    public var writesTables = false

    public init() {}
}
