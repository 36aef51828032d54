internal import ApusCollections

/// One compiled function in a `CodeBatch`.
public struct CompiledFunction: BitwiseCopyable, Sendable {
    /// In the module's function index space.
    public var index: UInt32
    /// Where its code lies in the batch's buffer (in the image, once linked). A multiple of 16.
    public var codeStart: UInt32
    public var codeLength: UInt32 = 0
    /// Its trap sites, call sites and relocations in the batch's arenas.
    public var trapStart: UInt32
    public var trapCount: UInt32 = 0
    public var callStart: UInt32
    public var callCount: UInt32 = 0
    public var relocationStart: UInt32
    public var relocationCount: UInt32 = 0
    /// The first of its lists of handlers in the batch's arena.
    public var handlerListStart: UInt32
    /// Its calls in whose place it has the callee's body in the batch's arena.
    public var inlinedStart: UInt32
    public var inlinedCount: UInt32 = 0

    /// Function `index`, whose code and records go to the ends of what is there.
    public init(
        index: UInt32, codeStart: Int = 0, behind sites: borrowing CodeSites,
        relocationCount: Int = 0
    ) {
        self.index = index
        self.codeStart = UInt32(truncatingIfNeeded: codeStart)
        trapStart = UInt32(truncatingIfNeeded: sites.traps.count)
        callStart = UInt32(truncatingIfNeeded: sites.calls.count)
        handlerListStart = UInt32(truncatingIfNeeded: sites.handlerLists.count)
        inlinedStart = UInt32(truncatingIfNeeded: sites.inlined.count)
        relocationStart = UInt32(truncatingIfNeeded: relocationCount)
    }

    /// Notes that the code and the records of the function end where those that are there do.
    public mutating func end(
        codeEnd: Int, _ sites: borrowing CodeSites, relocationCount: Int
    ) {
        codeLength = UInt32(truncatingIfNeeded: codeEnd) &- codeStart
        trapCount = UInt32(truncatingIfNeeded: sites.traps.count) &- trapStart
        callCount = UInt32(truncatingIfNeeded: sites.calls.count) &- callStart
        self.relocationCount = UInt32(truncatingIfNeeded: relocationCount) &- relocationStart
    }
}
