/// An expression of the text format that gives an i32, and what it gives. Its registers may have
/// anything in their upper halves unless the compiler sees to it.
struct AddressProducer: Sendable {
    /// What the expressions are made of: `$a`, `$b` and `$w` of their functions.
    struct Inputs: Sendable {
        var a: UInt32
        var b: UInt32
        var w: UInt64

        /// Such that most expressions give addresses at edges: of pages, of signs, of all.
        static let all = [
            Inputs(a: 16, b: 0, w: 0xFFFF_FFFF_0000_0010),
            Inputs(a: 0xFFFF_FFF0, b: 0x20, w: 0x8000_0000_7FFF_FFFF),
            Inputs(a: 0x8000_0000, b: 0x8000_0010, w: 0x0000_0001_8000_0000),
            Inputs(a: 0xFFFF_FFFF, b: 1, w: 0xDEAD_BEEF_0000_FFF0),
            Inputs(a: 0x7FFF_FFF8, b: 4, w: .max),
            Inputs(a: 0xFFF0, b: 33, w: 1 << 63),
        ]
    }

    var text: String
    var value: @Sendable (Inputs) -> UInt32

    init(_ text: String, _ value: @escaping @Sendable (Inputs) -> UInt32) {
        self.text = text
        self.value = value
    }

    /// What the expressions import.
    static let imports = """
        (import "host" "same" (func $host (param i32) (result i32)))

        """

    /// What they need besides the memory `$bytes`, which has F0 FE 00 80 at 64.
    static let declarations = """
        (table $table 3 3 funcref)
        (memory $full 1 1)
        (global $global (mut i32) (i32.const 0))
        (func $same (param i32) (result i32) (local.get 0))
        (func $sum (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
        (func $low (param i64) (result i32) (i32.wrap_i64 (local.get 0)))
        (func $two (param i32 i32) (result i32 i32) (local.get 1) (local.get 0))

        """

    private static func binary(
        _ name: String, _ value: @escaping @Sendable (UInt32, UInt32) -> UInt32
    ) -> AddressProducer {
        AddressProducer("(i32.\(name) (local.get $a) (local.get $b))") { value($0.a, $0.b) }
    }

    private static func signed(_ bits: UInt32) -> Int32 { Int32(bitPattern: bits) }

    static let all: [AddressProducer] = arithmetic + memories + control

    private static let arithmetic = [
        AddressProducer("(local.get $a)") { $0.a },
        binary("add") { $0 &+ $1 },
        binary("sub") { $0 &- $1 },
        binary("mul") { $0 &* $1 },
        binary("and") { $0 & $1 },
        binary("or") { $0 | $1 },
        binary("xor") { $0 ^ $1 },
        binary("shl") { $0 &<< $1 },
        binary("shr_u") { $0 &>> $1 },
        binary("shr_s") { UInt32(bitPattern: signed($0) &>> signed($1)) },
        binary("rotl") { $0 &<< ($1 & 31) | $0 &>> (0 &- $1 & 31) },
        binary("rotr") { $0 &>> ($1 & 31) | $0 &<< (0 &- $1 & 31) },
        AddressProducer("(i32.div_s (local.get $a) (i32.const 3))") {
            UInt32(bitPattern: signed($0.a) / 3)
        },
        AddressProducer("(i32.rem_s (local.get $a) (i32.const 4097))") {
            UInt32(bitPattern: signed($0.a) % 4097)
        },
        AddressProducer("(i32.add (local.get $a) (i32.const -8))") { $0.a &- 8 },
        AddressProducer("(i32.sub (i32.const 8) (local.get $a))") { 8 &- $0.a },
        AddressProducer("(i32.shl (local.get $a) (i32.const 3))") { $0.a &<< 3 },
        AddressProducer("(i32.xor (local.get $a) (i32.const -1))") { ~$0.a },
        AddressProducer("(i32.extend8_s (local.get $a))") {
            UInt32(bitPattern: Int32(Int8(truncatingIfNeeded: $0.a)))
        },
        AddressProducer("(i32.extend16_s (local.get $a))") {
            UInt32(bitPattern: Int32(Int16(truncatingIfNeeded: $0.a)))
        },
        AddressProducer("(i32.wrap_i64 (local.get $w))") { UInt32(truncatingIfNeeded: $0.w) },
        AddressProducer("(i32.wrap_i64 (i64.add (local.get $w) (i64.const -16)))") {
            UInt32(truncatingIfNeeded: $0.w &- 16)
        },
        AddressProducer("(i32.wrap_i64 (i64.shr_s (local.get $w) (i64.const 8)))") {
            UInt32(truncatingIfNeeded: Int64(bitPattern: $0.w) &>> 8)
        },
        AddressProducer("(i32.wrap_i64 (i64.extend_i32_s (local.get $a)))") { $0.a },
        AddressProducer("(i32.reinterpret_f32 (f32.reinterpret_i32 (local.get $a)))") { $0.a },
        AddressProducer("(i32.trunc_sat_f64_s (f64.convert_i32_s (local.get $a)))") { $0.a },
        AddressProducer("(i32.trunc_f64_u (f64.convert_i32_u (local.get $a)))") { $0.a },
        AddressProducer("(i32x4.extract_lane 1 (i32x4.splat (local.get $a)))") { $0.a },
        AddressProducer("(i8x16.extract_lane_s 3 (i32x4.splat (local.get $a)))") {
            UInt32(bitPattern: Int32(Int8(truncatingIfNeeded: $0.a >> 24)))
        },
        AddressProducer("(i32.sub (i32.const 0) (i32.eqz (local.get $b)))") {
            $0.b == 0 ? .max : 0
        },
    ]

