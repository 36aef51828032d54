/// Scalar floats. Instructions use AVX if `useAVX` says so, else SSE2 (SSE4.1 for rounding).
///
/// Without AVX the destination is also the first source, so a move comes first when it is not.
/// Should the destination then be the second source, operands are swapped where they may be, and
/// otherwise the result is computed in xmm15, which therefore must not be such a destination.
extension CodeBuffer {
    // MARK: Arithmetic

    /// `destination = a op b`. `min` and `max` are the processor's: the second source if either
    /// is a NaN or both are zero.
    public mutating func float(
        _ op: FloatOp, _ width: FloatWidth, _ destination: XMM, _ a: XMM, _ b: XMM
    ) {
        binary(op.row.sized(width), destination, a, b, isCommutative: op.isCommutative)
    }

    /// `destination = a op [address]`.
    public mutating func float(
        _ op: FloatOp, _ width: FloatWidth, _ destination: XMM, _ a: XMM, _ address: Address
    ) {
        binary(op.row.sized(width), destination, a, address)
    }

    /// `destination` = the square root of `source`.
    public mutating func squareRoot(_ width: FloatWidth, _ destination: XMM, _ source: XMM) {
        // With AVX the upper part comes from the first source: taking the same register for
        // both waits for nothing else.
        emitVector(
            Row.squareRoot.sized(width), reg: destination.code, first: source.code,
            rm: source.code)
    }

    /// `destination` = the square root of `[address]`.
    public mutating func squareRoot(_ width: FloatWidth, _ destination: XMM, _ address: Address) {
        breakDependency(destination)
        emitVector(
            Row.squareRoot.sized(width), reg: destination.code, first: destination.code, address)
    }

    /// `destination = a & b`, all 128 bits.
    public mutating func floatAnd(_ destination: XMM, _ a: XMM, _ b: XMM) {
        binary(.floatAnd, destination, a, b, isCommutative: true)
    }

    /// `destination = a & [address]`, all 128 bits; the address is a multiple of 16.
    public mutating func floatAnd(_ destination: XMM, _ a: XMM, _ address: Address) {
        binary(.floatAnd, destination, a, address)
    }

    /// `destination = a | b`, all 128 bits.
    public mutating func floatOr(_ destination: XMM, _ a: XMM, _ b: XMM) {
        binary(.floatOr, destination, a, b, isCommutative: true)
    }

    /// `destination = a | [address]`, all 128 bits; the address is a multiple of 16.
    public mutating func floatOr(_ destination: XMM, _ a: XMM, _ address: Address) {
        binary(.floatOr, destination, a, address)
    }

    /// `destination = a ^ b`, all 128 bits. The same register thrice is the way to zero.
    public mutating func floatXor(_ destination: XMM, _ a: XMM, _ b: XMM) {
        binary(.floatXor, destination, a, b, isCommutative: true)
    }

    /// `destination = a ^ [address]`, all 128 bits; the address is a multiple of 16.
    public mutating func floatXor(_ destination: XMM, _ a: XMM, _ address: Address) {
        binary(.floatXor, destination, a, address)
    }

    /// `destination = ~a & b`, all 128 bits.
    public mutating func floatAndNot(_ destination: XMM, _ a: XMM, _ b: XMM) {
        binary(.floatAndNot, destination, a, b, isCommutative: false)
    }

    /// `destination = ~a & [address]`, all 128 bits; the address is a multiple of 16.
    public mutating func floatAndNot(_ destination: XMM, _ a: XMM, _ address: Address) {
        binary(.floatAndNot, destination, a, address)
    }

    /// The processor's control and status of floats = the 32 bits at `address`.
    public mutating func loadFloatControl(_ address: Address) {
        emit(.loadFloatControl, .w32, reg: Row.loadFloatControl.digit, address)
    }

    /// The 32 bits at `address` = the processor's control and status of floats.
    public mutating func storeFloatControl(_ address: Address) {
        emit(.storeFloatControl, .w32, reg: Row.storeFloatControl.digit, address)
    }

    /// Sets flags: ZF, PF, CF = 111 if unordered, 000 if `a > b`, 001 if `a < b`, 100 if equal.
    public mutating func compareFloat(_ width: FloatWidth, _ a: XMM, _ b: XMM) {
        emitVector(Row.compareFloat.packed(width), reg: a.code, rm: b.code)
    }

    /// Sets flags as for registers.
    public mutating func compareFloat(_ width: FloatWidth, _ a: XMM, _ address: Address) {
        emitVector(Row.compareFloat.packed(width), reg: a.code, address)
    }

    // MARK: Moves

    /// `destination = source`, all 128 bits.
    public mutating func move(_ destination: XMM, _ source: XMM) {
        // The source encoded as `reg` keeps the prefix short if only it is a high register.
        if useAVX, source.rawValue >= 8, destination.rawValue < 8 {
            put(
                Self.vexRegisters(
                    .moveVectorStore, reg: source.code, first: 0, rm: destination.code))
        } else {
            emitVector(.moveVector, reg: destination.code, rm: source.code)
        }
    }

    /// `destination = [address]`; the rest of the register becomes zero.
    public mutating func loadFloat(_ width: FloatWidth, _ destination: XMM, _ address: Address) {
        emitVector(Row.moveFloat.sized(width), reg: destination.code, address)
    }

