internal import ApusCollections

/// What tells the module of an artifact from every other one: a number that nobody can foresee, and
/// so nobody can have made another module for. Artifacts have the same one only if the module in
/// them is the same, byte for byte.
public struct ArtifactIdentity: Hashable, BitwiseCopyable, Sendable {
    /// Its halves, as they are noted down.
    public let low: UInt64
    /// See `low`.
    public let high: UInt64

    /// One that was noted down; nil if that was none.
    public init?(low: UInt64, high: UInt64) {
        if low == 0, high == 0 { return nil }
        self.low = low
        self.high = high
    }

    /// A new one, of the system's random numbers.
    public init() {
        var generator = SystemRandomNumberGenerator()
        // Two zeros stand for none.
        low = generator.next() | 1
        high = generator.next()
    }

    /// The one that was written at `offset`.
    init?(_ bytes: Span<UInt8>, at offset: Int) {
        self.init(low: bytes.word64(at: offset), high: bytes.word64(at: offset + 8))
    }
}
