internal import ApusCollections

/// Moves between general registers, memory and constants.
extension CodeBuffer {
    /// `destination = source`. 32 bits clear the upper half, also of the same register.
    public mutating func move(_ width: Width, _ destination: GPR, _ source: GPR) {
        put(
            Self.registers(
                Row.move.sized(width), width, reg: source.code, rm: destination.code,
                needsRex: Self.needsRex(width, source, destination)))
    }

    /// `destination = [address]`, 32 or 64 bits (narrower ones keep the register's other bits).
    public mutating func load(_ width: Width, _ destination: GPR, _ address: Address) {
        assert(!width.isNarrow)
        emit(.moveLoad, width == .w64 ? .w64 : .w32, reg: destination.code, address)
    }

    /// `[address] = source`.
    public mutating func store(_ width: Width, _ address: Address, _ source: GPR) {
        emit(
            Row.move.sized(width), width, reg: source.code, address,
            needsRex: Self.needsRex(width, source))
    }

    /// `[address] = immediate`, sign-extended to the width, truncated for narrower ones.
    public mutating func store(_ width: Width, _ address: Address, immediate: Int32) {
        let count = Self.immediateCount(width)
        emit(
            Row.moveStoreImmediate.sized(width), width, reg: 0, address,
            immediate: Bytes(Self.low(immediate, count), count: count))
    }

    /// `destination = value`, all 64 bits, by the shortest instruction that keeps the flags.
    public mutating func moveImmediate(_ destination: GPR, _ value: UInt64) {
        let code = destination.code
        if value <= UInt64(UInt32.max) {
            var bytes = Self.head(Row(0xB8 | UInt32(code & 7)), .w32, rex: code &>> 3)
            bytes.append(value, count: 4)
            put(bytes)
        } else if let short = Int32(exactly: Int64(bitPattern: value)) {
            var bytes = Self.register(.moveStoreImmediate, .w64, code)
            bytes.append(UInt64(UInt32(bitPattern: short)), count: 4)
            put(bytes)
        } else {
            put(
                Self.head(Row(0xB8 | UInt32(code & 7)), .w64, rex: code &>> 3),
                Bytes(value, count: 8))
        }
    }

    /// `destination = 0`; changes the flags.
    public mutating func zero(_ destination: GPR) {
        alu(.xor, .w32, destination, destination)
    }

    /// `destination = [address]`, zero-extended to 64 bits.
    public mutating func loadZeroExtended(
        from width: Width, _ destination: GPR, _ address: Address
    ) {
        let reg = destination.code
        switch width {
        case .w8: emit(.moveZeroExtended8, .w32, reg: reg, address)
        case .w16: emit(.moveZeroExtended16, .w32, reg: reg, address)
        case .w32, .w64: emit(.moveLoad, width, reg: reg, address)
        }
    }

    /// `destination = [address]`, sign-extended to `target`: 32 bits (the upper half is then
    /// zero) or 64.
    public mutating func loadSignExtended(
        from width: Width, to target: Width, _ destination: GPR, _ address: Address
    ) {
        let reg = destination.code
        switch width {
        case .w8: emit(.moveSignExtended8, target, reg: reg, address)
        case .w16: emit(.moveSignExtended16, target, reg: reg, address)
        case .w32 where target == .w64: emit(.moveSignExtended32, target, reg: reg, address)
        case .w32, .w64: emit(.moveLoad, width, reg: reg, address)
        }
    }

    /// `destination = source`, zero-extended to 64 bits.
    public mutating func moveZeroExtended(
        from width: Width, _ destination: GPR, _ source: GPR
    ) {
        switch width {
        case .w8:
            // As a byte instruction, which has no prefix of its own, for the sake of sil and dil.
            put(
                Self.registers(
                    .moveZeroExtended8, .w8, reg: destination.code, rm: source.code,
                    needsRex: Self.needsRex(.w8, source)))
        case .w16:
            put(
                Self.registers(
                    .moveZeroExtended16, .w32, reg: destination.code, rm: source.code))
        case .w32, .w64: move(width, destination, source)
        }
    }

    /// `destination = source`, sign-extended to `target`: 32 bits (the upper half is then zero)
    /// or 64.
    public mutating func moveSignExtended(
        from width: Width, to target: Width, _ destination: GPR, _ source: GPR
    ) {
        let reg = destination.code
        let rm = source.code
        switch width {
        case .w8:
            put(
                Self.registers(
                    .moveSignExtended8, target == .w64 ? .w64 : .w8, reg: reg, rm: rm,
                    needsRex: Self.needsRex(.w8, source)))
        case .w16: put(Self.registers(.moveSignExtended16, target, reg: reg, rm: rm))
        case .w32 where target == .w64:
            put(Self.registers(.moveSignExtended32, target, reg: reg, rm: rm))
        case .w32, .w64: move(width, destination, source)
        }
    }

    /// `destination` = the address itself, truncated to the width (32 or 64 bits).
    public mutating func lea(_ width: Width, _ destination: GPR, _ address: Address) {
        emit(.lea, width, reg: destination.code, address)
    }

    /// `destination` = the address of a place in the present function.
    public mutating func lea(_ width: Width, _ destination: GPR, label: Label) {
        emit(.lea, width, reg: destination.code, Address(label: label))
    }

    /// `destination = source` if the flags fulfil `condition`; 32 bits clear the upper half in
    /// either case. 16 bits and wider.
    public mutating func cmov(
        _ condition: Condition, _ width: Width, _ destination: GPR, _ source: GPR
    ) {
        put(
            Self.registers(
                Row(Row.cmov.bits | UInt32(condition.rawValue)), width, reg: destination.code,
                rm: source.code))
    }

    /// `destination = [address]` if the flags fulfil `condition`; memory is read in either case.
    public mutating func cmov(
        _ condition: Condition, _ width: Width, _ destination: GPR, _ address: Address
    ) {
        emit(
            Row(Row.cmov.bits | UInt32(condition.rawValue)), width, reg: destination.code,
            address)
    }

    /// The low byte of `destination` = whether the flags fulfil `condition`; the rest is kept.
    public mutating func set(_ condition: Condition, _ destination: GPR) {
        put(
            Self.register(
                Row(Row.set.bits | UInt32(condition.rawValue)), .w8, destination.code,
                needsRex: Self.needsRex(.w8, destination)))
    }

    /// Exchanges two registers; keeps the flags.
    public mutating func exchange(_ width: Width, _ a: GPR, _ b: GPR) {
        put(
            Self.registers(
                Row.exchange.sized(width), width, reg: a.code, rm: b.code,
                needsRex: Self.needsRex(width, a, b)))
    }

    // MARK: Stack and blocks

    /// Pushes 64 bits.
    public mutating func push(_ source: GPR) {
        put(Self.head(Row(0x50 | UInt32(source.code & 7)), .w32, rex: source.code &>> 3))
    }

    /// Pushes the 64 bits at `address`.
    public mutating func push(_ address: Address) {
        emit(.push, .w32, reg: Row.push.digit, address)
    }

    /// Pops 64 bits.
    public mutating func pop(_ destination: GPR) {
        put(
            Self.head(
                Row(0x58 | UInt32(destination.code & 7)), .w32, rex: destination.code &>> 3))
    }

    /// Stores rax rcx times at rdi: `rep stosq`.
    public mutating func repeatStore64() { put(Bytes(0xAB_48_F3, count: 3)) }
}
