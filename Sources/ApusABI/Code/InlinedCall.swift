internal import ApusCollections

/// A call in whose place a function has the body of its callee: what places in its code mean that
/// come from there. 12 bytes (`docs/abi.md`).
///
/// Offsets of places count on behind the function's own body: first those of one callee, then those
/// of the next one, each from `start` on. So records of places need not say whose offset it is.
public struct InlinedCall: BitwiseCopyable, Sendable {
    /// What offset 0 of the callee's body is in this function.
    public var start: UInt32
    /// The callee, in the module's function index space.
    public var function: UInt32
    /// Where the call is: an offset of this function, below `start`.
    public var caller: UInt32

    public init(start: UInt32, function: UInt32, caller: UInt32) {
        self.start = start
        self.function = function
        self.caller = caller
    }

    /// Offsets end below this.
    public static var offsetLimit: UInt32 { 1 << 24 }
}

extension CodeSites {
    /// Calls `body` with the function and the offset in its body that `offset` of `function` means,
    /// and then with those of each call around it, up to the function itself.
    @inline(__always)
    public func forEachPlace(
        of offset: UInt32, in function: CompiledFunction, _ body: (UInt32, UInt32) -> Void
    ) {
        let first = Int(function.inlinedStart)
        var end = first + Int(function.inlinedCount)
        var offset = offset
        while true {
            while end > first, inlined[end - 1].start > offset { end -= 1 }
            if end == first { return body(function.index, offset) }
            let call = inlined[end - 1]
            body(call.function, offset &- call.start)
            offset = call.caller
        }
    }

    /// Whose instruction `offset` of `function` is, and where in the body.
    public func place(
        of offset: UInt32, in function: CompiledFunction
    ) -> (function: UInt32, bodyOffset: UInt32) {
        var found: (UInt32, UInt32)?
        forEachPlace(of: offset, in: function) { index, bodyOffset in
            if found == nil { found = (index, bodyOffset) }
        }
        return found ?? (function.index, offset)
    }
}
