internal import ApusCollections
internal import ApusFormat

/// Memories, tables and segments. Specification: 4.6.4, 4.6.5.
extension ReferenceMachine {
    func executeStorage(
        _ instruction: ReferenceCode.Instruction, _ instance: ReferenceInstance
    ) throws {
        let first = Int(truncatingIfNeeded: instruction.first)
        let second = Int(truncatingIfNeeded: instruction.second)
        func memory(_ index: Int) -> ReferenceMemory { store.memories[instance.memories[index]] }
        func table(_ index: Int) -> ReferenceTable { store.tables[instance.tables[index]] }
        switch instruction.operation {
        case .load(let type, let width):
            push(try load(type, width, from: memory(second), offset: instruction.first))
        case .store(let type, let width):
            try store(type, width, to: memory(second), offset: instruction.first)
        case .memorySize: push(memory(first).pageCount)
        case .memoryGrow: push(memory(first).grow(by: pop()))
        case .memoryFill: try fill(memory(first))
        case .memoryCopy: try copy(to: memory(first), from: memory(second))
        case .memoryInit:
            let (start, source, count) = popRange()
            try instance.initializeMemory(
                UInt32(second), segment: first, to: start, from: source, count: count)
        case .dataDrop: instance.data[first] = []
        case .tableGet:
            let index = pop()
            guard index < UInt64(table(first).elements.count) else {
                throw ReferenceTrap.tableOutOfBounds
            }
            push(table(first).elements[Int(index)])
        case .tableSet:
            let value = pop()
            let index = pop()
            guard index < UInt64(table(first).elements.count) else {
                throw ReferenceTrap.tableOutOfBounds
            }
            table(first).elements[Int(index)] = value
        case .tableSize: push(UInt64(table(first).elements.count))
        case .tableGrow:
            let count = pop()
            push(table(first).grow(by: count, filledWith: pop()))
        case .tableFill: try fill(table(first))
        case .tableCopy: try copy(to: table(first), from: table(second))
        case .tableInit:
            let (start, source, count) = popRange()
            try instance.initializeTable(
                UInt32(second), segment: first, to: start, from: source, count: count)
        case .elementDrop: instance.elements[first] = []
        default: throw ReferenceUnsupported(what: "\(instruction.operation)", offset: 0)
        }
    }

    /// Destination, source and count, as bulk instructions take them.
    private func popRange() -> (destination: UInt64, source: UInt64, count: UInt64) {
        let count = pop()
        let source = pop()
        return (pop(), source, count)
    }

    // MARK: Loads and stores

    /// The position of the first of `byteCount` bytes at the address on the stack.
    func place(
        _ byteCount: Int, in memory: ReferenceMemory, offset: UInt64
    ) throws -> Int {
        let (address, overflow) = pop().addingReportingOverflow(offset)
        let size = UInt64(memory.bytes.count)
        guard !overflow, address <= size, size - address >= UInt64(byteCount) else {
            throw ReferenceTrap.memoryOutOfBounds
        }
        return Int(address)
    }

    func read(_ byteCount: Int, from memory: ReferenceMemory, at start: Int) -> UInt64 {
        (0..<byteCount).reversed().reduce(0) { $0 << 8 | UInt64(memory.bytes[start + $1]) }
    }

    func write(_ bits: UInt64, _ byteCount: Int, to memory: ReferenceMemory, at start: Int) {
        for index in 0..<byteCount {
            memory.bytes[start + index] = UInt8(truncatingIfNeeded: bits >> UInt64(8 * index))
        }
    }

