/// A clause that catches exceptions, and the code that it goes on at (`docs/abi.md`, “Exceptions”).
public struct ExceptionHandler: Hashable, BitwiseCopyable, Sendable {
    /// Offset of the code from the function's start.
    public var landingOffset: UInt32
    /// The tag and, in the lowest bit, whether the reference is wanted.
    private var packed: UInt32

    /// In place of a tag: a module has fewer, since each takes at least two of its bytes.
    private static var everyTag: UInt32 { 0x7FFF_FFFF }

    /// A handler of exceptions with `tag`, or of all, that goes on at `landingOffset`.
    public init(tag: UInt32?, wantsReference: Bool, landingOffset: UInt32) {
        self.landingOffset = landingOffset
        packed = (tag ?? Self.everyTag) << 1 | (wantsReference ? 1 : 0)
    }

    /// The tag that is caught, in the module's tag index space; nil: every one.
    public var tag: UInt32? {
        let tag = packed >> 1
        return tag == Self.everyTag ? nil : tag
    }

    /// Whether the code may keep the reference to the exception, not only what it carries.
    public var wantsReference: Bool { packed & 1 != 0 }
}

/// The handlers of the same calls: those of the innermost clauses, then all of another list, which
/// calls further out have.
public struct HandlerList: BitwiseCopyable, Sendable {
    /// Place of its first handler in `CodeSites.handlers`.
    public var start: UInt32
    /// How many of its own it has.
    public var count: UInt32
    private var next: UInt32

    /// `count` handlers from `start` on, followed by those of list number `outer` of the function,
    /// which is a lower number than its own.
    public init(start: UInt32, count: UInt32, outer: UInt32? = nil) {
        self.start = start
        self.count = count
        next = outer ?? .max
    }

    /// The list that goes on, by its number among the function's.
    public var outer: UInt32? { next == .max ? nil : next }
}
