/// Operand and result types of the instructions 0x45 to 0xC4, which have no immediates: a byte
/// each, so that validation looks them up instead of taking an operation apart.
///
/// `NumericSignatureTests` compares every row with what the instruction table's operation says.
struct NumericSignature {
    let packed: UInt8

    // Bits 0 and 1: the result; bits 2 and 3: the operands; bit 4: there are two.

    var isBinary: Bool { @inline(__always) get { packed & 16 != 0 } }
    var operand: ValueType {
        @inline(__always) get { ValueType(bits: 0x7F &- UInt32(packed >> 2 & 3)) }
    }
    var result: ValueType { @inline(__always) get { ValueType(bits: 0x7F &- UInt32(packed & 3)) } }

    private init(packed: UInt8) { self.packed = packed }

    @inline(__always)
    static func of(_ opcode: UInt8) -> NumericSignature {
        let place = Int(opcode &- 0x45)
        return NumericSignature(packed: table.span[place & 127])
    }

    // Numbers as in the value types' codes: 0 i32, 1 i64, 2 f32, 3 f64.
    private static let table: InlineArray<128, UInt8> = [
        // 0x45 i32.eqz, comparisons
        0, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16,
        // 0x50 i64.eqz, comparisons
        4, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20,
        // 0x5B f32 comparisons
        24, 24, 24, 24, 24, 24,
        // 0x61 f64 comparisons
        28, 28, 28, 28, 28, 28,
        // 0x67 i32 unary, binary
        0, 0, 0, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16,
        // 0x79 i64 unary, binary
        5, 5, 5, 21, 21, 21, 21, 21, 21, 21, 21, 21, 21, 21, 21, 21, 21, 21,
        // 0x8B f32 unary, binary
        10, 10, 10, 10, 10, 10, 10, 26, 26, 26, 26, 26, 26, 26,
        // 0x99 f64 unary, binary
        15, 15, 15, 15, 15, 15, 15, 31, 31, 31, 31, 31, 31, 31,
        // 0xA7 i32 from i64, f32 ×2, f64 ×2
        4, 8, 8, 12, 12,
        // 0xAC i64 from i32 ×2, f32 ×2, f64 ×2
        1, 1, 9, 9, 13, 13,
        // 0xB2 f32 from i32 ×2, i64 ×2, f64
        2, 2, 6, 6, 14,
        // 0xB7 f64 from i32 ×2, i64 ×2, f32
        3, 3, 7, 7, 11,
        // 0xBC reinterpretations: i32 f32, i64 f64, f32 i32, f64 i64
        8, 13, 2, 7,
        // 0xC0 sign extensions
        0, 0, 5, 5, 5,
    ]
}
