internal import ApusCollections

/// How one instruction is encoded, written as its bytes are: mandatory prefix (66, F3, F2 or 00),
/// escape (0F; 38 and 3A stand for 0F 38 and 0F 3A; 00 for none), opcode.
///
/// Above these three bytes: bit 31 is W, bits 28 to 30 the opcode's extension `/digit`, and bits
/// 24 to 27 the `Extension` needed. Rows are constants: what is computed from one known while
/// compiling costs nothing when running.
struct Row: BitwiseCopyable {
    let bits: UInt32

    @inline(__always) init(_ bits: UInt32) { self.bits = bits }

    @inline(__always) init(_ bits: UInt32, digit: UInt32) { self.bits = bits | digit &<< 28 }

    @inline(__always) var opcode: UInt64 { UInt64(bits & 0xFF) }
    @inline(__always) var escape: UInt64 { UInt64(bits &>> 8 & 0xFF) }
    /// Escape and opcode as they are emitted.
    @inline(__always) var opcodeBytes: Bytes {
        if escape == 0 { return Bytes(opcode, count: 1) }
        if escape == 0x0F { return Bytes(0x0F | opcode &<< 8, count: 2) }
        return Bytes(0x0F | escape &<< 8 | opcode &<< 16, count: 3)
    }
    @inline(__always) var prefix: UInt64 { UInt64(bits &>> 16 & 0xFF) }
    @inline(__always) var digit: UInt64 { UInt64(bits &>> 28 & 7) }
    /// The REX bit W in its place.
    @inline(__always) var rex: UInt64 { UInt64(bits &>> 28 & 8) }

    /// The same instruction on bytes, whose opcode lacks the lowest bit.
    @inline(__always) func sized(_ width: Width) -> Row {
        Row(bits & (width.isByte ? ~1 : .max))
    }

    /// The row of a scalar float instruction, given the one for f32: F3 becomes F2 for f64.
    @inline(__always) func sized(_ width: FloatWidth) -> Row {
        Row(bits &- (width == .f64 ? 0x1_0000 : 0))
    }

    /// The row of an instruction whose forms for f32 and f64 have the prefixes none and 66.
    @inline(__always) func packed(_ width: FloatWidth) -> Row {
        Row(bits | (width == .f64 ? 0x66_0000 : 0))
    }
}

/// Two-operand integer arithmetic; the number is the opcode's middle bits and the digit of the
/// forms with immediates.
public enum AluOp: UInt8, CaseIterable, Hashable, BitwiseCopyable, Sendable {
    case add, or, adc, sbb, and, sub, xor, cmp

    /// `r/m, r`; the row of `r, r/m` is two more.
    @inline(__always) var row: Row { Row(UInt32(rawValue & 7) &<< 3 | 1) }
}

/// Shifts and rotations; the number is the opcode's digit.
public enum ShiftOp: UInt8, CaseIterable, Hashable, BitwiseCopyable, Sendable {
    case rol = 0
    case ror = 1
    case shl = 4
    case shr = 5
    case sar = 7

    /// Of the BMI2 form, which has no rotations.
    @inline(__always) var rowX: Row {
        switch self {
        case .shl: Row(0x66_38_F7)
        case .shr: Row(0xF2_38_F7)
        default: Row(0xF3_38_F7)
        }
    }
}

/// Two-operand scalar float arithmetic; the number is the opcode.
public enum FloatOp: UInt8, CaseIterable, Hashable, BitwiseCopyable, Sendable {
    case add = 0x58
    case mul = 0x59
    case sub = 0x5C
    case min = 0x5D
    case div = 0x5E
    case max = 0x5F

    @inline(__always) var row: Row { Row(0xF3_0F_00 | UInt32(rawValue)) }
    @inline(__always) var isCommutative: Bool { self == .add || self == .mul }
}

