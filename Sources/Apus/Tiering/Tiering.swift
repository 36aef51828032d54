/// How functions of an engine whose compiler is `tiered` get from one tier to the next.
public struct Tiering: Hashable, Sendable {
    /// Whether hot functions are compiled anew on the thread that runs them, while it waits, so
    /// that the same program does the same each time. If not, other threads do it meanwhile.
    public var isSynchronous = false
    /// How often a function or a loop runs before it is compiled anew; nil: as often as pays, by
    /// its size. For tests.
    public var threshold: Int?

    /// Whether optimized code depends on what other code has counted: which functions are called
    /// most of the time where it is not said which, and which are worth having in their callers.
    public var usesProfiles = true

    /// For tests: functions become hot after a few calls and rounds, each after others as this
    /// decides.
    package var seed: UInt64?

    /// What suits most programs.
    public init() {}
}