    private static let memories = [
        AddressProducer("(i32.load8_s $bytes (i32.const 64))") { _ in 0xFFFF_FFF0 },
        AddressProducer("(i32.load16_s $bytes (i32.const 64))") { _ in 0xFFFF_FEF0 },
        AddressProducer("(i32.load $bytes (i32.const 64))") { _ in 0x8000_FEF0 },
        AddressProducer("(i32.wrap_i64 (i64.load32_s $bytes (i32.const 64)))") { _ in 0x8000_FEF0 },
        AddressProducer("(table.size $table)") { _ in 3 },
        AddressProducer("(table.grow $table (ref.null func) (i32.const 1))") { _ in .max },
        AddressProducer("(memory.size $full)") { _ in 1 },
        AddressProducer("(memory.grow $full (i32.const 1))") { _ in .max },
        AddressProducer(
            "(block (result i32) (global.set $global (local.get $a)) (global.get $global))"
        ) { $0.a },
    ]

    private static let control = [
        AddressProducer("(call $same (local.get $a))") { $0.a },
        AddressProducer("(call $sum (local.get $a) (local.get $b))") { $0.a &+ $0.b },
        AddressProducer("(call $low (local.get $w))") { UInt32(truncatingIfNeeded: $0.w) },
        AddressProducer("(call $host (local.get $a))") { $0.a },
        AddressProducer("(call $two (local.get $a) (local.get $b)) (drop)") { $0.b },
        AddressProducer(
            """
            (if (result i32) (local.get $b)
              (then (i32.sub (local.get $a) (local.get $b))) (else (i32.wrap_i64 (local.get $w))))
            """
        ) { $0.b == 0 ? UInt32(truncatingIfNeeded: $0.w) : $0.a &- $0.b },
        AddressProducer(
            """
            (block (result i32)
              (br_if 0 (i32.wrap_i64 (local.get $w)) (local.get $b)) (drop) (local.get $a))
            """
        ) { $0.b == 0 ? $0.a : UInt32(truncatingIfNeeded: $0.w) },
        AddressProducer(
            "(select (i32.wrap_i64 (local.get $w)) (local.get $a) (local.get $b))"
        ) { $0.b == 0 ? $0.a : UInt32(truncatingIfNeeded: $0.w) },
        AddressProducer(
            """
            (local.set $i (local.get $a))
            (local.set $n (i32.const 3))
            (loop
              (local.set $i (i32.add (local.get $i) (local.get $b)))
              (local.set $n (i32.sub (local.get $n) (i32.const 1)))
              (br_if 0 (local.get $n)))
            (local.get $i)
            """
        ) { $0.a &+ $0.b &* 3 },
    ]
}
