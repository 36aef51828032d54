internal import Synchronization

/// What compiling one module may take: machine code, and time. Shared by all threads that compile
/// it, each of which asks now and then whether to go on.
public final class CompilationBudget: Sendable {
    /// Why compiling has to end.
    public enum Exhaustion: UInt8, Sendable {
        /// There would be more machine code than allowed.
        case code = 1
        case deadline
        /// Whoever wants the module has given up.
        case cancelled
    }

    /// Bytes of machine code that the module may become.
    public let codeBytes: Int
    private let deadline: ContinuousClock.Instant?
    private let isCancelled: (@Sendable () -> Bool)?
    private let isThreadStopped: (@Sendable () -> Bool)?
    private let finishedBytes = Atomic(0)
    private let exhaustedBy = Atomic<UInt8>(0)

    /// - Parameters:
    ///   - codeBytes: How many bytes of machine code there may be.
    ///   - deadline: When to stop.
    ///   - isCancelled: Says whether to stop; called on any thread.
    ///   - isThreadStopped: Says whether the thread that asks is to stop, and no other.
    public init(
        codeBytes: Int, deadline: ContinuousClock.Instant? = nil,
        isCancelled: (@Sendable () -> Bool)? = nil,
        isThreadStopped: (@Sendable () -> Bool)? = nil
    ) {
        self.codeBytes = codeBytes
        self.deadline = deadline
        self.isCancelled = isCancelled
        self.isThreadStopped = isThreadStopped
    }

    /// Whether the thread that asks is to leave what it compiles. The budget is not exhausted by
    /// that: others may go on, and so may this thread later.
    public var isStopped: Bool { isThreadStopped?() ?? false }

    /// Why compiling has to end, if it has to.
    public var exhaustion: Exhaustion? {
        Exhaustion(rawValue: exhaustedBy.load(ordering: .relaxed))
    }

    /// Some thread has finished so many bytes of code.
    public func finish(_ bytes: Int) {
        finishedBytes.wrappingAdd(bytes, ordering: .relaxed)
    }

    /// Whether compiling has to end, when the thread that asks has so many bytes of code that are
    /// not finished.
    public func isExhausted(unfinishedBytes: Int) -> Bool {
        if exhaustedBy.load(ordering: .relaxed) != 0 { return true }
        let bytes = finishedBytes.load(ordering: .relaxed) &+ unfinishedBytes
        if bytes > codeBytes { return exhaust(.code) }
        if let isCancelled, isCancelled() { return exhaust(.cancelled) }
        if let deadline, ContinuousClock.now >= deadline { return exhaust(.deadline) }
        return false
    }

    private func exhaust(_ reason: Exhaustion) -> Bool {
        _ = exhaustedBy.compareExchange(expected: 0, desired: reason.rawValue, ordering: .relaxed)
        return true
    }
}

/// A budget, as compilers hold it: asking counts no references.
@safe
public struct CompilationWatch: BitwiseCopyable, Sendable {
    // SAFETY: the budget belongs to whoever runs the compilation, and is kept until the last
    // thread of it has ended.
    private let budget: Unmanaged<CompilationBudget>?

    // SAFETY: there is no budget to keep.
    /// A watch on nothing: goes on for ever.
    public init() { unsafe budget = nil }

    /// A watch on `budget`, which must be kept while there are copies of it.
    @unsafe
    public init(_ budget: CompilationBudget) {
        // SAFETY: who makes the watch keeps the budget while there are copies of it, as the
        // documentation asks.
        unsafe self.budget = Unmanaged.passUnretained(budget)
    }

    /// As `CompilationBudget.isExhausted`, or if the thread that asks is to stop.
    @inline(never)
    public func isExhausted(unfinishedBytes: Int) -> Bool {
        // SAFETY: the budget is alive: who made the watch keeps it while there are copies.
        guard let budget = unsafe budget else { return false }
        return unsafe budget._withUnsafeGuaranteedRef {
            $0.isExhausted(unfinishedBytes: unfinishedBytes) || $0.isStopped
        }
    }
}