    private func load(
        _ type: NumberType, _ width: LoadWidth, from memory: ReferenceMemory, offset: UInt64
    ) throws -> UInt64 {
        let byteCount =
            switch width {
            case .full: type.is64 ? 8 : 4
            case .signed8, .unsigned8: 1
            case .signed16, .unsigned16: 2
            case .signed32, .unsigned32: 4
            }
        let start = try place(byteCount, in: memory, offset: offset)
        let bits = read(byteCount, from: memory, at: start)
        let signed: Int64 =
            switch width {
            case .signed8: Int64(Int8(truncatingIfNeeded: bits))
            case .signed16: Int64(Int16(truncatingIfNeeded: bits))
            case .signed32: Int64(Int32(truncatingIfNeeded: bits))
            default: Int64(bitPattern: bits)
            }
        let extended = UInt64(bitPattern: signed)
        return type.is64 ? extended : extended & 0xFFFF_FFFF
    }

    private func store(
        _ type: NumberType, _ width: StoreWidth, to memory: ReferenceMemory, offset: UInt64
    ) throws {
        let byteCount =
            switch width {
            case .full: type.is64 ? 8 : 4
            case .low8: 1
            case .low16: 2
            case .low32: 4
            }
        let bits = pop()
        let start = try place(byteCount, in: memory, offset: offset)
        write(bits, byteCount, to: memory, at: start)
    }

    // MARK: Bulk instructions

    private func fill(_ memory: ReferenceMemory) throws {
        let count = pop()
        let value = UInt8(truncatingIfNeeded: pop())
        let start = pop()
        let range = try ReferenceInstance.range(
            start, count, within: memory.bytes.count, else: .memoryOutOfBounds)
        for index in range { memory.bytes[index] = value }
    }

    private func copy(to destination: ReferenceMemory, from source: ReferenceMemory) throws {
        let (to, from, count) = popRange()
        let read = try ReferenceInstance.range(
            from, count, within: source.bytes.count, else: .memoryOutOfBounds)
        let written = try ReferenceInstance.range(
            to, count, within: destination.bytes.count, else: .memoryOutOfBounds)
        destination.bytes.replaceSubrange(written, with: Array(source.bytes[read]))
    }

    private func fill(_ table: ReferenceTable) throws {
        let count = pop()
        let value = pop()
        let start = pop()
        let range = try ReferenceInstance.range(
            start, count, within: table.elements.count, else: .tableOutOfBounds)
        for index in range { table.elements[index] = value }
    }

    private func copy(to destination: ReferenceTable, from source: ReferenceTable) throws {
        let (to, from, count) = popRange()
        let read = try ReferenceInstance.range(
            from, count, within: source.elements.count, else: .tableOutOfBounds)
        let written = try ReferenceInstance.range(
            to, count, within: destination.elements.count, else: .tableOutOfBounds)
        destination.elements.replaceSubrange(written, with: Array(source.elements[read]))
    }
}

/// `memory.init` and `table.init`, which active segments do as well.
extension ReferenceInstance {
    static func range(
        _ start: UInt64, _ count: UInt64, within size: Int, else trap: ReferenceTrap
    ) throws -> Range<Int> {
        let size = UInt64(size)
        guard start <= size, size - start >= count else { throw trap }
        return Int(start)..<Int(start) + Int(count)
    }

    func initializeMemory(
        _ index: UInt32, segment: Int, to start: UInt64, from source: UInt64, count: UInt64
    ) throws {
        let memory = store.memories[memories[Int(index)]]
        let read = try Self.range(
            source, count, within: data[segment].count, else: .memoryOutOfBounds)
        let written = try Self.range(
            start, count, within: memory.bytes.count, else: .memoryOutOfBounds)
        memory.bytes.replaceSubrange(written, with: data[segment][read])
    }

    func initializeTable(
        _ index: UInt32, segment: Int, to start: UInt64, from source: UInt64, count: UInt64
    ) throws {
        let table = store.tables[tables[Int(index)]]
        let read = try Self.range(
            source, count, within: elements[segment].count, else: .tableOutOfBounds)
        let written = try Self.range(
            start, count, within: table.elements.count, else: .tableOutOfBounds)
        table.elements.replaceSubrange(written, with: elements[segment][read])
    }
}
