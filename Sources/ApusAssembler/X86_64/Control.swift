internal import ApusCollections

/// Jumps, calls and what else moves the instruction pointer.
extension CodeBuffer {
    // MARK: Jumps

    /// Jumps to `label`: short if it is bound and near, or if the caller promises with `near`
    /// that it will be bound at most 127 bytes on (else `hasFailed`).
    public mutating func jump(_ label: Label, near: Bool = false) {
        let target = offset(of: label)
        if target >= 0 {
            let distance = target &- count &- 2
            if distance >= -128 {
                put(Bytes(0xEB | UInt64(UInt8(truncatingIfNeeded: distance)) &<< 8, count: 2))
            } else {
                let far = UInt32(truncatingIfNeeded: distance &- 3)
                put(Bytes(0xE9 | UInt64(far) &<< 8, count: 5))
            }
        } else if near {
            put(Bytes(0xEB, count: 2))
            refer(to: label, at: count &- 1, from: count, isByte: true)
        } else {
            put(Bytes(0xE9, count: 5))
            refer(to: label, at: count &- 4, from: count)
        }
    }

    /// Jumps to `label` if the flags fulfil `condition`; `near` as for `jump(_:near:)`.
    public mutating func jump(_ condition: Condition, _ label: Label, near: Bool = false) {
        let target = offset(of: label)
        let code = condition.code
        if target >= 0 {
            let distance = target &- count &- 2
            if distance >= -128 {
                let near = UInt64(UInt8(truncatingIfNeeded: distance))
                put(Bytes(0x70 | code | near &<< 8, count: 2))
            } else {
                let far = UInt64(UInt32(truncatingIfNeeded: distance &- 4))
                put(Bytes(0x800F | code &<< 8 | far &<< 16, count: 6))
            }
        } else if near {
            put(Bytes(0x70 | code, count: 2))
            refer(to: label, at: count &- 1, from: count, isByte: true)
        } else {
            put(Bytes(0x800F | code &<< 8, count: 6))
            refer(to: label, at: count &- 4, from: count)
        }
    }

    /// Jumps to the address in `target`.
    public mutating func jump(_ target: GPR) {
        put(Self.register(.jumpIndirect, .w32, target.code))
    }

    /// Jumps to the address stored at `address`.
    public mutating func jump(_ address: Address) {
        emit(.jumpIndirect, .w32, reg: Row.jumpIndirect.digit, address)
    }

    /// Jumps to the address that is stored `distance` bytes behind the end of this instruction of 6
    /// bytes, outside of the function.
    public mutating func jumpThrough(distance: Int32) {
        put(Bytes(0x25FF | UInt64(UInt32(bitPattern: distance)) &<< 16, count: 6))
    }

    /// Jumps to a place outside, and returns the offset of the 32-bit displacement, which counts
    /// from its own end and is to be patched.
    public mutating func jumpRelative() -> Int {
        put(Bytes(0xE9, count: 5))
        return count &- 4
    }

    /// Jumps to an address that is stored outside, and returns the offset of the 32-bit
    /// displacement, which counts from its own end and is to be patched.
    public mutating func jumpThroughRelative() -> Int {
        jumpThrough(distance: 0)
        return count &- 4
    }

    // MARK: Calls

    /// Calls the address in `target`.
    public mutating func call(_ target: GPR) {
        put(Self.register(.callIndirect, .w32, target.code))
    }

    /// Calls the address stored at `address`.
    public mutating func call(_ address: Address) {
        emit(.callIndirect, .w32, reg: Row.callIndirect.digit, address)
    }

    /// Calls a place in the present function.
    public mutating func call(_ label: Label) {
        put(Bytes(0xE8, count: 5))
        refer(to: label, at: count &- 4, from: count)
    }

    /// Calls a place outside, and returns the offset of the 32-bit displacement, which counts
    /// from its own end and is to be patched.
    public mutating func callRelative() -> Int {
        put(Bytes(0xE8, count: 5))
        return count &- 4
    }

    /// Calls the address that is stored `distance` bytes behind the end of this instruction of 6
    /// bytes, outside of the function.
    public mutating func callThrough(distance: Int32) {
        put(Bytes(0x15FF | UInt64(UInt32(bitPattern: distance)) &<< 16, count: 6))
    }

    /// Calls an address that is stored outside, and returns the offset of the 32-bit displacement,
    /// which counts from its own end and is to be patched.
    public mutating func callThroughRelative() -> Int {
        callThrough(distance: 0)
        return count &- 4
    }

    /// Takes `amount` from a 32-bit number that is stored outside, and returns the offset of the
    /// 32-bit displacement, which counts from 4 bytes behind its own end and is to be patched.
    public mutating func subtractRelative(_ amount: Int32) -> Int {
        put(Bytes(0x2D81, count: 6))
        put(Bytes(UInt64(UInt32(bitPattern: amount)), count: 4))
        return count &- 8
    }

