/// Machine code as debuggers see it: its functions, and where in them a module's instructions are.
public struct NativeCode: Sendable {
    /// Where the code is in memory.
    public var base: UInt64
    public var byteCount: UInt64
    /// Ascending by start.
    public var functions: [NativeFunction] = []
    /// Where code keeps what the module's variables are made of.
    public var layout = NativeLayout()

    /// Code of no functions yet.
    public init(base: UInt64, byteCount: UInt64) {
        self.base = base
        self.byteCount = byteCount
    }
}

/// A function, or a stub, in machine code.
public struct NativeFunction: Sendable {
    /// What is known of its frame.
    public var shape: FrameShape
    public var name: String
    public var start: UInt64
    public var byteCount: UInt64
    /// Its body, counted from the start of the module's code section; empty if it has none.
    public var body: Range<UInt32> = 0..<0
    /// Which instruction of the body the code from an address on is, ascending by addresses.
    public var places: [(address: UInt64, offset: UInt32)] = []
    /// Of each local, where in the frame it always is, from the frame pointer; nil: elsewhere.
    public var locals: [Int32?] = []

    /// A function at `start`.
    public init(name: String, shape: FrameShape = .function, start: UInt64, byteCount: UInt64) {
        self.name = name
        self.shape = shape
        self.start = start
        self.byteCount = byteCount
    }

    /// Where it is.
    var range: Range<UInt64> { start..<start + byteCount }
}

/// How what has called code is found from it.
public enum FrameShape: Hashable, Sendable {
    /// It begins with `push rbp; mov rbp, rsp`.
    case function
    /// The same; below the frame pointer are rbx, r12, r13, r14 and r15, as the caller had them.
    case entry
    /// It begins with a subtraction of so many bytes from rsp, and leaves rbp as it is.
    case host(bytes: Int32)
    /// Wherever it calls from, it has a frame as functions have.
    case stub
}

/// Where code finds what variables of a module are made of. Offsets count from the instance's
/// context, whose address is in the frame.
public struct NativeLayout: Hashable, Sendable {
    /// Of the context's address, from the frame pointer.
    public var contextSlot: Int32 = 0
    /// Of the address of memory 0.
    public var memoryBase: Int32 = 0
    /// Of each global; nil: it is elsewhere.
    public var globals: [Int32?] = []
    /// Bytes of a pointer of the module's.
    public var pointerBytes = 4

    /// A layout that is to be filled in.
    public init() {}
}
