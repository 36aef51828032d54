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

/// What an access goes by instead of an address that was compared: a register that holds the
/// address, or 0 where the processor goes on with a wrong one, and what is to be added.
struct MaskedAddress {
    var register: GPR
    var displacement: Int32
}

/// Checks of accesses to memories that cannot leave it all to the processor (`MemoryPlan`).
extension BaselineCompiler {
    /// Traps unless `bytes` bytes at the address and offset of an access lie within the memory.
    /// The address is in `index`, or constant. Goes through the scratch. The result, if there is
    /// one, is a register to be freed.
    @inline(never)
    mutating func checkBounds(
        _ operand: Operand, _ index: GeneralValue?, _ argument: MemoryArgument, bytes: UInt64
    ) -> MaskedAddress? {
        let memory = Int(argument.memory)
        let traits = memories[memory]
        let (length, overflow) = argument.offset.addingReportingOverflow(bytes)
        if overflow || length > MemoryPlan.byteCountLimit {
            trapOutOfBounds()
            return nil
        }
        guard let index else {
            return checkConstant(traits.position(operand), length, argument)
        }
        if traits.checks == .address, argument.offset <= UInt64(Int32.max) {
            // What the offset adds ends in the guard at the latest.
            let masked = beginMask(traits)
            code.alu(.cmp, .w64, index.register, memoryField(memory, offset: 8))
            trap(.memoryOutOfBounds, if: .ae)
            guard let masked else { return nil }
            code.cmov(.b, .w64, masked, index.register)
            return MaskedAddress(
                register: masked, displacement: Int32(truncatingIfNeeded: argument.offset))
        }
        if let displacement = Int32(exactly: length), !traits.is64,
            layout.memoryPointer(memory) == nil
        {
            let masked = beginMask(traits)
            code.lea(.w64, CallingConvention.scratch, Address(index.register, displacement))
            code.alu(.cmp, .w64, CallingConvention.scratch, memoryField(memory, offset: 8))
            trap(.memoryOutOfBounds, if: .a)
            return masked.map { endMask($0, index.register, argument.offset) }
        }
        return checkAgainstRoom(index.register, length, argument, traits)
    }

    /// A register that is 0, if addresses are masked.
    private mutating func beginMask(_ traits: MemoryTraits) -> GPR? {
        guard traits.masks else { return nil }
        let masked = allocateGeneral()
        code.zero(masked)
        return masked
    }

    /// Makes `masked` the sum of address and offset, unless flags say that the former is too large.
    /// Goes through the scratch.
    private mutating func endMask(
        _ masked: GPR, _ address: GPR, _ offset: UInt64
    ) -> MaskedAddress {
        if offset == 0 {
            code.cmov(.be, .w64, masked, address)
        } else {
            loadSum(address, offset, to: CallingConvention.scratch)
            code.cmov(.be, .w64, masked, CallingConvention.scratch)
        }
        return MaskedAddress(register: masked, displacement: 0)
    }

    /// `target` = address + offset; flags stay.
    private mutating func loadSum(_ address: GPR, _ offset: UInt64, to target: GPR) {
        if let displacement = Int32(exactly: offset) {
            return code.lea(.w64, target, Address(address, displacement))
        }
        code.moveImmediate(target, offset)
        code.lea(.w64, target, Address(target, index: address))
    }

    /// An access at a constant address needs no check if the memory always is that large.
    private mutating func checkConstant(
        _ position: UInt64, _ length: UInt64, _ argument: MemoryArgument
    ) -> MaskedAddress? {
        let memory = Int(argument.memory)
        let traits = memories[memory]
        let (end, overflow) = position.addingReportingOverflow(length)
        if overflow || end > MemoryPlan.byteCountLimit {
            trapOutOfBounds()
            return nil
        }
        if end <= traits.minimumBytes { return nil }
        let masked = beginMask(traits)
        var isInside = Condition.ae
        if let immediate = Int32(exactly: end) {
            code.alu(.cmp, .w64, memoryField(memory, offset: 8), immediate: immediate)
            trap(.memoryOutOfBounds, if: .b)
        } else {
            let register = allocateGeneral()
            code.moveImmediate(register, end)
            code.alu(.cmp, .w64, register, memoryField(memory, offset: 8))
            free(register)
            trap(.memoryOutOfBounds, if: .a)
            isInside = .be
        }
        guard let masked else { return nil }
        code.moveImmediate(CallingConvention.scratch, position &+ argument.offset)
        code.cmov(isInside, .w64, masked, CallingConvention.scratch)
        return MaskedAddress(register: masked, displacement: 0)
    }

    /// Compares the address with the last one at which `length` bytes fit: no sum can overflow.
    private mutating func checkAgainstRoom(
        _ address: GPR, _ length: UInt64, _ argument: MemoryArgument, _ traits: MemoryTraits
    ) -> MaskedAddress? {
        let room = CallingConvention.scratch
        let masked = beginMask(traits)
        code.load(.w64, room, memoryField(Int(argument.memory), offset: 8))
        if let immediate = Int32(exactly: length) {
            code.alu(.sub, .w64, room, immediate: immediate)
        } else {
            let register = allocateGeneral()
            code.moveImmediate(register, length)
            code.alu(.sub, .w64, room, register)
            free(register)
        }
        guard length > traits.minimumBytes else {
            code.alu(.cmp, .w64, address, room)
            trap(.memoryOutOfBounds, if: .a)
            return masked.map { endMask($0, address, argument.offset) }
        }
        // There may be no room at all.
        trap(.memoryOutOfBounds, if: .b)
        guard let masked else {
            code.alu(.cmp, .w64, address, room)
            trap(.memoryOutOfBounds, if: .a)
            return nil
        }
        let sum = allocateGeneral()
        loadSum(address, argument.offset, to: sum)
        code.cmov(.b, .w64, sum, masked)
        code.alu(.cmp, .w64, address, room)
        trap(.memoryOutOfBounds, if: .a)
        code.cmov(.be, .w64, masked, sum)
        free(sum)
        return MaskedAddress(register: masked, displacement: 0)
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
