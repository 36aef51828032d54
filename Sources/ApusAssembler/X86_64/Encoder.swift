internal import ApusCollections

/// Puts rows and operands together. Registers come as their numbers, rows mostly as constants,
/// so that all of this is a few shifts once inlined; nothing branches on the operands except on
/// places within the code.
extension CodeBuffer {
    // MARK: Legacy encodings

    /// Prefixes and opcode. `rex` holds the bits WRXB.
    @inline(__always)
    static func head(_ row: Row, _ width: Width, rex: UInt64, needsRex: Bool = false) -> Bytes {
        if width.isNarrow { return narrowHead(row, width, rex: rex, needsRex: needsRex) }
        let rex = rex | row.rex | width.rex
        var bytes = Bytes()
        bytes.append(row.prefix, if: row.prefix != 0)
        bytes.append(0x40 | rex, if: rex != 0)
        bytes.append(row.opcodeBytes)
        return bytes
    }

    /// The same for 8 and 16 bits, which are rare enough not to slow down the others.
    @inline(never)
    private static func narrowHead(
        _ row: Row, _ width: Width, rex: UInt64, needsRex: Bool
    ) -> Bytes {
        var bytes = Bytes()
        bytes.append(0x66, if: width == .w16)
        bytes.append(row.prefix, if: row.prefix != 0)
        bytes.append(0x40 | rex, if: rex != 0 || needsRex)
        bytes.append(row.opcodeBytes)
        return bytes
    }

    /// An instruction on the registers `reg` and `rm`.
    @inline(__always)
    static func registers(
        _ row: Row, _ width: Width, reg: UInt64, rm: UInt64, needsRex: Bool = false
    ) -> Bytes {
        var bytes = head(row, width, rex: reg &>> 1 & 4 | rm &>> 3, needsRex: needsRex)
        bytes.append(0xC0 | (reg & 7) &<< 3 | rm & 7, count: 1)
        return bytes
    }

    /// An instruction on one register, the other field being the row's digit.
    @inline(__always)
    static func register(
        _ row: Row, _ width: Width, _ rm: UInt64, needsRex: Bool = false
    ) -> Bytes {
        var bytes = head(row, width, rex: rm &>> 3, needsRex: needsRex)
        bytes.append(0xC0 | row.digit &<< 3 | rm & 7, count: 1)
        return bytes
    }

    /// ModRM, SIB and displacement of a place in memory that is not in the code.
    @inline(__always)
    static func tail(_ address: Address, reg: UInt64) -> Bytes {
        let base = address.base & 7
        var mode: UInt64 = 0x80 | (reg & 7) &<< 3
        var count: UInt64 = 5
        let displacement = Int32(truncatingIfNeeded: address.displacement)
        if Int32(Int8(truncatingIfNeeded: displacement)) == displacement {
            // rbp and r13 without displacement would mean something else, so they get a zero.
            let isShown = displacement != 0 || base == 5
            mode ^= isShown ? 0xC0 : 0x80
            count = isShown ? 2 : 1
        }
        // rsp and r12 as base are encoded like an index, as is every index.
        if address.index == 4, base != 4 {
            return Bytes(mode | base | address.displacement &<< 8, count: count)
        }
        let sib = address.scale &<< 6 | (address.index & 7) &<< 3 | base
        return Bytes(mode | 4 | sib &<< 8 | address.displacement &<< 16, count: count &+ 1)
    }

    /// ModRM and displacement of a place in the code. `trailing` counts the bytes of the
    /// instruction behind them.
    @inline(__always)
    private static func tail(inCode reg: UInt64, trailing: Int) -> Bytes {
        let addend = UInt64(UInt32(truncatingIfNeeded: -4 &- trailing))
        return Bytes(0x05 | (reg & 7) &<< 3 | addend &<< 8, count: 5)
    }

    /// Emits an instruction on `reg` and memory, of which `head` is everything before ModRM and
    /// `immediate` everything behind the displacement.
    @inline(__always)
    mutating func emit(_ head: Bytes, reg: UInt64, _ address: Address) {
        if address.isInCode { return emitInCode(head, reg, address, Bytes()) }
        put(head, Self.tail(address, reg: reg))
    }

    @inline(__always)
    mutating func emit(_ head: Bytes, reg: UInt64, _ address: Address, immediate: Bytes) {
        if address.isInCode { return emitInCode(head, reg, address, immediate) }
        put(head, Self.tail(address, reg: reg), immediate)
    }

    /// The same with an address in the code, whose displacement is to be filled in.
    @inline(never)
    private mutating func emitInCode(
        _ head: Bytes, _ reg: UInt64, _ address: Address, _ immediate: Bytes
    ) {
        let trailing = immediate.length
        put(head, Self.tail(inCode: reg, trailing: trailing), immediate)
        let position = count &- 4 &- trailing
        let number = UInt32(truncatingIfNeeded: address.displacement)
        if address.isConstant {
            refer(to: ConstantID(bits: number), at: position)
        } else {
            refer(to: Label(number: number), at: position, from: count)
        }
    }

    /// Emits an instruction on `reg` and memory.
    @inline(__always)
    mutating func emit(
        _ row: Row, _ width: Width, reg: UInt64, _ address: Address, needsRex: Bool = false
    ) {
        let rex = reg &>> 1 & 4 | address.rex
        emit(Self.head(row, width, rex: rex, needsRex: needsRex), reg: reg, address)
    }

