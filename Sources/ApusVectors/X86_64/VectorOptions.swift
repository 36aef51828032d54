/// What decides between several ways of doing a vector instruction. Without any of these it is
/// done with SSE4.1.
public struct VectorOptions: OptionSet, Hashable, BitwiseCopyable, Sendable {
    public let rawValue: UInt8

    @inline(__always)
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// What these say; nothing counts without AVX.
    public init(avx: Bool, avx2: Bool, fma: Bool, avx512: Bool, isDeterministic: Bool) {
        self = isDeterministic ? .isDeterministic : []
        guard avx else { return }
        insert(.avx)
        if avx2 { insert(.avx2) }
        if avx512 { insert(.avx512) }
        // Not all processors round products and sums at once, so code that is to agree does not.
        if fma, !isDeterministic { insert(.fma) }
    }

    /// The code buffer uses AVX.
    public static var avx: VectorOptions { .init(rawValue: 1) }
    /// AVX2, besides AVX.
    public static var avx2: VectorOptions { .init(rawValue: 2) }
    /// Fused multiplication and addition, besides AVX.
    public static var fma: VectorOptions { .init(rawValue: 4) }
    /// Relaxed instructions give the same results on every processor.
    public static var isDeterministic: VectorOptions { .init(rawValue: 8) }
    /// What of AVX-512 is in `EvexOp`, besides AVX.
    public static var avx512: VectorOptions { .init(rawValue: 16) }
}
