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
        mutating get {
            // The runtime takes the fuel for what it does.
            guard !isFuelMetered, stack.last.isConstant else { return nil }
            let length = stack.last.type == .i32 ? stack.last.bits & 0xFFFF_FFFF : stack.last.bits
            guard length > 0, length <= Self.writtenOutLimit else { return nil }
            return Int32(truncatingIfNeeded: length)
        }
    }

    /// Whether the address at `place` of the stack, of a memory that needs no checks, leaves room
    /// for what is added to it.
    private mutating func canWriteOut(_ place: Int, _ memory: Int) -> Bool {
        guard memories[memory].checks == .none else { return false }
        let operand = stack[place]
        return !operand.isConstant || memories[memory].position(operand) < 1 << 30
    }

    /// Whether the length on top of the stack is 0: then only an address beyond the end of its
    /// memory traps.
    private var isOnNothing: Bool {
        mutating get {
            !isFuelMetered && stack.last.isConstant && stack.last.bits == 0
        }
    }

    private mutating func checkStart(_ memory: Int) {
        let address = take(pop())
        code.alu(.cmp, .w64, address.register, memoryField(memory, offset: 8))
        trap(.memoryOutOfBounds, if: .a)
        release(address)
    }

    /// Writes out the `memory.copy` whose operands are on the stack; false if it is not short.
    mutating func writeOutCopy(to destination: Int, from source: Int) -> Bool {
        if isOnNothing {
            discard(pop())
            checkStart(source)
            checkStart(destination)
            return true
        }
        guard let length = writtenOutLength, canWriteOut(stack.count &- 3, destination),
            canWriteOut(stack.count &- 2, source)
        else { return false }
        discard(pop())
        let from = pop()
        let pieces = allocatePieces(length)
        let origin = shortPlace(from, source, length)
        load(pieces, origin.address)
        release(origin)
        store(pieces, destination)
        return true
    }

    /// Writes out the `memory.init` whose operands are on the stack; false if it is not short, or
    /// not at a constant place of a segment that has one.
    mutating func writeOutInit(_ memory: Int, from segment: Int) -> Bool {
        if isOnNothing {
            discard(pop())
            let source = take(pop())
            // Of one that is active nothing is left, and so it is of one that has been dropped.
            code.alu(
                .cmp, .w64, source.register,
                Address(CallingConvention.context, layout.dataSegment(segment) &+ 8))
            trap(.memoryOutOfBounds, if: .a)
            release(source)
            checkStart(memory)
            return true
        }
        guard let length = writtenOutLength, canWriteOut(stack.count &- 3, memory),
            stack[stack.count &- 2].isConstant, layout.hasRecord(ofData: segment)
        else { return false }
        let source = stack[stack.count &- 2].bits & 0xFFFF_FFFF
        let end = source &+ UInt64(length)
        guard end <= UInt64(module.data[segment].contents.count), end < 1 << 30 else {
            return false
        }
        discard(pop())
        discard(pop())
        let record = layout.dataSegment(segment)
        // It may have been dropped.
        code.alu(
            .cmp, .w64, Address(CallingConvention.context, record &+ 8),
            immediate: Int32(truncatingIfNeeded: end))
        trap(.memoryOutOfBounds, if: .b)
        let pieces = allocatePieces(length)
        let scratch = CallingConvention.scratch
        code.load(.w64, scratch, Address(CallingConvention.context, record))
        load(pieces, Address(scratch, Int32(truncatingIfNeeded: source)))
        store(pieces, memory)
        return true
    }

    /// Writes out the `memory.fill` whose operands are on the stack; false if it is not short.
    mutating func writeOutFill(_ memory: Int) -> Bool {
        if isOnNothing {
            discard(pop())
            discard(pop())
            checkStart(memory)
            return true
        }
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
        free(register)
        return .vector(vector)
    }

    // MARK: Pieces

    /// What is copied, between having been read and being written.
    private struct Pieces {
        var length: Int32
        /// Bytes of each.
        var bytes: Int32
        var first: PieceRegister
        var second: PieceRegister?
    }

    private mutating func allocatePieces(_ length: Int32) -> Pieces {
        let bytes = Self.piece(length)
        let first = allocatePiece(bytes)
        return Pieces(
            length: length, bytes: bytes, first: first,
            second: bytes < length ? allocatePiece(bytes) : nil)
    }

    private mutating func load(_ pieces: Pieces, _ address: Address) {
        load(pieces.first, pieces.bytes, address)
        if let second = pieces.second {
            load(second, pieces.bytes, address.advanced(by: pieces.length &- pieces.bytes))
        }
    }

    /// Writes the pieces to the address on top of the stack and frees their registers.
    private mutating func store(_ pieces: Pieces, _ memory: Int) {
        let target = shortPlace(pop(), memory, pieces.length)
        if pieces.second != nil { touchLast(target.address, pieces.length) }
        store(pieces.first, pieces.bytes, target.address)
        if let second = pieces.second {
            store(second, pieces.bytes, target.address.advanced(by: pieces.length &- pieces.bytes))
            release(second)
        }
        release(target)
        release(pieces.first)
    }

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
        case .general(let register): free(register)
        case .vector(let register): free(register)
        }
    }

    private mutating func shortPlace(
        _ operand: Operand, _ memory: Int, _ length: Int32
    ) -> MemoryOperand {
        memoryOperand(
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
