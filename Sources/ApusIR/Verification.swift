// Used by: compilers, in debug builds and where tests ask for it.

/// Verifies functions while they are compiled, and keeps what is wrong for whoever asks at the end.
public struct Verification: ~Copyable {
    /// Without it nothing is looked at.
    public let isActive: Bool
    private var verifier = Verifier()
    /// What was wrong with the function that is being compiled, one line for each fault.
    public private(set) var faults: [String] = []

    public init(isActive: Bool) { self.isActive = isActive }

    /// Verifies `function` after the stage of that name. What a stage has broken is not blamed on
    /// the ones that follow.
    public mutating func verify(_ function: borrowing Function, after stage: StaticString) {
        guard isActive, faults.isEmpty else { return }
        faults = verifier.verify(function).map { "after \(stage): \($0)" }
    }

    /// Starts with a function that has just been made: verifies it, and what its builder took for
    /// known.
    public mutating func verify(madeBy builder: borrowing Builder) {
        guard isActive else { return }
        faults = verifier.verify(builder.function).map { "after translation: \($0)" }
        if !faults.isEmpty { return }
        builder.forEachKnownUse { use in
            if let fault = verifier.fault(of: use) { faults.append("in translation: \(fault)") }
        }
    }

    /// Notes what another check has found.
    public mutating func add(_ faults: [String]) { self.faults += faults }
}
