/// What has been compiled of a module while it ran: see `Module.tiers`.
public struct TierStatistics: Hashable, Sendable {
    /// Functions that the module defines.
    public var functions = 0
    /// How many of them had code from an earlier run (`Cache`).
    public var precompiledFunctions = 0
    /// How many others have been called, and so compiled.
    public var compiledFunctions = 0
    /// Bytes of code that the baseline compiler has made of them.
    public var baselineBytes = 0
    /// Time that this took the threads that called them.
    public var baselineTime = Duration.zero
    /// Bytes of code that the optimizing compiler has made.
    public var optimizedBytes = 0
    /// Time that it took, on whatever thread.
    public var optimizingTime = Duration.zero
    /// What the optimizing compiler has made, in order.
    public var optimizations: [Optimization] = []

    /// A function that was hot, and what became of it.
    public struct Optimization: Hashable, Sendable {
        /// In the module's function index space.
        public var function: Int
        /// If the code begins at a loop, for a call that was in it: the offset of the loop's first
        /// instruction from the start of the function's body.
        public var loop: Int?
        /// What it was hot for.
        public var cause: Cause
        /// From the module's loading to when the code was ready.
        public var time: Duration
        /// Whether there is code; if not, the baseline compiler's stays.
        public var succeeded: Bool
        /// How many calls have the callee's code in their place because that was hot, too.
        public var hotCallees: Int
    }

    /// What a function ran at last when it had run so much that it was hot.
    public enum Cause: Hashable, Sendable {
        /// It was called once more.
        case calls
        /// It went once more round a loop, whose first instruction is at `offset` from the start
        /// of the function's body.
        case rounds(offset: Int)
        /// A call of it stayed in its loops when the function had new code, and has code of its own
        /// that goes on there.
        case longCall
    }
}
