internal import ApusAssembler
internal import ApusCollections

/// How the processor shuffles the bytes of two vectors: with one of its instructions if it can,
/// else with look-ups in a table of lane numbers.
public struct ShufflePlan: BitwiseCopyable, Sendable {
    public var method: Method
    /// Whether what the method calls `a` is the second vector, and likewise for `b`.
    public var takesSecondAsA: Bool
    public var takesSecondAsB: Bool

    /// What is done with `a` and `b`.
    public enum Method: BitwiseCopyable, Sendable {
        case plan(VectorPlan)
        /// `pshufb` of `a` with this table.
        case lookup(VectorConstant)
        /// The same with `b` and another table; one of both gives zero for each lane.
        case lookups(VectorConstant, VectorConstant)
    }

    /// What is known of the operands of a shuffle.
    public struct Operands: OptionSet, Hashable, BitwiseCopyable, Sendable {
        public let rawValue: UInt8

        @inline(__always)
        public init(rawValue: UInt8) { self.rawValue = rawValue }

        /// Both are the same vector.
        public static var isSame: Operands { .init(rawValue: 1) }
        /// The first, or the second, is zero.
        public static var isFirstZero: Operands { .init(rawValue: 2) }
        public static var isSecondZero: Operands { .init(rawValue: 4) }
    }

    public init(_ lanes: ShuffleLanes, _ operands: Operands, _ options: VectorOptions) {
        var lanes = lanes
        if operands.contains(.isSame) { lanes = lanes.map { $0 & 15 } }
        let isFirstUnused = lanes.allSatisfy { $0 >= 16 }
        if isFirstUnused || operands.contains(.isFirstZero) {
            // The second vector takes the place of the first.
            lanes = lanes.map { $0 ^ 16 }
            takesSecondAsA = true
        } else {
            takesSecondAsA = false
        }
        takesSecondAsB = !takesSecondAsA
        if lanes.allSatisfy({ $0 < 16 }) {
            method = Self.method(ofOne: lanes, options)
            takesSecondAsB = takesSecondAsA
        } else if !operands.isDisjoint(with: [.isFirstZero, .isSecondZero]) {
            method = Self.method(besidesZero: lanes)
            takesSecondAsB = takesSecondAsA
        } else {
            method = Self.method(ofBoth: lanes, options)
        }
    }

    // MARK: Methods

    /// Lanes of `a` alone.
    private static func method(ofOne lanes: ShuffleLanes, _ options: VectorOptions) -> Method {
        if let order = lanes.doublewordOrder {
            // 3, 2, 1, 0 in two bits each.
            return .plan(order == 0xE4 ? .identity : .unaryImmediate(.pshufd, order))
        }
        if let order = lanes.wordOrder(ofUpperHalf: false) {
            return .plan(.unaryImmediate(.pshuflw, order))
        }
        if let order = lanes.wordOrder(ofUpperHalf: true) {
            return .plan(.unaryImmediate(.pshufhw, order))
        }
        if options.contains(.avx2) {
            if lanes.isBroadcast(of: 1) { return .plan(.unary(.vpbroadcastb)) }
            if lanes.isBroadcast(of: 2) { return .plan(.unary(.vpbroadcastw)) }
        }
        if let op = lanes.interleaving(isSame: true) { return .plan(.operation(op)) }
        if let start = lanes.rotationStart { return .plan(.immediate(.palignr, start)) }
        return .lookup(VectorConstant(bytes: lanes.lane))
    }

    /// Lanes of `a`, and zeroes.
    private static func method(besidesZero lanes: ShuffleLanes) -> Method {
        if lanes.zeroesAre(extending: 1) { return .plan(.unary(.pmovzxbw)) }
        if lanes.zeroesAre(extending: 2) { return .plan(.unary(.pmovzxwd)) }
        if lanes.zeroesAre(extending: 4) { return .plan(.unary(.pmovzxdq)) }
        if lanes.isLowerHalf { return .plan(.unary(.movq)) }
        return .lookup(table(lanes, ofSecond: false))
    }

    private static func method(ofBoth lanes: ShuffleLanes, _ options: VectorOptions) -> Method {
        if let op = lanes.interleaving() { return .plan(.operation(op)) }
        if let op = lanes.interleaving(isSwapped: true) {
            return .plan(.operation(op, isSwapped: true))
        }
        if let start = lanes.consecutiveStart {
            return .plan(.immediate(.palignr, start, isSwapped: true))
        }
        if let start = lanes.map({ $0 ^ 16 }).consecutiveStart {
            return .plan(.immediate(.palignr, start))
        }
        if let mask = lanes.wordBlend {
            if options.contains(.avx2), let mask = doublewords(mask) {
                return .plan(.immediate(.vpblendd, mask))
            }
            return .plan(.immediate(.pblendw, mask))
        }
        if let order = lanes.pairOrder { return .plan(.immediate(.shufps, order)) }
        if let order = lanes.map({ $0 ^ 16 }).pairOrder {
            return .plan(.immediate(.shufps, order, isSwapped: true))
        }
        return .lookups(table(lanes, ofSecond: false), table(lanes, ofSecond: true))
    }

    /// The mask of 32-bit groups that is `mask` of 16-bit groups, if there is one.
    private static func doublewords(_ mask: UInt8) -> UInt8? {
        var result: UInt8 = 0
        for place in 0..<4 {
            switch mask >> UInt8(2 * place) & 3 {
            case 0: break
            case 3: result |= 1 << UInt8(place)
            default: return nil
            }
        }
        return result
    }

    /// Lane numbers of one vector; the highest bit, which gives zero, for those of the other.
    private static func table(_ lanes: ShuffleLanes, ofSecond isSecond: Bool) -> VectorConstant {
        VectorConstant(bytes: { index in
            let lane = lanes.lane(index)
            return (lane >= 16) == isSecond ? lane & 15 : 0x80
        })
    }
}
