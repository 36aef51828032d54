internal import ApusABI
internal import ApusAssembler
internal import ApusCollections
internal import ApusFormat

extension MemoryTraits {
    /// The class of the memory's addresses and sizes.
    var address: ValueClass { is64 ? .i64 : .i32 }

    /// A constant address, as a number of bytes.
    func position(_ operand: Operand) -> UInt64 {
        is64 ? operand.bits : operand.bits & 0xFFFF_FFFF
    }
}

/// Checks of accesses to memories that cannot leave it all to the processor (`MemoryPlan`).
extension BaselineCompiler {
    /// Traps unless `bytes` bytes at the address and offset of an access lie within the memory.
    /// The address is in `index`, or constant. Goes through the scratch.
    @inline(never)
    mutating func checkBounds(
        _ operand: Operand, _ index: GeneralValue?, _ argument: MemoryArgument, bytes: UInt64
    ) {
        let memory = Int(argument.memory)
        let traits = memories[memory]
        let (length, overflow) = argument.offset.addingReportingOverflow(bytes)
        if overflow || length > MemoryPlan.byteCountLimit { return trapOutOfBounds() }
        guard let index else {
            return checkConstant(traits.position(operand), length, memory, traits)
        }
        if traits.checks == .address, argument.offset <= UInt64(Int32.max) {
            // What the offset adds ends in the guard at the latest.
            code.alu(.cmp, .w64, index.register, memoryField(memory, offset: 8))
            trap(.memoryOutOfBounds, if: .ae)
        } else if let displacement = Int32(exactly: length), !traits.is64,
            memory >= module.importedMemoryCount
        {
            code.lea(.w64, CallingConvention.scratch, Address(index.register, displacement))
            code.alu(.cmp, .w64, CallingConvention.scratch, memoryField(memory, offset: 8))
            trap(.memoryOutOfBounds, if: .a)
        } else {
            checkAgainstRoom(index.register, length, memory, traits)
        }
    }

    /// An access at a constant address needs no check if the memory always is that large.
    private mutating func checkConstant(
        _ position: UInt64, _ length: UInt64, _ memory: Int, _ traits: MemoryTraits
    ) {
        let (end, overflow) = position.addingReportingOverflow(length)
        if overflow || end > MemoryPlan.byteCountLimit { return trapOutOfBounds() }
        if end <= traits.minimumBytes { return }
        if let immediate = Int32(exactly: end) {
            code.alu(.cmp, .w64, memoryField(memory, offset: 8), immediate: immediate)
            return trap(.memoryOutOfBounds, if: .b)
        }
        let register = allocateGeneral()
        code.moveImmediate(register, end)
        code.alu(.cmp, .w64, register, memoryField(memory, offset: 8))
        freeGeneral.insert(GeneralSet(register))
        trap(.memoryOutOfBounds, if: .a)
    }

    /// Compares the address with the last one at which `length` bytes fit: no sum can overflow.
    private mutating func checkAgainstRoom(
        _ address: GPR, _ length: UInt64, _ memory: Int, _ traits: MemoryTraits
    ) {
        let room = CallingConvention.scratch
        code.load(.w64, room, memoryField(memory, offset: 8))
        if let immediate = Int32(exactly: length) {
            code.alu(.sub, .w64, room, immediate: immediate)
        } else {
            let register = allocateGeneral()
            code.moveImmediate(register, length)
            code.alu(.sub, .w64, room, register)
            freeGeneral.insert(GeneralSet(register))
        }
        if length > traits.minimumBytes { trap(.memoryOutOfBounds, if: .b) }
        code.alu(.cmp, .w64, address, room)
        trap(.memoryOutOfBounds, if: .a)
    }

    /// The access is out of bounds whatever the memory's size. What follows is never executed.
    private mutating func trapOutOfBounds() {
        markSite(.memoryOutOfBounds)
        code.ud2()
    }
}

extension ValueClass {
    /// Bytes that a load of this class reads.
    @inline(__always)
    func byteCount(_ width: LoadWidth) -> UInt64 {
        switch width {
        case .full: byteCount
        case .signed8, .unsigned8: 1
        case .signed16, .unsigned16: 2
        case .signed32, .unsigned32: 4
        }
    }

    /// Bytes that a store of this class writes.
    @inline(__always)
    func byteCount(_ width: StoreWidth) -> UInt64 {
        switch width {
        case .full: byteCount
        case .low8: 1
        case .low16: 2
        case .low32: 4
        }
    }

    private var byteCount: UInt64 {
        @inline(__always) get {
            switch self {
            case .i32, .f32: 4
            case .i64, .f64, .reference: 8
            case .v128: 16
            }
        }
    }
}

extension VectorLoad {
    /// Bytes that it reads.
    var byteCount: UInt64 {
        switch self {
        case .full: 16
        case .splat8: 1
        case .splat16: 2
        case .splat32, .zero32: 4
        case .extend8x8Signed, .extend8x8Unsigned, .extend16x4Signed, .extend16x4Unsigned,
            .extend32x2Signed, .extend32x2Unsigned, .splat64, .zero64:
            8
        }
    }
}

extension LaneWidth {
    /// Bytes of a lane.
    var byteCount: UInt64 { 1 << UInt64(rawValue) }
}
