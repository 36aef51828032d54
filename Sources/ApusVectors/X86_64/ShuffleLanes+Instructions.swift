internal import ApusAssembler
internal import ApusCollections

/// Lanes as the processor's instructions for shuffles take them.
extension ShuffleLanes {
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
}
