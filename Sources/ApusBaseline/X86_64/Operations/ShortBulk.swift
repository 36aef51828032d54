internal import ApusABI
internal import ApusAssembler
internal import ApusCollections
internal import ApusFormat
internal import ApusVectors

/// Copies and fills whose length is a small constant, written out: two pieces cover them, which
/// may overlap. All is read before anything is written, and the last byte is touched before the
/// first one is written, so that either all of it is done or none.
extension BaselineCompiler {
    /// Longer ones are the runtime's.
    private static var writtenOutLimit: UInt64 { 32 }

    /// The register that a piece goes through.
    private enum PieceRegister {
        case general(GPR)
        case vector(XMM)
    }

    /// The length on top of the stack, if it is short.
    private var writtenOutLength: Int32? {
        // The runtime takes the fuel for what it does.
        guard !isFuelMetered, stack.last.isConstant else { return nil }
        let length = stack.last.type == .i32 ? stack.last.bits & 0xFFFF_FFFF : stack.last.bits
        guard length > 0, length <= Self.writtenOutLimit else { return nil }
        return Int32(truncatingIfNeeded: length)
    }

    /// Whether the address at `place` of the stack, of a memory that needs no checks, leaves room
    /// for what is added to it.
    private func canWriteOut(_ place: Int, _ memory: Int) -> Bool {
        guard memories[memory].checks == .none else { return false }
        let operand = stack[place]
        return !operand.isConstant || memories[memory].position(operand) < 1 << 30
    }

    /// Writes out the `memory.copy` whose operands are on the stack; false if it is not short.
    mutating func writeOutCopy(to destination: Int, from source: Int) -> Bool {
        guard let length = writtenOutLength, canWriteOut(stack.count &- 3, destination),
            canWriteOut(stack.count &- 2, source)
        else { return false }
        discard(pop())
        let from = pop()
        let to = pop()
        let piece = Self.piece(length)
        let first = allocatePiece(piece)
        let second = piece < length ? allocatePiece(piece) : nil
        let origin = shortPlace(from, source, length)
        load(first, piece, origin.address)
        if let second { load(second, piece, origin.address.advanced(by: length &- piece)) }
        release(origin)
        let target = shortPlace(to, destination, length)
        if second != nil { touchLast(target.address, length) }
        store(first, piece, target.address)
        if let second { store(second, piece, target.address.advanced(by: length &- piece)) }
        release(target)
        release(first)
        if let second { release(second) }
        return true
    }

    /// Writes out the `memory.fill` whose operands are on the stack; false if it is not short.
    mutating func writeOutFill(_ memory: Int) -> Bool {
        guard let length = writtenOutLength, canWriteOut(stack.count &- 3, memory) else {
            return false
        }
        discard(pop())
        let value = pop()
        let to = pop()
        let piece = Self.piece(length)
        let register = fillRegister(value, piece)
        let target = shortPlace(to, memory, length)
        if piece < length { touchLast(target.address, length) }
        store(register, piece, target.address)
        if piece < length {
            store(register, piece, target.address.advanced(by: length &- piece))
        }
        release(target)
        release(register)
        return true
    }

    /// The byte of `value` as often as it takes for a piece.
    private mutating func fillRegister(_ value: Operand, _ piece: Int32) -> PieceRegister {
        let everyByte: UInt64 = 0x0101_0101_0101_0101
        let register = takeOwned(value)
        if value.isConstant {
            code.moveImmediate(register, (value.bits & 0xFF) &* everyByte)
        } else {
            code.moveZeroExtended(from: .w8, register, register)
            code.moveImmediate(CallingConvention.scratch, everyByte)
            code.imul(.w64, register, CallingConvention.scratch)
        }
        if piece < 16 { return .general(register) }
        let vector = allocateFloat()
        code.moveToFloat(.w64, vector, register)
        code.vector(.punpcklqdq, vector, vector, vector)
        freeGeneral.insert(GeneralSet(register))
        return .vector(vector)
    }

    // MARK: Pieces

    /// Bytes of the pieces of which one or two cover `length`: of three bytes, two.
    private static func piece(_ length: Int32) -> Int32 {
        if length >= 16 { return 16 }
        return 1 &<< (31 &- Int32(truncatingIfNeeded: length.leadingZeroBitCount))
    }

    private mutating func allocatePiece(_ bytes: Int32) -> PieceRegister {
        bytes == 16 ? .vector(allocateFloat()) : .general(allocateGeneral())
    }

    private mutating func release(_ register: PieceRegister) {
        switch register {
        case .general(let register): freeGeneral.insert(GeneralSet(register))
        case .vector(let register): freeFloat.insert(FloatSet(register))
        }
    }

    private mutating func shortPlace(
        _ operand: Operand, _ memory: Int, _ length: Int32
    ) -> MemoryPlace {
        memoryPlace(
            operand,
            MemoryArgument(alignment: 0, memory: UInt32(truncatingIfNeeded: memory)),
            bytes: UInt64(length))
    }

    private static func width(_ piece: Int32) -> Width {
        switch piece {
        case 1: .w8
        case 2: .w16
        case 4: .w32
        default: .w64
        }
    }

    private mutating func load(_ register: PieceRegister, _ bytes: Int32, _ address: Address) {
        markSite(.memoryOutOfBounds)
        switch register {
        case .general(let register):
            code.loadZeroExtended(from: Self.width(bytes), register, address)
        case .vector(let register): code.loadVector(register, address)
        }
    }

    private mutating func store(_ register: PieceRegister, _ bytes: Int32, _ address: Address) {
        markSite(.memoryOutOfBounds)
        switch register {
        case .general(let register): code.store(Self.width(bytes), address, register)
        case .vector(let register): code.storeVector(address, register)
        }
    }

    private mutating func touchLast(_ address: Address, _ length: Int32) {
        markSite(.memoryOutOfBounds)
        code.test(.w8, address.advanced(by: length &- 1), immediate: 0)
    }
}
