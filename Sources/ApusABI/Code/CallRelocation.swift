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