/// Integer and control instructions. The row of an instruction that also works on bytes is that
/// of its wider form.
extension Row {
    static var move: Row { Row(0x89) }
    static var moveLoad: Row { Row(0x8B) }
    static var moveStoreImmediate: Row { Row(0xC7) }
    static var test: Row { Row(0x85) }
    static var testImmediate: Row { Row(0xF7, digit: 0) }
    static var not: Row { Row(0xF7, digit: 2) }
    static var negate: Row { Row(0xF7, digit: 3) }
    static var multiply: Row { Row(0xF7, digit: 4) }
    static var multiplySigned: Row { Row(0xF7, digit: 5) }
    static var divide: Row { Row(0xF7, digit: 6) }
    static var divideSigned: Row { Row(0xF7, digit: 7) }
    static var lea: Row { Row(0x8D) }
    static var exchange: Row { Row(0x87) }
    static var moveZeroExtended8: Row { Row(0x0F_B6) }
    static var moveZeroExtended16: Row { Row(0x0F_B7) }
    static var moveSignExtended8: Row { Row(0x0F_BE) }
    static var moveSignExtended16: Row { Row(0x0F_BF) }
    static var moveSignExtended32: Row { Row(0x63) }
    static var imul: Row { Row(0x0F_AF) }
    static var imulImmediate: Row { Row(0x69) }
    static var imulImmediate8: Row { Row(0x6B) }
    static var shiftImmediate: Row { Row(0xC1) }
    static var shiftOnce: Row { Row(0xD1) }
    static var shiftByCL: Row { Row(0xD3) }
    static var byteSwap: Row { Row(0x0F_C8) }
    static var bsf: Row { Row(0x0F_BC) }
    static var bsr: Row { Row(0x0F_BD) }
    static var tzcnt: Row { Row(0xF3_0F_BC) }
    static var lzcnt: Row { Row(0xF3_0F_BD) }
    static var popcnt: Row { Row(0xF3_0F_B8) }
    static var set: Row { Row(0x0F_90) }
    static var cmov: Row { Row(0x0F_40) }
    static var bitTest: Row { Row(0x0F_BA, digit: 4) }
    static var loadFloatControl: Row { Row(0x0F_AE, digit: 2) }
    static var storeFloatControl: Row { Row(0x0F_AE, digit: 3) }
    static var compareExchange: Row { Row(0x0F_B1) }
    static var exchangeAdd: Row { Row(0x0F_C1) }
    static var adcx: Row { Row(0x66_38_F6) }
    static var adox: Row { Row(0xF3_38_F6) }
    static var andn: Row { Row(0x38_F2) }
    static var bzhi: Row { Row(0x38_F5) }
    static var mulx: Row { Row(0xF2_38_F6) }
    static var pdep: Row { Row(0xF2_38_F5) }
    static var pext: Row { Row(0xF3_38_F5) }
    static var blsr: Row { Row(0x38_F3, digit: 1) }
    static var blsi: Row { Row(0x38_F3, digit: 3) }
    static var rorx: Row { Row(0xF2_3A_F0) }
    static var push: Row { Row(0xFF, digit: 6) }
    static var callIndirect: Row { Row(0xFF, digit: 2) }
    static var jumpIndirect: Row { Row(0xFF, digit: 4) }
}

/// Scalar floats, and moves of whole vector registers. Rows of both widths are those of f32.
extension Row {
    static var moveVector: Row { Row(0x0F_28) }
    static var moveVectorStore: Row { Row(0x0F_29) }
    static var moveVectorUnaligned: Row { Row(0x0F_10) }
    static var moveVectorUnalignedStore: Row { Row(0x0F_11) }
    static var moveFloat: Row { Row(0xF3_0F_10) }
    static var moveFloatStore: Row { Row(0xF3_0F_11) }
    static var moveToFloat: Row { Row(0x66_0F_6E) }
    static var moveFromFloat: Row { Row(0x66_0F_7E) }
    static var squareRoot: Row { Row(0xF3_0F_51) }
    static var floatAnd: Row { VectorOp.andps.row }
    static var floatAndNot: Row { VectorOp.andnps.row }
    static var floatOr: Row { VectorOp.orps.row }
    static var floatXor: Row { VectorOp.xorps.row }
    static var compareFloat: Row { Row(0x0F_2E) }
    static var round: Row { Row(0x66_3A_0A) }
    static var convertFromInteger: Row { Row(0xF3_0F_2A) }
    static var convertToInteger: Row { Row(0xF3_0F_2C) }
    static var convertFloat: Row { Row(0xF3_0F_5A) }
}
