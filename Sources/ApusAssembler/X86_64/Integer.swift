internal import ApusCollections

/// Integer instructions. Destinations come first; flags are as the processor leaves them.
extension CodeBuffer {
    // MARK: Arithmetic

    /// `destination = destination op source`; `cmp` only sets flags.
    public mutating func alu(_ op: AluOp, _ width: Width, _ destination: GPR, _ source: GPR) {
        put(
            Self.registers(
                op.row.sized(width), width, reg: source.code, rm: destination.code,
                needsRex: Self.needsRex(width, source, destination)))
    }

    /// `destination = destination op [address]`.
    public mutating func alu(_ op: AluOp, _ width: Width, _ destination: GPR, _ address: Address) {
        emit(
            Row(op.row.sized(width).bits &+ 2), width, reg: destination.code, address,
            needsRex: Self.needsRex(width, destination))
    }

    /// `[address] = [address] op source`.
    public mutating func alu(_ op: AluOp, _ width: Width, _ address: Address, _ source: GPR) {
        emit(
            op.row.sized(width), width, reg: source.code, address,
            needsRex: Self.needsRex(width, source))
    }

    /// `destination = destination op immediate`, sign-extended to the width, truncated for
    /// narrower ones.
    public mutating func alu(
        _ op: AluOp, _ width: Width, _ destination: GPR, immediate: Int32
    ) {
        let rm = destination.code
        var bytes: Bytes
        if width.isByte {
            bytes = Self.register(
                Row(0x80, digit: UInt32(op.rawValue)), width, rm,
                needsRex: Self.needsRex(width, destination))
            bytes.append(Self.low(immediate, 1), count: 1)
        } else if Int32(Int8(truncatingIfNeeded: immediate)) == immediate {
            bytes = Self.register(Row(0x83, digit: UInt32(op.rawValue)), width, rm)
            bytes.append(Self.low(immediate, 1), count: 1)
        } else {
            if destination == .rax {
                bytes = Self.head(Row(UInt32(op.rawValue) &<< 3 | 5), width, rex: 0)
            } else {
                bytes = Self.register(Row(0x81, digit: UInt32(op.rawValue)), width, rm)
            }
            let count: UInt64 = width == .w16 ? 2 : 4
            bytes.append(Self.low(immediate, count), count: count)
        }
        put(bytes)
    }

    /// `[address] = [address] op immediate`, sign-extended to the width, truncated for narrower
    /// ones.
    public mutating func alu(
        _ op: AluOp, _ width: Width, _ address: Address, immediate: Int32
    ) {
        let fitsByte = width.isByte || Int32(Int8(truncatingIfNeeded: immediate)) == immediate
        let row = Row(width.isByte ? 0x80 : fitsByte ? 0x83 : 0x81)
        let count: UInt64 = fitsByte ? 1 : width == .w16 ? 2 : 4
        emit(
            row, width, reg: UInt64(op.rawValue), address,
            immediate: Bytes(Self.low(immediate, count), count: count))
    }

    /// Sets flags for `a & b`.
    public mutating func test(_ width: Width, _ a: GPR, _ b: GPR) {
        put(
            Self.registers(
                Row.test.sized(width), width, reg: b.code, rm: a.code,
                needsRex: Self.needsRex(width, a, b)))
    }

    /// Sets flags for `a & immediate`.
    public mutating func test(_ width: Width, _ a: GPR, immediate: Int32) {
        var bytes: Bytes
        if a == .rax {
            bytes = Self.head(Row(width.isByte ? 0xA8 : 0xA9), width, rex: 0)
        } else {
            bytes = Self.register(
                Row.testImmediate.sized(width), width, a.code, needsRex: Self.needsRex(width, a))
        }
        let count = Self.immediateCount(width)
        bytes.append(Self.low(immediate, count), count: count)
        put(bytes)
    }

    /// Sets flags for `[address] & immediate`.
    public mutating func test(_ width: Width, _ address: Address, immediate: Int32) {
        let count = Self.immediateCount(width)
        emit(
            Row.testImmediate.sized(width), width, reg: 0, address,
            immediate: Bytes(Self.low(immediate, count), count: count))
    }

    /// `destination = -destination`.
    public mutating func negate(_ width: Width, _ destination: GPR) {
        unary(.negate, width, destination)
    }

    /// `destination = ~destination`; keeps the flags.
    public mutating func not(_ width: Width, _ destination: GPR) {
        unary(.not, width, destination)
    }

    /// rdx:rax = rax × source, unsigned (ax for bytes).
    public mutating func multiply(_ width: Width, _ source: GPR) {
        unary(.multiply, width, source)
    }