    /// Emits an instruction on `reg` and memory that ends in an immediate.
    @inline(__always)
    mutating func emit(
        _ row: Row, _ width: Width, reg: UInt64, _ address: Address, immediate: Bytes
    ) {
        let rex = reg &>> 1 & 4 | address.rex
        emit(Self.head(row, width, rex: rex), reg: reg, address, immediate: immediate)
    }

    // MARK: VEX encodings

    /// Prefix and opcode. `rex` holds the bits WRXB; `first` is the operand that legacy encodings
    /// lack, 0 if there is none.
    @inline(__always)
    static func vexHead(
        _ row: Row, rex: UInt64, first: UInt64, isWide: Bool = false
    ) -> Bytes {
        let rex = rex | row.rex
        let prefix: UInt64 =
            row.prefix == 0 ? 0 : row.prefix == 0x66 ? 1 : 0xF5 &- row.prefix
        let last = (first ^ 15) &<< 3 | (isWide ? 4 : 0) | prefix
        if rex & 0b1011 == 0, row.escape == 0x0F {
            return Bytes(0xC5 | ((rex ^ 4) &<< 5 & 0x80 | last) &<< 8 | row.opcode &<< 16, count: 3)
        }
        let map: UInt64 = row.escape == 0x0F ? 1 : row.escape == 0x38 ? 2 : 3
        let second = (rex ^ 7) &<< 5 & 0xE0 | map
        let third = (rex & 8) &<< 4 | last
        return Bytes(0xC4 | second &<< 8 | third &<< 16 | row.opcode &<< 24, count: 4)
    }

    /// A VEX instruction on registers.
    @inline(__always)
    static func vexRegisters(
        _ row: Row, rex: UInt64 = 0, reg: UInt64, first: UInt64, rm: UInt64, isWide: Bool = false
    ) -> Bytes {
        var bytes = vexHead(
            row, rex: rex | reg &>> 1 & 4 | rm &>> 3, first: first, isWide: isWide)
        bytes.append(0xC0 | (reg & 7) &<< 3 | rm & 7, count: 1)
        return bytes
    }

    /// Emits a VEX instruction on registers and memory.
    @inline(__always)
    mutating func emitVex(
        _ row: Row, rex: UInt64 = 0, reg: UInt64, first: UInt64, _ address: Address,
        isWide: Bool = false
    ) {
        let rex = rex | reg &>> 1 & 4 | address.rex
        emit(Self.vexHead(row, rex: rex, first: first, isWide: isWide), reg: reg, address)
    }

    /// Emits a VEX instruction on registers and memory that ends in a byte.
    @inline(__always)
    mutating func emitVex(
        _ row: Row, reg: UInt64, first: UInt64, _ address: Address, byte: UInt8,
        isWide: Bool = false
    ) {
        let rex = reg &>> 1 & 4 | address.rex
        emit(
            Self.vexHead(row, rex: rex, first: first, isWide: isWide), reg: reg, address,
            immediate: Bytes(UInt64(byte), count: 1))
    }

    // MARK: SSE or AVX

    /// Emits a vector instruction on registers as the processor's features allow. Without AVX,
    /// `first` is not encoded.
    @inline(__always)
    mutating func emitVector(
        _ row: Row, rex: UInt64 = 0, reg: UInt64, first: UInt64 = 0, rm: UInt64
    ) {
        if useAVX {
            put(Self.vexRegisters(row, rex: rex, reg: reg, first: first, rm: rm))
        } else {
            var bytes = Self.head(
                row, .w32, rex: rex | reg &>> 1 & 4 | rm &>> 3)
            bytes.append(0xC0 | (reg & 7) &<< 3 | rm & 7, count: 1)
            put(bytes)
        }
    }

    /// Emits a vector instruction on registers that ends in a byte.
    @inline(__always)
    mutating func emitVector(
        _ row: Row, rex: UInt64 = 0, reg: UInt64, first: UInt64 = 0, rm: UInt64, byte: UInt8
    ) {
        var bytes: Bytes
        if useAVX {
            bytes = Self.vexRegisters(row, rex: rex, reg: reg, first: first, rm: rm)
        } else {
            bytes = Self.head(row, .w32, rex: rex | reg &>> 1 & 4 | rm &>> 3)
            bytes.append(0xC0 | (reg & 7) &<< 3 | rm & 7, count: 1)
        }
        bytes.append(UInt64(byte), count: 1)
        put(bytes)
    }

    /// Emits a vector instruction on registers and memory.
    @inline(__always)
    mutating func emitVector(
        _ row: Row, rex: UInt64 = 0, reg: UInt64, first: UInt64 = 0, _ address: Address
    ) {
        if useAVX {
            emitVex(row, rex: rex, reg: reg, first: first, address)
        } else {
            let rex = rex | reg &>> 1 & 4 | address.rex
            emit(Self.head(row, .w32, rex: rex), reg: reg, address)
        }
    }

    /// Emits a vector instruction on registers and memory that ends in a byte.
    @inline(__always)
    mutating func emitVector(
        _ row: Row, rex: UInt64 = 0, reg: UInt64, first: UInt64 = 0, _ address: Address,
        byte: UInt8
    ) {
        let rex = rex | reg &>> 1 & 4 | address.rex
        let head =
            useAVX
            ? Self.vexHead(row, rex: rex, first: first) : Self.head(row, .w32, rex: rex)
        emit(head, reg: reg, address, immediate: Bytes(UInt64(byte), count: 1))
    }
}
