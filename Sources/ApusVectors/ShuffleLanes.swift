internal import ApusAssembler

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

    /// What interleaves the lower or upper halves of two vectors, if lanes say so; their numbers
    /// are those of the other vector if `isSwapped`, and both are the same if `isSame`.
    func interleaving(isSwapped: Bool = false, isSame: Bool = false) -> VectorOp? {
        let flipped: UInt8 = isSwapped ? 16 : 0
        let mask: UInt8 = isSame ? 15 : 31
        for number in 0..<8 {
            let size: UInt8 = 1 << UInt8(number / 2)
            let start: UInt8 = number % 2 == 0 ? 0 : 8
            let isSo = (0..<16).allSatisfy { place in
                let index = UInt8(place)
                let group = index / size
                let expected = start + group / 2 * size + index % size + group % 2 * 16
                return lane(place) == (expected ^ flipped) & mask
            }
            if isSo { return Self.interleaving(number) }
        }
        return nil
    }

    private static func interleaving(_ number: Int) -> VectorOp {
        switch number {
        case 0: .punpcklbw
        case 1: .punpckhbw
        case 2: .punpcklwd
        case 3: .punpckhwd
        case 4: .punpckldq
        case 5: .punpckhdq
        case 6: .punpcklqdq
        default: .punpckhqdq
        }
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
    private func group(_ index: Int, _ size: Int) -> UInt8? {
        let first = lane(index)
        guard first % UInt8(size) == 0 else { return nil }
        for offset in 1..<size where lane(index + offset) != first + UInt8(offset) { return nil }
        return first / UInt8(size)
    }

    /// The order of 32-bit groups of the first vector, as `pshufd` wants it.
    var doublewordOrder: UInt8? {
        var order: UInt8 = 0
        for place in 0..<4 {
            guard let group = group(4 * place, 4), group < 4 else { return nil }
            order |= group << UInt8(2 * place)
        }
        return order
    }

    /// The order of 16-bit groups of the lower half, as `pshuflw` wants it, the upper half staying
    /// as it is; or the other way round.
    func wordOrder(ofUpperHalf isUpper: Bool) -> UInt8? {
        var order: UInt8 = 0
        for place in 0..<8 {
            guard let group = group(2 * place, 2) else { return nil }
            if (place >= 4) == isUpper {
                guard group & ~3 == (isUpper ? 4 : 0) else { return nil }
                order |= (group & 3) << UInt8(2 * (place & 3))
            } else if group != UInt8(place) {
                return nil
            }
        }
        return order
    }

    /// Two groups of the first vector, then two of the second, as `shufps` wants them.
    var pairOrder: UInt8? {
        var order: UInt8 = 0
        for place in 0..<4 {
            guard let group = group(4 * place, 4), (group >= 4) == (place >= 2) else { return nil }
            order |= (group & 3) << UInt8(2 * place)
        }
        return order
    }

    /// Which 16-bit groups, each in its place, come from the second vector.
    var wordBlend: UInt8? {
        var mask: UInt8 = 0
        for place in 0..<8 {
            guard let group = group(2 * place, 2), group & 7 == UInt8(place) else { return nil }
            if group >= 8 { mask |= 1 << UInt8(place) }
        }
        return mask
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
