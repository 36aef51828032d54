internal import ApusCollections

/// Instructions on single bits, wide arithmetic, and the atomic ones.
extension CodeBuffer {
    /// Reverses the bytes; 32 or 64 bits.
    public mutating func bswap(_ width: Width, _ destination: GPR) {
        let code = destination.code
        put(
            Self.head(
                Row(Row.byteSwap.bits | UInt32(code & 7)), width, rex: code &>> 3))
    }

    /// `destination` = how many bits of `source` are set. POPCNT; 32 or 64 bits.
    public mutating func popcnt(_ width: Width, _ destination: GPR, _ source: GPR) {
        put(Self.registers(.popcnt, width, reg: destination.code, rm: source.code))
    }

    /// `destination` = leading zeros of `source`, its width for 0. LZCNT; 32 or 64 bits.
    public mutating func lzcnt(_ width: Width, _ destination: GPR, _ source: GPR) {
        put(Self.registers(.lzcnt, width, reg: destination.code, rm: source.code))
    }

    /// `destination` = trailing zeros of `source`, its width for 0. BMI1; 32 or 64 bits.
    public mutating func tzcnt(_ width: Width, _ destination: GPR, _ source: GPR) {
        put(Self.registers(.tzcnt, width, reg: destination.code, rm: source.code))
    }

    /// `destination` = the number of the highest bit set; undefined for 0, which sets ZF.
    public mutating func bsr(_ width: Width, _ destination: GPR, _ source: GPR) {
        put(Self.registers(.bsr, width, reg: destination.code, rm: source.code))
    }

    /// `destination` = the number of the lowest bit set; undefined for 0, which sets ZF.
    public mutating func bsf(_ width: Width, _ destination: GPR, _ source: GPR) {
        put(Self.registers(.bsf, width, reg: destination.code, rm: source.code))
    }

    /// CF = bit `immediate` of `source`; 16 bits and wider.
    public mutating func bt(_ width: Width, _ source: GPR, immediate: UInt8) {
        var bytes = Self.register(.bitTest, width, source.code)
        bytes.append(UInt64(immediate), count: 1)
        put(bytes)
    }

    // MARK: BMI, ADX: 32 or 64 bits

    /// `destination = ~a & b`. BMI1.
    public mutating func andn(_ width: Width, _ destination: GPR, _ a: GPR, _ b: GPR) {
        bits(.andn, width, destination, a, b)
    }

    /// `destination` = `source` without bits `index` and above. BMI2.
    public mutating func bzhi(_ width: Width, _ destination: GPR, _ source: GPR, _ index: GPR) {
        bits(.bzhi, width, destination, index, source)
    }

    /// `destination` = the bits of `source` that `mask` selects, gathered. BMI2.
    public mutating func pext(_ width: Width, _ destination: GPR, _ source: GPR, _ mask: GPR) {
        bits(.pext, width, destination, source, mask)
    }

    /// `destination` = the low bits of `source`, spread to where `mask` is set. BMI2.
    public mutating func pdep(_ width: Width, _ destination: GPR, _ source: GPR, _ mask: GPR) {
        bits(.pdep, width, destination, source, mask)
    }

    /// high:low = rdx × source, unsigned, flags kept. BMI2.
    public mutating func mulx(_ width: Width, high: GPR, low: GPR, _ source: GPR) {
        bits(.mulx, width, high, low, source)
    }

    /// `destination` = `source` without its lowest bit set. BMI1.
    public mutating func blsr(_ width: Width, _ destination: GPR, _ source: GPR) {
        put(
            Self.vexRegisters(
                .blsr, rex: width.rex, reg: 1, first: destination.code, rm: source.code))
    }

    /// `destination` = only the lowest bit set of `source`. BMI1.
    public mutating func blsi(_ width: Width, _ destination: GPR, _ source: GPR) {
        put(
            Self.vexRegisters(
                .blsi, rex: width.rex, reg: 3, first: destination.code, rm: source.code))
    }

    @inline(__always)
    private mutating func bits(
        _ row: Row, _ width: Width, _ destination: GPR, _ first: GPR, _ rm: GPR
    ) {
        put(
            Self.vexRegisters(
                row, rex: width.rex, reg: destination.code, first: first.code, rm: rm.code))
    }

    /// Adds with the carry in CF only. ADX.
    public mutating func adcx(_ width: Width, _ destination: GPR, _ source: GPR) {
        put(Self.registers(.adcx, width, reg: destination.code, rm: source.code))
    }

    /// Adds with the carry in OF only. ADX.
    public mutating func adox(_ width: Width, _ destination: GPR, _ source: GPR) {
        put(Self.registers(.adox, width, reg: destination.code, rm: source.code))
    }

    // MARK: Atomics

    /// Exchanges a register with memory, atomically.
    public mutating func exchange(_ width: Width, _ address: Address, _ source: GPR) {
        emit(
            Row.exchange.sized(width), width, reg: source.code, address,
            needsRex: Self.needsRex(width, source))
    }

    /// `[address] += source` and `source` = what was there before, atomically.
    public mutating func lockedExchangeAdd(_ width: Width, _ address: Address, _ source: GPR) {
        lock()
        emit(
            Row.exchangeAdd.sized(width), width, reg: source.code, address,
            needsRex: Self.needsRex(width, source))
    }

    /// If `[address]` is rax, it becomes `source` and ZF is set; else rax becomes what is there.
    /// Atomic.
    public mutating func lockedCompareExchange(
        _ width: Width, _ address: Address, _ source: GPR
    ) {
        lock()
        emit(
            Row.compareExchange.sized(width), width, reg: source.code, address,
            needsRex: Self.needsRex(width, source))
    }

    /// `[address] = [address] op source`, atomically; not for `cmp`.
    public mutating func lockedAlu(
        _ op: AluOp, _ width: Width, _ address: Address, _ source: GPR
    ) {
        lock()
        alu(op, width, address, source)
    }

    /// Orders all loads and stores before it before all after it.
    public mutating func mfence() { put(Bytes(0xF0_AE_0F, count: 3)) }

    private mutating func lock() { put(Bytes(0xF0, count: 1)) }
}
