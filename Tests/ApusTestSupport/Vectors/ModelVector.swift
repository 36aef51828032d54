internal import ApusCollections

/// 128 bits as lanes of any width.
public struct ModelVector: Hashable, Sendable, CustomStringConvertible {
    public var low: UInt64
    public var high: UInt64

    public init(low: UInt64 = 0, high: UInt64 = 0) {
        self.low = low
        self.high = high
    }

    /// Lane `index` of `bits` bits, without sign.
    public subscript(bits: Int, index: Int) -> UInt64 {
        get {
            let place = bits * index
            let half = place < 64 ? low : high
            let lane = half >> UInt64(place % 64)
            return bits == 64 ? lane : lane & (1 << UInt64(bits) - 1)
        }
        set {
            let place = UInt64(bits * index % 64)
            let mask: UInt64 = (bits == 64 ? .max : 1 << UInt64(bits) - 1) << place
            let lane = newValue << place & mask
            if bits * index < 64 {
                low = low & ~mask | lane
            } else {
                high = high & ~mask | lane
            }
        }
    }

    /// Lane `index` of `bits` bits, with its sign.
    public func signed(_ bits: Int, _ index: Int) -> Int64 {
        let lane = self[bits, index] << UInt64(64 - bits)
        return Int64(bitPattern: lane) >> Int64(64 - bits)
    }

    /// Lane `index` is the low `bits` bits of `lane(index)`.
    public init(_ bits: Int, _ lane: (Int) -> UInt64) {
        self.init()
        for index in 0..<(128 / bits) { self[bits, index] = lane(index) }
    }

    public func single(_ index: Int) -> Float {
        Float(bitPattern: UInt32(truncatingIfNeeded: self[32, index]))
    }

    public func double(_ index: Int) -> Double { Double(bitPattern: self[64, index]) }

    public init(singles: (Int) -> Float) { self.init(32) { UInt64(singles($0).bitPattern) } }
    public init(doubles: (Int) -> Double) { self.init(64) { doubles($0).bitPattern } }

    /// `0x` and 32 digits, the first lane last, as functions in static single assignment form
    /// write it.
    public var description: String {
        "0x"
            + [high, low].map { half in
                let digits = String(half, radix: 16)
                return String(repeating: "0", count: 16 - digits.count) + digits
            }.joined()
    }

    /// Vectors with lanes at the edges of integers and floats of all widths.
    public static let edges: [ModelVector] = {
        let doubles: [Double] = [
            0, -0.0, .nan, .infinity, -1.5, 2_147_483_648, -2_147_483_649, 4_294_967_296, 0.5,
            4_294_967_295.5, 1e300, -.infinity,
        ]
        let singles: [Float] = [
            0, -0.0, .nan, -.infinity, 2.5, -2.5, 2_147_483_648, 4_294_967_040, -1, 0x1p-133, 3e38,
            1,
        ]
        var vectors = [
            ModelVector(), ModelVector(low: .max, high: .max),
            ModelVector(low: 0x7FFF_8000_8001_7F80, high: 0x8000_0000_0000_0000),
            ModelVector(low: 0x0102_0408_1020_4080, high: 0x7FFF_FFFF_FFFF_FFFF),
            ModelVector(low: 0x8000_0000_7FFF_FFFF, high: 0x0F0E_0D0C_0B0A_0908),
            // Signalling NaNs.
            ModelVector(low: 0x7F80_0001_FF80_0001, high: 0x7FF0_0000_0000_0001),
        ]
        for start in stride(from: 0, to: 12, by: 4) {
            vectors.append(ModelVector(singles: { singles[start + $0] }))
            vectors.append(ModelVector(doubles: { doubles[start + $0] }))
            vectors.append(ModelVector(doubles: { doubles[start + 3 - $0] }))
        }
        return vectors
    }()
}
