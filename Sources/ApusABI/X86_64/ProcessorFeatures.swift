/// What the processor can do beyond x86-64 with SSE4.1, which is the least Apus runs on.
public struct ProcessorFeatures: OptionSet, Hashable, Sendable {
    public let rawValue: UInt32

    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// Counting bits (POPCNT).
    public static let popcnt = ProcessorFeatures(rawValue: 1)
    /// Counting leading zeros (LZCNT).
    public static let lzcnt = ProcessorFeatures(rawValue: 2)
    /// The first set of bit manipulations (BMI1).
    public static let bmi1 = ProcessorFeatures(rawValue: 4)
    /// The second set of bit manipulations (BMI2).
    public static let bmi2 = ProcessorFeatures(rawValue: 8)
    /// Vector instructions with three operands (AVX).
    public static let avx = ProcessorFeatures(rawValue: 16)
    /// Vector instructions on 256 bits (AVX2).
    public static let avx2 = ProcessorFeatures(rawValue: 32)
    /// Multiplication and addition in one step (FMA).
    public static let fma = ProcessorFeatures(rawValue: 64)
    /// AVX-512 on 128 bits, with counts of bits in bytes: F, VL and BITALG.
    public static let avx512 = ProcessorFeatures(rawValue: 128)

    /// All there are, with their names.
    public static let names: [(feature: ProcessorFeatures, name: String)] = [
        (.popcnt, "popcnt"), (.lzcnt, "lzcnt"), (.bmi1, "bmi1"), (.bmi2, "bmi2"),
        (.avx, "avx"), (.avx2, "avx2"), (.fma, "fma"),
        (.avx512, "avx512"),
    ]
}
