public import ApusFormat

/// Values at which arithmetic goes wrong, as bits. The first of each list is 0.
enum EdgeValues {
    static let i32: [UInt64] = [
        0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 12, 15, 16, 17, 24, 31, 32, 33, 40, 63, 64, 65, 100, 127,
        128, 255, 256, 1000, 0x7FFF, 0x8000, 0xFFFF, 0x1_0000, 0xFFFE_0000, 0x7FFF_FFFE,
        0x7FFF_FFFF, 0x8000_0000, 0x8000_0001, 0xFFFF_FF00, 0xFFFF_FF7F, 0xFFFF_FF80,
        0xFFFF_FFFD, 0xFFFF_FFFE, 0xFFFF_FFFF, 0x5555_5555, 0xAAAA_AAAA, 0x4B00_0000, 0x0101_0101,
    ]
    static let i64: [UInt64] = [
        0, 1, 2, 3, 5, 8, 10, 31, 32, 33, 63, 64, 65, 127, 128, 255, 0x7FFF, 0x8000, 0xFFFF,
        0x7FFF_FFFF, 0x8000_0000, 0x8000_0001, 0xFFFF_FFFF, 0x1_0000_0000, 0x1_0000_0001,
        0x20_0000_0000_0000, 0x20_0000_0000_0001, 0x7FFF_FFFF_FFFF_FFFE, 0x7FFF_FFFF_FFFF_FFFF,
        0x8000_0000_0000_0000, 0x8000_0000_0000_0001, 0xFFFF_FFFF_0000_0000,
        0xFFFF_FFFF_7FFF_FFFF, 0xFFFF_FFFF_8000_0000, 0xFFFF_FFFF_FFFF_FF80,
        0xFFFF_FFFF_FFFF_FFFE, 0xFFFF_FFFF_FFFF_FFFF, 0x0123_4567_89AB_CDEF,
    ]
    static let f32: [UInt64] =
        ([
            0, 1, -1, 0.5, -0.5, 1.5, 2.5, -2.5, 3, 100.25, 0.1, 8_388_607.5, 8_388_608, 16_777_216,
            2_147_483_520, 2_147_483_648, -2_147_483_648, -2_147_483_904, 4_294_967_040,
            4_294_967_296, 9.223_371_5e18, 9.223_372e18, -9.223_372e18, 1.844_674_4e19, -0.99,
            .infinity, -.infinity, .greatestFiniteMagnitude, .leastNormalMagnitude,
            .leastNonzeroMagnitude, -.leastNonzeroMagnitude, -0.0,
        ] as [Float]).map { UInt64($0.bitPattern) } + [0x7FC0_0000, 0xFFC0_0000, 0x7FA0_0001]
    static let f64: [UInt64] =
        ([
            0, 1, -1, 0.5, -0.5, 1.5, 2.5, -2.5, 3, 100.25, 0.1, 4_503_599_627_370_495.5,
            4_503_599_627_370_496, 9_007_199_254_740_991, 2_147_483_647, 2_147_483_647.9,
            2_147_483_648, -2_147_483_648.9, -2_147_483_649, 4_294_967_295.9, 4_294_967_296,
            9.223_372_036_854_774e18, 9.223_372_036_854_775_8e18, -9.223_372_036_854_775_8e18,
            -9.223_372_036_854_778e18, 1.844_674_407_370_955e19, 1.844_674_407_370_955_2e19, -0.99,
            .infinity, -.infinity, .greatestFiniteMagnitude, .leastNormalMagnitude,
            .leastNonzeroMagnitude, -0.0, 1e40, 1e-40,
        ] as [Double]).map(\.bitPattern)
        + [0x7FF8_0000_0000_0000, 0xFFF8_0000_0000_0000, 0x7FF4_0000_0000_0001]

    /// The values of a number type.
    static func of(_ type: ValueType) -> [UInt64] {
        switch type {
        case .i32: i32
        case .i64: i64
        case .f32: f32
        default: f64
        }
    }
}

extension ChoiceSource {
    /// The bits of a number: mostly an edge value, sometimes a small or a random one.
    mutating func number(_ type: ValueType) -> UInt64 {
        let kind = below(10)
        let narrow = type == .i32 || type == .f32
        if kind < 6 { return pick(EdgeValues.of(type)) }
        if kind < 9 && type.isInteger {
            let small = Int64(below(300)) - 100
            return narrow ? UInt64(UInt32(truncatingIfNeeded: small)) : UInt64(bitPattern: small)
        }
        if type == .f32 { return UInt64((Float(below(4000)) / 8 - 250).bitPattern) }
        if type == .f64 { return (Double(below(4000)) / 8 - 250).bitPattern }
        return narrow ? bits64() & 0xFFFF_FFFF : bits64()
    }

    /// A vector whose lanes are mostly at the edges of integers or floats.
    mutating func vector() -> ModelVector {
        if chance(70) { return pick(ModelVector.edges) }
        if chance(50) { return ModelVector(low: bits64(), high: bits64()) }
        let bits = pick([8, 16, 32, 64])
        let lane = pick(EdgeValues.i64)
        return ModelVector(bits) { _ in lane }
    }

    /// An argument of this type. References to functions and to objects are null.
    public mutating func argument(_ type: ValueType) -> ReferenceValue {
        switch type {
        case .v128: ReferenceValue(cell: vector(), type: type)
        case .externref: .extern(chance(70) ? UInt32(below(5)) : nil)
        case .exnref: .exception(nil)
        case _ where type.isManaged: .any(nil)
        case _ where type.isReference: .function(nil)
        default: ReferenceValue(bits: number(type), type: type)
        }
    }
}
