internal import ApusCollections

/// Memories and data segments (3.4.4).
extension FunctionValidator {
    // MARK: Loads and stores

    /// Reads alignment and offset of an access of 2^`natural` bytes. Returns the type of the
    /// memory's addresses.
    @inline(__always)
    mutating func readMemoryArgument(natural: UInt8) throws(ModuleError) -> ValueType {
        let word = reader.peekWord(0)
        // A byte for each of both numbers, and nothing to say about them.
        guard word & 0x80C0 == 0, word & 0x3F <= UInt64(natural), firstAddress != .bottom,
            reader.position &+ 1 < reader.end
        else { return try readLongMemoryArgument(natural: natural) }
        reader.position &+= 2
        note(.accessesMemory)
        analysis.memoryWeight = analysis.memoryWeight.saturatingAdd(weight)
        return firstAddress
    }

    @inline(never)
    private mutating func readLongMemoryArgument(
        natural: UInt8
    ) throws(ModuleError) -> ValueType {
        let alignment = try reader.readUnsigned32()
        if alignment >= 0x40 {
            return try readIndexedMemoryArgument(alignment, natural: natural)
        }
        let start = reader.position
        let offset = try reader.readOffset()
        if start >= reader.end { throw reader.unexpectedEnd() }
        guard firstAddress != .bottom else { throw invalid("unknown memory 0") }
        guard offset <= UInt64(UInt32.max) || firstAddress == .i64 else {
            throw invalid("offset out of range")
        }
        guard alignment <= natural else {
            throw invalid("alignment must not be larger than natural")
        }
        note(.accessesMemory)
        analysis.memoryWeight = analysis.memoryWeight.saturatingAdd(weight)
        return firstAddress
    }

    /// The rest of a memory argument that names its memory (5.4.6).
    @inline(never)
    private mutating func readIndexedMemoryArgument(
        _ flags: UInt32, natural: UInt8
    ) throws(ModuleError) -> ValueType {
        guard flags < 0x80 else { throw malformed("malformed memop flags") }
        guard features.has(.multiMemory) else {
            throw unsupported(.multiMemory, "memory index in a memory argument")
        }
        let index = try reader.readUnsigned32()
        let start = reader.position
        let offset = try reader.readOffset()
        if start >= reader.end { throw reader.unexpectedEnd() }
        guard Int(index) < memoryAddresses.count else { throw invalid("unknown memory \(index)") }
        let address = memoryAddresses[Int(index)]
        guard offset <= UInt64(UInt32.max) || address == .i64 else {
            throw invalid("offset out of range")
        }
        guard flags & 0x3F <= natural else {
            throw invalid("alignment must not be larger than natural")
        }
        note(.accessesMemory)
        if index == 0 { analysis.memoryWeight = analysis.memoryWeight.saturatingAdd(weight) }
        return address
    }

    @inline(__always)
    mutating func validateLoad(_ result: UInt8, _ natural: UInt8) throws(ModuleError) {
        try pop(try readMemoryArgument(natural: natural))
        push(ValueType(bits: UInt32(result)))
    }

    @inline(__always)
    mutating func validateStore(_ value: UInt8, _ natural: UInt8) throws(ModuleError) {
        let address = try readMemoryArgument(natural: natural)
        try pop(ValueType(bits: UInt32(value)))
        try pop(address)
    }

    /// Reads the index of a memory. Returns the type of its addresses.
    mutating func readMemoryIndex() throws(ModuleError) -> ValueType {
        guard features.has(.multiMemory) else {
            if reader.readByte() != 0 { throw unsupported(.multiMemory, "memory index") }
            guard firstAddress != .bottom else { throw invalid("unknown memory 0") }
            return firstAddress
        }
        return memoryAddresses[try readIndex(below: memoryAddresses.count, "memory")]
    }

    // MARK: Growth and bulk instructions

    mutating func validateMemoryGrow() throws(ModuleError) {
        let address = try readMemoryIndex()
        note(.growsMemory)
        note(.callsRuntime)
        try pop(address)
        push(address)
    }

    mutating func validateMemoryFill() throws(ModuleError) {
        note(.callsRuntime)
        let address = try readMemoryIndex()
        try pop(address, .i32, address)
    }

    mutating func validateMemoryCopy() throws(ModuleError) {
        note(.callsRuntime)
        let target = try readMemoryIndex()
        let source = try readMemoryIndex()
        try pop(target, source, target == source ? target : .i32)
    }

    mutating func validateMemoryInit() throws(ModuleError) {
        note(.callsRuntime)
        try readDataIndex()
        try pop(try readMemoryIndex(), .i32, .i32)
    }

    mutating func validateDataDrop() throws(ModuleError) {
        note(.callsRuntime)
        try readDataIndex()
    }

    /// Pops what `init`, `copy` and `fill` take; `first` was pushed first.
    mutating func pop(
        _ first: ValueType, _ second: ValueType, _ third: ValueType
    ) throws(ModuleError) {
        try pop(third)
        try pop(second)
        try pop(first)
    }

    mutating func readDataIndex() throws(ModuleError) {
        let index = try reader.readUnsigned32()
        guard let count = module.dataCount else { throw malformed("data count section required") }
        guard index < count else { throw invalid("unknown data segment \(index)") }
    }
}
