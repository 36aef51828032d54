internal import ApusFormat

/// A vector instruction without immediates besides a lane, as the generator needs it.
struct VectorOperation {
    var code: Int
    var operation: Operation

    /// All there are.
    private static let all: [VectorOperation] = (0..<Opcodes.count(prefix: 0xFD)).compactMap {
        code in
        Opcodes.opcode(prefix: 0xFD, code: code).map {
            VectorOperation(code: code, operation: $0.operation)
        }
    }

    private static func all(_ holds: (Operation) -> Bool) -> [VectorOperation] {
        all.filter { holds($0.operation) }
    }

    // MARK: On bits and integers

    /// Instructions that make a vector of one.
    static let unary = all {
        switch $0 {
        case .vectorNot: true
        case .vectorUnary(let shape, _): !shape.isFloat
        case .vectorConvert(let conversion): conversion.isOfIntegers
        default: false
        }
    }

    static let binary = all {
        switch $0 {
        case .vectorBitwise: true
        case .vectorCompare(let shape, _), .vectorBinary(let shape, _): !shape.isFloat
        default: false
        }
    }

    static let ternary = all {
        switch $0 {
        case .vectorBitselect: true
        case .vectorTernary(let shape, _): !shape.isFloat
        default: false
        }
    }

    static let shifts = all { if case .vectorShift = $0 { true } else { false } }

    /// Instructions that make a vector of a number.
    static func splats(of type: ValueType) -> [VectorOperation] {
        all { if case .vectorSplat(let shape) = $0 { shape.laneType == type } else { false } }
    }

    /// Instructions that put a number into a vector.
    static func replacements(by type: ValueType) -> [VectorOperation] {
        all {
            if case .vectorReplaceLane(let shape) = $0 { shape.laneType == type } else { false }
        }
    }

    /// Instructions that make a number of a vector.
    static func extractions(of type: ValueType) -> [VectorOperation] {
        all {
            switch $0 {
            case .vectorExtractLane(let shape, _): shape.laneType == type
            case .vectorAnyTrue, .vectorAllTrue, .vectorBitmask: type == .i32
            default: false
            }
        }
    }

    static let loads = all { if case .vectorLoad = $0 { true } else { false } }
    static let laneLoads = all { if case .vectorLoadLane = $0 { true } else { false } }
    static let laneStores = all { if case .vectorStoreLane = $0 { true } else { false } }

    // MARK: On floats

    static func floatUnary(_ shape: VectorShape) -> [VectorOperation] {
        all { if case .vectorUnary(shape, _) = $0 { true } else { false } }
    }

    static func floatBinary(_ shape: VectorShape) -> [VectorOperation] {
        all { if case .vectorBinary(shape, _) = $0 { true } else { false } }
    }

    static func floatTernary(_ shape: VectorShape) -> [VectorOperation] {
        all { if case .vectorTernary(shape, _) = $0 { true } else { false } }
    }

    static func floatCompare(_ shape: VectorShape) -> [VectorOperation] {
        all { if case .vectorCompare(shape, _) = $0 { true } else { false } }
    }

    /// Conversions of lanes of one kind to another; floats may come out.
    static func conversions(to shape: VectorShape) -> [VectorOperation] {
        all {
            if case .vectorConvert(let conversion) = $0 {
                conversion.floatResult == shape
            } else {
                false
            }
        }
    }

    /// Conversions of floats to integers.
    static func truncations(of shape: VectorShape) -> [VectorOperation] {
        all {
            if case .vectorConvert(let conversion) = $0 {
                conversion.floatResult == nil && conversion.floatSource == shape
            } else {
                false
            }
        }
    }
}

extension VectorShape {
    /// Type of the number that a lane is made of or becomes.
    var laneType: ValueType {
        switch self {
        case .i8x16, .i16x8, .i32x4: .i32
        case .i64x2: .i64
        case .f32x4: .f32
        case .f64x2: .f64
        }
    }
}

extension VectorConversion {
    var isOfIntegers: Bool { floatSource == nil && floatResult == nil }

    /// The shape of the operand, if its lanes are floats.
    var floatSource: VectorShape? {
        switch self {
        case .i32x4TruncSatF32x4Signed, .i32x4TruncSatF32x4Unsigned,
            .i32x4RelaxedTruncF32x4Signed, .i32x4RelaxedTruncF32x4Unsigned,
            .f64x2PromoteLowF32x4:
            .f32x4
        case .i32x4TruncSatF64x2SignedZero, .i32x4TruncSatF64x2UnsignedZero,
            .i32x4RelaxedTruncF64x2SignedZero, .i32x4RelaxedTruncF64x2UnsignedZero,
            .f32x4DemoteF64x2Zero:
            .f64x2
        default: nil
        }
    }

    /// The shape of the result, if its lanes are floats.
    var floatResult: VectorShape? {
        switch self {
        case .f32x4ConvertI32x4Signed, .f32x4ConvertI32x4Unsigned, .f32x4DemoteF64x2Zero: .f32x4
        case .f64x2ConvertLowI32x4Signed, .f64x2ConvertLowI32x4Unsigned,
            .f64x2PromoteLowF32x4:
            .f64x2
        default: nil
        }
    }
}
