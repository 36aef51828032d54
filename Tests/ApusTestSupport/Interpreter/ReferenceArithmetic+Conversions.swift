internal import ApusCollections
internal import ApusFormat

/// Conversions between number types. Specification: 4.3.4.
extension ReferenceArithmetic {
    static func convert(
        _ conversion: Conversion, _ cell: UInt64
    ) throws(ReferenceTrap) -> UInt64 {
        let word = UInt32(truncatingIfNeeded: cell)
        switch conversion {
        case .i32WrapI64, .i64ExtendI32Unsigned: return UInt64(word)
        case .i64ExtendI32Signed: return UInt64(bitPattern: Int64(Int32(bitPattern: word)))
        case .i32ReinterpretF32, .i64ReinterpretF64, .f32ReinterpretI32, .f64ReinterpretI64:
            return cell
        case .f32ConvertI32Signed: return bits(Float(Int32(bitPattern: word)))
        case .f32ConvertI32Unsigned: return bits(Float(word))
        case .f32ConvertI64Signed: return bits(Float(Int64(bitPattern: cell)))
        case .f32ConvertI64Unsigned: return bits(Float(cell))
        case .f32DemoteF64: return bits(Float(float64(cell)))
        case .f64ConvertI32Signed: return Double(Int32(bitPattern: word)).bitPattern
        case .f64ConvertI32Unsigned: return Double(word).bitPattern
        case .f64ConvertI64Signed: return Double(Int64(bitPattern: cell)).bitPattern
        case .f64ConvertI64Unsigned: return Double(cell).bitPattern
        case .f64PromoteF32: return Double(float32(cell)).bitPattern
        default: return try truncate(conversion, cell)
        }
    }

    private static func bits(_ value: Float) -> UInt64 { UInt64(value.bitPattern) }

    private static func truncate(
        _ conversion: Conversion, _ cell: UInt64
    ) throws(ReferenceTrap) -> UInt64 {
        let single = float32(cell)
        let double = float64(cell)
        return switch conversion {
        case .i32TruncF32Signed: widen(try exact(single, as: Int32.self))
        case .i32TruncF32Unsigned: widen(try exact(single, as: UInt32.self))
        case .i32TruncF64Signed: widen(try exact(double, as: Int32.self))
        case .i32TruncF64Unsigned: widen(try exact(double, as: UInt32.self))
        case .i64TruncF32Signed: widen(try exact(single, as: Int64.self))
        case .i64TruncF32Unsigned: widen(try exact(single, as: UInt64.self))
        case .i64TruncF64Signed: widen(try exact(double, as: Int64.self))
        case .i64TruncF64Unsigned: widen(try exact(double, as: UInt64.self))
        case .i32TruncSatF32Signed: widen(saturated(single, as: Int32.self))
        case .i32TruncSatF32Unsigned: widen(saturated(single, as: UInt32.self))
        case .i32TruncSatF64Signed: widen(saturated(double, as: Int32.self))
        case .i32TruncSatF64Unsigned: widen(saturated(double, as: UInt32.self))
        case .i64TruncSatF32Signed: widen(saturated(single, as: Int64.self))
        case .i64TruncSatF32Unsigned: widen(saturated(single, as: UInt64.self))
        case .i64TruncSatF64Signed: widen(saturated(double, as: Int64.self))
        case .i64TruncSatF64Unsigned: widen(saturated(double, as: UInt64.self))
        default: preconditionFailure("\(conversion) does not truncate")
        }
    }

    /// The bits of an integer, without those of its sign beyond its own width.
    private static func widen<Word: FixedWidthInteger>(_ value: Word) -> UInt64 {
        let extended = UInt64(truncatingIfNeeded: value)
        return Word.bitWidth == 64 ? extended : extended & 0xFFFF_FFFF
    }

    private static func exact<Number: BinaryFloatingPoint, Word: FixedWidthInteger>(
        _ value: Number, as _: Word.Type
    ) throws(ReferenceTrap) -> Word {
        if value.isNaN { throw .invalidConversionToInteger }
        guard let word = Word(exactly: value.rounded(.towardZero)) else { throw .integerOverflow }
        return word
    }

    private static func saturated<Number: BinaryFloatingPoint, Word: FixedWidthInteger>(
        _ value: Number, as _: Word.Type
    ) -> Word {
        if value.isNaN { return 0 }
        let whole = value.rounded(.towardZero)
        return Word(exactly: whole) ?? (whole < 0 ? Word.min : Word.max)
    }
}
