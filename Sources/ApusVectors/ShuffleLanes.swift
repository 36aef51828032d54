internal import ApusCollections

/// The sixteen lane numbers of a shuffle, 0 to 15 of the first vector, 16 to 31 of the second.
public struct ShuffleLanes: Hashable, BitwiseCopyable, Sendable {
    private var low: UInt64
    private var high: UInt64

    public init(low: UInt64, high: UInt64) {
        self.low = low
        self.high = high
    }

    /// Lane `index` is `lane(index)`.
    init(_ lane: (UInt8) -> UInt8) {
        low = 0
        high = 0
        for index in UInt8(0)..<8 {
            low |= UInt64(lane(index)) << (8 * UInt64(index))
            high |= UInt64(lane(index + 8)) << (8 * UInt64(index))
        }
    }

    /// The number at place `index`, from 0 to 15.
    public func lane(_ index: Int) -> UInt8 {
        let half = index < 8 ? low : high
        return UInt8(truncatingIfNeeded: half >> UInt64(8 * (index & 7)))
    }

    func map(_ transform: (UInt8) -> UInt8) -> ShuffleLanes {
        ShuffleLanes { transform(lane(Int($0))) }
    }

    func allSatisfy(_ predicate: (UInt8) -> Bool) -> Bool {
        (0..<16).allSatisfy { predicate(lane($0)) }
    }

    /// The first of sixteen consecutive lanes.
    var consecutiveStart: UInt8? {
        let start = lane(0)
        return (0..<16).allSatisfy { lane($0) == start &+ UInt8($0) } ? start : nil
    }

    /// The first of sixteen consecutive lanes of one vector, which begins again at its end.
    var rotationStart: UInt8? {
        let start = lane(0)
        return (0..<16).allSatisfy { lane($0) == (start &+ UInt8($0)) & 15 } ? start : nil
    }

    /// Whether all groups of `size` bytes are the first one.
    func isBroadcast(of size: UInt8) -> Bool {
        (0..<16).allSatisfy { lane($0) == UInt8($0) % size }
    }

    /// Number of the aligned group of `size` lanes that lane `index`, its multiple, begins.
    func group(_ index: Int, _ size: Int) -> UInt8? {
        let first = lane(index)
        guard first % UInt8(size) == 0 else { return nil }
        for offset in 1..<size where lane(index + offset) != first + UInt8(offset) { return nil }
        return first / UInt8(size)
    }

    // With a second vector that is zero, it does not matter which of its lanes are taken.

    /// Whether the lower groups of `size` bytes of the first vector are widened with zeroes.
    func zeroesAre(extending size: UInt8) -> Bool {
        (0..<16).allSatisfy { place in
            let index = UInt8(place)
            let offset = index % (2 * size)
            return offset < size
                ? lane(place) == index / (2 * size) * size + offset : lane(place) >= 16
        }
    }

    /// Whether these are the lower half of the first vector, and zeroes.
    var isLowerHalf: Bool {
        (0..<16).allSatisfy { $0 < 8 ? lane($0) == UInt8($0) : lane($0) >= 16 }
    }
}