    /// rdx:rax = rax × source, signed (ax for bytes).
    public mutating func multiplySigned(_ width: Width, _ source: GPR) {
        unary(.multiplySigned, width, source)
    }

    /// rax = rdx:rax ÷ divisor, rdx the remainder, unsigned.
    public mutating func divide(_ width: Width, _ divisor: GPR) {
        unary(.divide, width, divisor)
    }

    /// rax = rdx:rax ÷ divisor, rdx the remainder, signed.
    public mutating func divideSigned(_ width: Width, _ divisor: GPR) {
        unary(.divideSigned, width, divisor)
    }

    private mutating func unary(_ row: Row, _ width: Width, _ operand: GPR) {
        put(
            Self.register(
                row.sized(width), width, operand.code, needsRex: Self.needsRex(width, operand)))
    }

    /// Fills (r)dx with the sign of (r)ax: `cwd`, `cdq` or `cqo`.
    public mutating func signExtendAccumulator(_ width: Width) {
        put(Self.head(Row(0x99), width, rex: 0))
    }

    /// `destination = destination × source`, 16 bits and wider.
    public mutating func imul(_ width: Width, _ destination: GPR, _ source: GPR) {
        put(Self.registers(.imul, width, reg: destination.code, rm: source.code))
    }

    /// `destination = destination × [address]`, 16 bits and wider.
    public mutating func imul(_ width: Width, _ destination: GPR, _ address: Address) {
        emit(.imul, width, reg: destination.code, address)
    }

    /// `destination = source × immediate`, 16 bits and wider.
    public mutating func imul(
        _ width: Width, _ destination: GPR, _ source: GPR, immediate: Int32
    ) {
        let fitsByte = Int32(Int8(truncatingIfNeeded: immediate)) == immediate
        let count: UInt64 = fitsByte ? 1 : width == .w16 ? 2 : 4
        var bytes = Self.registers(
            fitsByte ? .imulImmediate8 : .imulImmediate, width, reg: destination.code,
            rm: source.code)
        bytes.append(Self.low(immediate, count), count: count)
        put(bytes)
    }

    // MARK: Shifts

    /// Shifts or rotates in place by a constant, which the processor takes modulo the width
    /// (modulo 32 for narrow ones).
    public mutating func shift(
        _ op: ShiftOp, _ width: Width, _ destination: GPR, immediate: UInt8
    ) {
        let row: Row = immediate == 1 ? .shiftOnce : .shiftImmediate
        var bytes = Self.register(
            Row(row.sized(width).bits, digit: UInt32(op.rawValue)), width, destination.code,
            needsRex: Self.needsRex(width, destination))
        bytes.append(UInt64(immediate), if: immediate != 1)
        put(bytes)
    }

    /// Shifts or rotates in place by cl.
    public mutating func shiftByCL(_ op: ShiftOp, _ width: Width, _ destination: GPR) {
        put(
            Self.register(
                Row(Row.shiftByCL.sized(width).bits, digit: UInt32(op.rawValue)), width,
                destination.code, needsRex: Self.needsRex(width, destination)))
    }

    /// `destination = source op count`, flags kept. BMI2; `shl`, `shr` and `sar` of 32 and 64
    /// bits.
    public mutating func shiftX(
        _ op: ShiftOp, _ width: Width, _ destination: GPR, _ source: GPR, _ count: GPR
    ) {
        put(
            Self.vexRegisters(
                op.rowX, rex: width.rex, reg: destination.code, first: count.code,
                rm: source.code))
    }

    /// `destination` = `source` rotated right, flags kept. BMI2; 32 and 64 bits.
    public mutating func rorx(
        _ width: Width, _ destination: GPR, _ source: GPR, _ immediate: UInt8
    ) {
        var bytes = Self.vexRegisters(
            .rorx, rex: width.rex, reg: destination.code, first: 0, rm: source.code)
        bytes.append(UInt64(immediate), count: 1)
        put(bytes)
    }

    // MARK: Helpers

    /// Byte registers 4 to 7 are spl to dil only under a REX prefix.
    @inline(__always)
    static func needsRex(_ width: Width, _ a: GPR, _ b: GPR = .rax) -> Bool {
        width.isByte && a.rawValue | b.rawValue >= 4
    }

    @inline(__always)
    static func immediateCount(_ width: Width) -> UInt64 {
        switch width {
        case .w8: 1
        case .w16: 2
        case .w32, .w64: 4
        }
    }

    /// The `count` low bytes of an immediate.
    @inline(__always)
    static func low(_ immediate: Int32, _ count: UInt64) -> UInt64 {
        UInt64(UInt32(bitPattern: immediate)) & ((1 &<< (count &<< 3)) &- 1)
    }
}
