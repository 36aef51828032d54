/// How long a compiler has spent on each of its phases, if it measures that: who does not want to
/// know pays one branch per phase and function.
public struct CompilationPhases: Sendable {
    /// What is done one after the other to each function, and then to all.
    public enum Phase: Int, CaseIterable, Sendable {
        case validate
        /// The optimizing compiler: the body becomes a function in static single assignment form.
        case build
        /// Its passes.
        case clean
        case select
        case allocate
        /// Values that are spilled find their places.
        case frame
        case emit
        /// All that the baseline compiler does.
        case baseline
        /// Code is put in its place, and calls find their targets.
        case link
    }

    public let isMeasuring: Bool
    private var times = InlineArray<9, Duration>(repeating: .zero)
    private var last = ContinuousClock.Instant.now

    /// Phases that take no time, until some is measured if `isMeasuring`.
    public init(isMeasuring: Bool) { self.isMeasuring = isMeasuring }

    /// A phase begins.
    @inline(__always)
    public mutating func begin() {
        if isMeasuring { last = .now }
    }

    /// `phase` ends, and the next one begins.
    @inline(__always)
    public mutating func end(_ phase: Phase) {
        if isMeasuring { note(phase) }
    }

    @inline(never)
    private mutating func note(_ phase: Phase) {
        let now = ContinuousClock.now
        times[phase.rawValue] += last.duration(to: now)
        last = now
    }

    public subscript(phase: Phase) -> Duration {
        get { times[phase.rawValue] }
        set { times[phase.rawValue] = newValue }
    }

    public var total: Duration { Phase.allCases.reduce(.zero) { $0 + self[$1] } }

    /// Adds what another has measured.
    public mutating func add(_ other: CompilationPhases) {
        for phase in Phase.allCases { self[phase] += other[phase] }
    }
}
