internal import ApusABI
internal import ApusCollections
internal import ApusFormat
internal import ApusIR

/// Loads and stores (4.6.5). Most 32-bit addresses need no check: whatever they
/// and the offset add up to lies in the memory's reservation, and outside of the memory it faults.
extension FunctionTranslator {
    /// A field of the context that never changes while its instance lives.
    mutating func contextLoad() -> MemoryAccess { MemoryAccess(.full, .constant) }

    /// The address of the record of a memory, as a base and what to add.
    private mutating func record(of memory: Int) -> (base: Value, displacement: Int32) {
        if let pointer = layout.memoryPointer(memory) {
            let record = builder.load(
                .i64, contextLoad(), builder.context(), .none, pointer)
            return (record, 0)
        }
        return (builder.context(), layout.memory(memory))
    }

    /// Where `memory` starts.
    mutating func base(of memory: Int) -> Value {
        if memory == 0 {
            return builder.load(
                .i64, contextLoad(), builder.context(), .none, ContextField.memoryBase)
        }
        let record = record(of: memory)
        return builder.load(.i64, contextLoad(), record.base, .none, record.displacement)
    }

    /// How many bytes `memory` has now.
    mutating func size(of memory: Int) -> Value {
        let record = record(of: memory)
        return builder.load(
            .i64, MemoryAccess(.full, .memorySize), record.base, .none,
            record.displacement &+ 8)
    }

    /// Where the `bytes` bytes are that `address` and the instruction's offset name. Nil if the
    /// access traps whatever the memory's size; then the block is at its end.
    mutating func memoryAddress(
        _ address: Value, _ argument: MemoryArgument, bytes: UInt64
    ) -> MemoryAddress? {
        let memory = Int(argument.memory)
        var index = address
        var offset = argument.offset
        if MemoryPlan.compares(memories[memory].checks, offset: argument.offset) {
            switch checkBounds(address, argument, bytes: bytes) {
            case nil: return nil
            case .plain: break
            case .masked(let masked): index = masked
            case .maskedSum(let masked):
                index = masked
                offset = 0
            }
        }
        var base = base(of: memory)
        if let constant = builder.constant(index) {
            offset = constant &+ offset
            index = .none
        }
        if let displacement = Int32(exactly: offset) {
            return MemoryAddress(base: base, index: index, displacement: displacement)
        }
        base = builder.value(
            ApusIR.Instruction(.add, .i64, base, builder.constant(.i64, offset)))
        return MemoryAddress(base: base, index: index, displacement: 0)
    }

    static func access(_ width: AccessWidth) -> MemoryAccess {
        MemoryAccess(width, .memory, trapCode: TrapCode.memoryOutOfBounds.rawValue)
    }

    mutating func translateLoad(_ number: NumberType, _ width: LoadWidth) {
        let argument = reader.readMemoryArgument()
        let type = IRType(number)
        let accessWidth: AccessWidth =
            switch width {
            case .full: .full
            case .signed8: .signed8
            case .unsigned8: .unsigned8
            case .signed16: .signed16
            case .unsigned16: .unsigned16
            case .signed32: .signed32
            case .unsigned32: .unsigned32
            }
        let bytes = UInt64(accessWidth.bytes(type))
        guard let address = memoryAddress(pop(), argument, bytes: bytes) else { return }
        push(
            builder.load(
                type, Self.access(accessWidth), address.base, address.index, address.displacement))
    }

    mutating func translateStore(_ number: NumberType, _ width: StoreWidth) {
        let argument = reader.readMemoryArgument()
        let type = IRType(number)
        let accessWidth: AccessWidth =
            switch width {
            case .full: .full
            case .low8: .unsigned8
            case .low16: .unsigned16
            case .low32: .unsigned32
            }
        let value = pop()
        let bytes = UInt64(accessWidth.bytes(type))
        guard let address = memoryAddress(pop(), argument, bytes: bytes) else { return }
        builder.store(
            value, Self.access(accessWidth), address.base, address.index, address.displacement)
    }

    // MARK: Size and growth

    /// The limiter is asked, which may do anything to the store but call its guests.
    mutating func translateMemoryGrow() {
        let memory = reader.readIndex()
        callRuntime(
            .memoryGrow, [memory], operands: 1, result: memories[Int(memory)].address,
            changing: .all)
    }

    mutating func translateMemorySize() {
        let memory = Int(reader.readIndex())
        let facts = memories[memory]
        if facts.isShared { builder.forgetSizes() }
        var pages = size(of: memory)
        if facts.pageSizeLog2 > 0 {
            let count = builder.constant(.i64, UInt64(facts.pageSizeLog2))
            pages = builder.value(
                ApusIR.Instruction(.shiftRightUnsigned, .i64, pages, count))
        }
        push(facts.is64 ? pages : narrow(pages))
    }

    /// The low half of an i64.
    mutating func narrow(_ value: Value) -> Value {
        builder.value(ApusIR.Instruction(.wrap, .i32, value))
    }
}