    /// `[address] = source`.
    public mutating func storeFloat(_ width: FloatWidth, _ address: Address, _ source: XMM) {
        emitVector(Row.moveFloatStore.sized(width), reg: source.code, address)
    }

    /// `destination` = 16 bytes at `address`, a multiple of 16 if `aligned`.
    public mutating func loadVector(_ destination: XMM, _ address: Address, aligned: Bool = false) {
        emitVector(
            aligned ? .moveVector : .moveVectorUnaligned, reg: destination.code, address)
    }

    /// 16 bytes at `address`, a multiple of 16 if `aligned`, = `source`.
    public mutating func storeVector(_ address: Address, _ source: XMM, aligned: Bool = false) {
        emitVector(
            aligned ? .moveVectorStore : .moveVectorUnalignedStore, reg: source.code, address)
    }

    /// `destination` = 32 or 64 bits of `source`; the rest of the register becomes zero.
    public mutating func moveToFloat(_ width: Width, _ destination: XMM, _ source: GPR) {
        emitVector(.moveToFloat, rex: width.rex, reg: destination.code, rm: source.code)
    }

    /// `destination` = the low 32 (zero-extended) or 64 bits of `source`.
    public mutating func moveFromFloat(_ width: Width, _ destination: GPR, _ source: XMM) {
        emitVector(.moveFromFloat, rex: width.rex, reg: source.code, rm: destination.code)
    }

    // MARK: Conversions

    /// `destination` = `source` rounded to an integer. SSE4.1.
    public mutating func round(
        _ mode: RoundingMode, _ width: FloatWidth, _ destination: XMM, _ source: XMM
    ) {
        emitVector(
            Row(Row.round.bits &+ (width == .f64 ? 1 : 0)), reg: destination.code,
            first: source.code, rm: source.code, byte: mode.immediate)
    }

    /// `destination` = the float nearest to the signed integer `source` of 32 or 64 bits. Zeroes
    /// the destination first, since the conversion would wait for its old value.
    public mutating func convertToFloat(
        _ width: FloatWidth, from integer: Width, _ destination: XMM, _ source: GPR
    ) {
        breakDependency(destination)
        emitVector(
            Row.convertFromInteger.sized(width), rex: integer.rex, reg: destination.code,
            first: destination.code, rm: source.code)
    }

    /// `destination` = the signed integer of 32 (zero-extended) or 64 bits that `source` has
    /// before its point; only the highest bit set if there is none.
    public mutating func convertToInteger(
        _ integer: Width, from width: FloatWidth, _ destination: GPR, _ source: XMM
    ) {
        emitVector(
            Row.convertToInteger.sized(width), rex: integer.rex, reg: destination.code,
            rm: source.code)
    }

    /// `destination` = the float of the other width that is nearest to `source`: to f32 from
    /// f64, or to f64 from f32.
    public mutating func convertFloat(to width: FloatWidth, _ destination: XMM, _ source: XMM) {
        emitVector(
            Row.convertFloat.sized(width == .f32 ? .f64 : .f32), reg: destination.code,
            first: source.code, rm: source.code)
    }

    // MARK: Two and three operands

    /// `destination = a op b`.
    @inline(__always)
    mutating func binary(
        _ row: Row, _ destination: XMM, _ a: XMM, _ b: XMM, isCommutative: Bool
    ) {
        if useAVX {
            // A high register as the second source would take a longer prefix.
            let swaps = isCommutative && b.rawValue & 8 > a.rawValue & 8
            put(
                Self.vexRegisters(
                    row, reg: destination.code, first: swaps ? b.code : a.code,
                    rm: swaps ? a.code : b.code))
        } else if isCommutative, destination == b {
            emitVector(row, reg: destination.code, rm: a.code)
        } else {
            let target = prepareFirst(destination, a, b)
            emitVector(row, reg: target.code, rm: b.code)
            if target != destination { move(destination, target) }
        }
    }

    /// `destination = a op [address]`.
    @inline(__always)
    mutating func binary(_ row: Row, _ destination: XMM, _ a: XMM, _ address: Address) {
        if !useAVX, destination != a { move(destination, a) }
        emitVector(row, reg: destination.code, first: a.code, address)
    }

    /// Without AVX: puts the first source where the result is to be computed, and returns that
    /// register: the destination, or xmm15 if the destination is still to be read.
    mutating func prepareFirst(_ destination: XMM, _ a: XMM, _ b: XMM) -> XMM {
        if destination == a { return destination }
        let target = destination == b ? .xmm15 : destination
        if target != a { move(target, a) }
        return target
    }

    @inline(__always)
    private mutating func breakDependency(_ register: XMM) {
        emitVector(.floatXor, reg: register.code, first: register.code, rm: register.code)
    }
}

/// How to round to an integer; the number is the immediate's low bits.
public enum RoundingMode: UInt8, CaseIterable, Hashable, BitwiseCopyable, Sendable {
    case nearest, floor, ceiling, truncate

    /// Bit 3 keeps inexact results from being reported.
    @inline(__always) var immediate: UInt8 { rawValue | 8 }
}
