internal import ApusFormat

/// A numeric instruction as the generator needs it: opcode and types. Specification: 5.4.9.
struct NumericOperation {
    var opcode: [UInt8]
    var operands: [ValueType]
    var result: ValueType
    var hazard = Hazard.none

    /// What can make the outcome a trap, or leave it open.
    enum Hazard {
        case none
        /// Traps when the second operand is 0 or -1.
        case divides
        /// Traps outside of the integer type's range.
        case truncates
        /// Shows the bits or the sign of the last operand, which must not be an arithmetic NaN.
        case showsBits
    }

    /// The instructions that give a value of this type.
    static func giving(_ type: ValueType) -> [NumericOperation] {
        switch type {
        case .i32: i32
        case .i64: i64
        case .f32: f32
        case .f64: f64
        default: []
        }
    }

    private static let i32 =
        integer(.i32, unary: [0x67, 0x68, 0x69, 0xC0, 0xC1], firstBinary: 0x6A)
        + compare(.i32, 0x46...0x4F) + compare(.i64, 0x51...0x5A)
        + compare(.f32, 0x5B...0x60) + compare(.f64, 0x61...0x66)
        + [
            one(0x45, .i32, .i32), one(0x50, .i64, .i32), one(0xA7, .i64, .i32),
            one(0xA8, .f32, .i32, .truncates), one(0xA9, .f32, .i32, .truncates),
            one(0xAA, .f64, .i32, .truncates), one(0xAB, .f64, .i32, .truncates),
            one(0xBC, .f32, .i32, .showsBits),
        ] + saturating(0...3, .i32)

    private static let i64 =
        integer(.i64, unary: [0x79, 0x7A, 0x7B, 0xC2, 0xC3, 0xC4], firstBinary: 0x7C)
        + [
            one(0xAC, .i32, .i64), one(0xAD, .i32, .i64),
            one(0xAE, .f32, .i64, .truncates), one(0xAF, .f32, .i64, .truncates),
            one(0xB0, .f64, .i64, .truncates), one(0xB1, .f64, .i64, .truncates),
            one(0xBD, .f64, .i64, .showsBits),
        ] + saturating(4...7, .i64)

    private static let f32 =
        float(.f32, firstUnary: 0x8B)
        + [
            one(0xB2, .i32, .f32), one(0xB3, .i32, .f32), one(0xB4, .i64, .f32),
            one(0xB5, .i64, .f32), one(0xB6, .f64, .f32), one(0xBE, .i32, .f32),
        ]

    private static let f64 =
        float(.f64, firstUnary: 0x99)
        + [
            one(0xB7, .i32, .f64), one(0xB8, .i32, .f64), one(0xB9, .i64, .f64),
            one(0xBA, .i64, .f64), one(0xBB, .f32, .f64), one(0xBF, .i64, .f64),
        ]

    private static func one(
        _ opcode: UInt8, _ operand: ValueType, _ result: ValueType, _ hazard: Hazard = .none
    ) -> NumericOperation {
        NumericOperation(opcode: [opcode], operands: [operand], result: result, hazard: hazard)
    }

    /// Add, subtract, multiply, four divisions, bitwise operators, shifts and rotations.
    private static func integer(
        _ type: ValueType, unary: [UInt8], firstBinary: UInt8
    ) -> [NumericOperation] {
        let binary = (UInt8(0)..<15).map { position in
            NumericOperation(
                opcode: [firstBinary + position], operands: [type, type], result: type,
                hazard: (3...6).contains(position) ? .divides : .none)
        }
        return binary + unary.map { one($0, type, type) }
    }

    /// Seven unary operators, then add, subtract, multiply, divide, min, max, copysign.
    private static func float(_ type: ValueType, firstUnary: UInt8) -> [NumericOperation] {
        let unary = (UInt8(0)..<7).map { one(firstUnary + $0, type, type) }
        let binary = (UInt8(7)..<14).map { position in
            NumericOperation(
                opcode: [firstUnary + position], operands: [type, type], result: type,
                hazard: position == 13 ? .showsBits : .none)
        }
        return binary + unary
    }

    private static func compare(
        _ type: ValueType, _ opcodes: ClosedRange<UInt8>
    ) -> [NumericOperation] {
        opcodes.map { NumericOperation(opcode: [$0], operands: [type, type], result: .i32) }
    }

    private static func saturating(
        _ codes: ClosedRange<UInt8>, _ result: ValueType
    ) -> [NumericOperation] {
        codes.map { code in
            NumericOperation(
                opcode: [0xFC, code], operands: [code & 2 == 0 ? .f32 : .f64], result: result)
        }
    }
}
