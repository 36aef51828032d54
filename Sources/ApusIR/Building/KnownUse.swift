// Made by: `Builder`, if asked to. Consumed by: `Verifier`.

/// Something that was not computed, loaded or checked again since it was known already.
public struct KnownUse: BitwiseCopyable, Sendable {
    /// What made it known, or the value that a store has put where a load finds it.
    public var value: Value
    /// The block in which it became known.
    public var learnedIn: Block
    /// The block in which it was taken for known: the other one must dominate it.
    public var usedIn: Block

    public init(value: Value, learnedIn: Block, usedIn: Block) {
        self.value = value
        self.learnedIn = learnedIn
        self.usedIn = usedIn
    }
}
