internal import ApusCollections

/// Where a generator takes its decisions from: a seeded random sequence, or a recorded one.
///
/// Every decision is recorded, and 0 always stands for the simplest outcome. So a failing case is
/// made smaller without knowing what was generated: cut pieces out of the record, or set them to
/// 0, and generate again (see `Shrinker`).
public struct ChoiceSource: Sendable {
    private var state: UInt64
    private var replay: [UInt32]?
    /// The decisions so far.
    public private(set) var record: [UInt32] = []

    /// Decisions from the sequence SplitMix64 with this seed.
    public init(seed: UInt64) { state = seed }

    /// The recorded decisions, and 0 after their end.
    public init(replaying record: [UInt32]) {
        state = 0
        replay = record
    }

    /// A number from 0 to `count - 1`; `count` must be positive.
    public mutating func below(_ count: Int) -> Int {
        let raw: UInt32
        if let replay {
            raw = record.count < replay.count ? replay[record.count] : 0
        } else {
            raw = UInt32(truncatingIfNeeded: next() >> 32)
        }
        let choice = raw % UInt32(count)
        record.append(choice)
        return Int(choice)
    }

    /// True in `percent` of 100 cases.
    public mutating func chance(_ percent: Int) -> Bool { below(100) >= 100 - percent }

    /// One of `options`, of which the first is the simplest.
    public mutating func pick<Option>(_ options: [Option]) -> Option {
        options[below(options.count)]
    }

    /// One of `options`, each as often as its weight says; the first is the simplest.
    public mutating func pick<Option>(weighted options: [(weight: Int, option: Option)]) -> Option {
        var rest = below(options.reduce(0) { $0 + $1.weight })
        for (weight, option) in options {
            if rest < weight { return option }
            rest -= weight
        }
        return options[0].option
    }

    /// 64 bits, of which a recorded 0 makes 0.
    public mutating func bits64() -> UInt64 {
        UInt64(below(1 << 31)) << 33 ^ UInt64(below(1 << 31)) << 16 ^ UInt64(below(1 << 16))
    }

    private mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}
