internal import ApusABI
internal import ApusAssembler
internal import ApusFormat

/// `i8x16.shuffle`: one instruction where the processor has it, else table look-ups.
extension BaselineCompiler {
    mutating func translateShuffle() {
        var lanes = ShuffleLanes(low: reader.readFloat64Bits(), high: reader.readFloat64Bits())
        var right = pop()
        var left = pop()
        if left.kind == .local, right.kind == .local, left.index == right.index {
            lanes = lanes.map { $0 & 15 }
        }
        if lanes.allSatisfy({ $0 >= 16 }) {
            swap(&left, &right)
            lanes = lanes.map { $0 & 15 }
        }
        if lanes.allSatisfy({ $0 < 16 }) {
            discard(right)
            return emitShuffle(lanes, of: left)
        }
        emitShuffle(lanes, left, right)
    }

    /// Lanes of one vector.
    private mutating func emitShuffle(_ lanes: ShuffleLanes, of operand: Operand) {
        let a = takeFloat(operand)
        let result = destination(reusing: a)
        if let order = lanes.doublewordOrder {
            code.vector(.pshufd, result.float, a.register, immediate: order)
        } else {
            code.vector(
                .pshufb, result.float, a.register, pooled(VectorConstant(bytes: lanes.lane)))
        }
        finish(result, .v128, freeing: a)
    }

    private mutating func emitShuffle(_ lanes: ShuffleLanes, _ left: Operand, _ right: Operand) {
        for (op, pattern) in ShuffleLanes.interleavings {
            if lanes == pattern { return emitVector(op, left, right) }
            if lanes == pattern.map({ $0 ^ 16 }) { return emitVector(op, right, left) }
        }
        if let start = lanes.consecutiveStart {
            return emitVectorPair(left, right) { compiler, target, a, b in
                compiler.code.vector(.palignr, target, b, a, immediate: start)
            }
        }
        if let mask = lanes.wordBlend {
            return emitVectorPair(left, right) { compiler, target, a, b in
                compiler.code.vector(.pblendw, target, a, b, immediate: mask)
            }
        }
        if let order = lanes.pairOrder {
            return emitVectorPair(left, right) { compiler, target, a, b in
                compiler.code.vector(.shufps, target, a, b, immediate: order)
            }
        }
        // An index with its highest bit set gives zero.
        let fromLeft = pooled(
            VectorConstant(bytes: { lanes.lane($0) < 16 ? lanes.lane($0) : 0x80 }))
        let fromRight = pooled(
            VectorConstant(bytes: { lanes.lane($0) < 16 ? 0x80 : lanes.lane($0) & 15 }))
        emitVectorPair(left, right) { compiler, target, a, b in
            compiler.code.vector(.pshufb, compiler.scratchVector, a, fromLeft)
            compiler.code.vector(.pshufb, target, b, fromRight)
            compiler.code.vector(.por, target, target, compiler.scratchVector)
        }
    }
}

/// The sixteen lane numbers of a shuffle, 0 to 15 of the first vector, 16 to 31 of the second.
struct ShuffleLanes: Equatable {
    private var low: UInt64
    private var high: UInt64

    init(low: UInt64, high: UInt64) {
        self.low = low
        self.high = high
    }

    private init(_ lane: (UInt8) -> UInt8) {
        low = 0
        high = 0
        for index in UInt8(0)..<8 {
            low |= UInt64(lane(index)) << (8 * UInt64(index))
            high |= UInt64(lane(index + 8)) << (8 * UInt64(index))
        }
    }

    func lane(_ index: Int) -> UInt8 {
        let half = index < 8 ? low : high
        return UInt8(truncatingIfNeeded: half >> UInt64(8 * (index & 7)))
    }

    func map(_ transform: (UInt8) -> UInt8) -> ShuffleLanes {
        ShuffleLanes { transform(lane(Int($0))) }
    }

    func allSatisfy(_ predicate: (UInt8) -> Bool) -> Bool {
        (0..<16).allSatisfy { predicate(lane($0)) }
    }

    /// Groups of `size` bytes, alternating between both vectors, from lane `start` on.
    private static func interleaving(_ size: UInt8, from start: UInt8) -> ShuffleLanes {
        ShuffleLanes { index in
            let group = index / size
            return start + group / 2 * size + index % size + (group % 2 == 1 ? 16 : 0)
        }
    }

    static let interleavings: [(VectorOp, ShuffleLanes)] = [
        (.punpcklbw, interleaving(1, from: 0)), (.punpckhbw, interleaving(1, from: 8)),
        (.punpcklwd, interleaving(2, from: 0)), (.punpckhwd, interleaving(2, from: 8)),
        (.punpckldq, interleaving(4, from: 0)), (.punpckhdq, interleaving(4, from: 8)),
        (.punpcklqdq, interleaving(8, from: 0)), (.punpckhqdq, interleaving(8, from: 8)),
    ]

    /// The first of sixteen consecutive lanes.
    var consecutiveStart: UInt8? {
        let start = lane(0)
        return (0..<16).allSatisfy { lane($0) == start &+ UInt8($0) } ? start : nil
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