    /// Loads a 32-bit number that is stored outside, and returns the offset of the 32-bit
    /// displacement, which counts from its own end and is to be patched.
    public mutating func loadRelative(_ register: GPR) -> Int { putRelative32(0x8B, register) }

    /// Stores a 32-bit number outside, and returns the offset of the 32-bit displacement, which
    /// counts from its own end and is to be patched.
    public mutating func storeRelative(_ register: GPR) -> Int { putRelative32(0x89, register) }

    /// Compares a 32-bit number that is stored outside with 0, and returns the offset of the 32-bit
    /// displacement, which counts from one byte behind its own end and is to be patched.
    public mutating func compareZeroRelative() -> Int {
        put(Bytes(0x3D83, count: 7))
        return count &- 5
    }

    /// Compares `register` with a 64-bit number that is stored outside, and returns the offset of
    /// the 32-bit displacement, which counts from its own end and is to be patched.
    public mutating func compareRelative(_ register: GPR) -> Int {
        putRelative(0x3B, register)
    }

    /// Puts an address outside into `register`, and returns the offset of the 32-bit displacement,
    /// which counts from its own end and is to be patched.
    public mutating func leaRelative(_ register: GPR) -> Int {
        putRelative(0x8D, register)
    }

    /// A 32-bit instruction of one byte with a register and a place outside.
    private mutating func putRelative32(_ opcode: UInt64, _ register: GPR) -> Int {
        let code = UInt64(register.code)
        let operands = opcode | (0x05 | (code & 7) &<< 3) &<< 8
        put(code < 8 ? Bytes(operands, count: 6) : Bytes(0x44 | operands &<< 8, count: 7))
        return count &- 4
    }

    /// A 64-bit instruction of one byte with a register and a place outside.
    private mutating func putRelative(_ opcode: UInt64, _ register: GPR) -> Int {
        let code = UInt64(register.code)
        let prefix = 0x48 | (code &>> 3) &<< 2
        let operands = 0x05 | (code & 7) &<< 3
        put(Bytes(prefix | opcode &<< 8 | operands &<< 16, count: 7))
        return count &- 4
    }

    /// Adds 1 to a number of 32 or 64 bits that is stored outside, and returns the offset of the
    /// 32-bit displacement, which counts from its own end and is to be patched.
    public mutating func incrementRelative(_ width: Width) -> Int {
        put(width == .w64 ? Bytes(0x05_FF48, count: 7) : Bytes(0x05FF, count: 6))
        return count &- 4
    }

    /// Returns.
    public mutating func ret() { put(Bytes(0xC3, count: 1)) }

    /// Returns and pops `bytes` of arguments.
    public mutating func ret(pop bytes: UInt16) {
        put(Bytes(0xC2 | UInt64(bytes) &<< 8, count: 3))
    }

    /// Undoes a frame: rsp = rbp, then pops rbp.
    public mutating func leave() { put(Bytes(0xC9, count: 1)) }

    /// Raises an invalid-opcode fault.
    public mutating func ud2() { put(Bytes(0x0B0F, count: 2)) }

    /// Raises a breakpoint trap.
    public mutating func int3() { put(Bytes(0xCC, count: 1)) }

    // MARK: Room

    /// Does nothing for `bytes` bytes, in as few instructions as possible.
    public mutating func nop(bytes: Int) {
        var rest = bytes
        while rest > 0 {
            let length = Swift.min(rest, 9)
            switch length {
            case 1: put(Bytes(0x90, count: 1))
            case 2: put(Bytes(0x9066, count: 2))
            case 3: put(Bytes(0x00_1F0F, count: 3))
            case 4: put(Bytes(0x0040_1F0F, count: 4))
            case 5: put(Bytes(0x00_0044_1F0F, count: 5))
            case 6: put(Bytes(0x0000_441F_0F66, count: 6))
            case 7: put(Bytes(0x00_0000_0080_1F0F, count: 7))
            case 8: put(Bytes(0x0000_0000_0084_1F0F, count: 8))
            default: put(Bytes(0x66, count: 1), Bytes(0x0000_0000_0084_1F0F, count: 8))
            }
            rest &-= length
        }
    }

    /// Processors fetch code by lines of so many bytes, and predict branches by the lines that
    /// these are in.
    public static var lineBytes: Int { 64 }

    /// Fills with instructions that do nothing until `count` is a multiple of `alignment`, a
    /// power of two.
    public mutating func align(to alignment: Int) {
        nop(bytes: (0 &- count) & (alignment &- 1))
    }
}
