internal import ApusCollections
internal import ApusFormat

/// Memories and tables: addresses are mostly good, sometimes just beyond the end.
extension FunctionGenerator {
    /// Where an access goes besides the address on the stack.
    struct Access {
        var memory: Int
        var offset: UInt64
    }

    /// How an address that may lie close to the end of the memory is written.
    private enum AddressForm { case masked, constant, local, nearEnd, wild }

    /// Bytes that the memory has at least.
    func memorySize(_ memory: Int) -> Int {
        let type = shape.memories[memory]
        return Int(type.byteCount(ofPages: type.limits.minimum))
    }

    /// Those of `options` that are less than the memory's size, or the first one.
    func within(_ memory: Int, _ options: [Int]) -> [Int] {
        let size = memorySize(memory)
        let good = options.filter { $0 < size }
        return good.isEmpty ? [options[0]] : good
    }

    /// A memory to use. Those without a page are used now and then only: everything traps.
    mutating func usableMemory() -> Int? {
        guard !shape.memories.isEmpty else { return nil }
        let memory = choices.below(shape.memories.count)
        return memorySize(memory) > 0 || choices.chance(5) ? memory : nil
    }

    /// Leaves an address. There must be a memory.
    mutating func address(depth: Int) -> Access {
        let memory = choices.below(shape.memories.count)
        return Access(memory: memory, offset: UInt64(address(in: memory, depth: depth)))
    }

    /// Leaves an address in this memory and returns the offset for the instruction's immediate.
    mutating func address(in memory: Int, depth: Int) -> Int {
        let type = shape.memories[memory].address
        let is64 = type == .i64
        let form: AddressForm = choices.pick(weighted: [
            (20, .constant), (50, .masked), (20, .local), (3, .nearEnd), (1, .wild),
        ])
        switch form {
        case .constant:
            let places = within(memory, [0, 1, 8, 64, 255, 4096, 65_500])
            code.address(choices.pick(places), is64: is64)
            return choices.pick([0, 1, 4, 8, 24])
        case .masked:
            expression(type, depth: depth - 1)
            code.address(choices.pick(within(memory, [0, 7, 0xFF, 0xFFF, 0x0FF8])), is64: is64)
            op(is64 ? 0x83 : 0x71)
            if choices.chance(20) {
                code.address(choices.pick([0, 8, 16, 100]), is64: is64)
                op(is64 ? 0x7C : 0x6A)
            }
            return choices.pick(within(memory, [0, 0, 0, 1, 4, 8, 16, 127, 128, 1000, 60_000]))
        case .local:
            guard let local = assignable.first(where: { locals[$0] == type }) else {
                code.address(0, is64: is64)
                return 0
            }
            op(0x20, local)
            code.address(0xFF, is64: is64)
            op(is64 ? 0x83 : 0x71)
            op(0x22, local)
            return choices.pick([0, 4, 8, 32])
        case .nearEnd:
            let distance = choices.pick([8, 4, 2, 1, 0, 7, 9, 16, -1, -8, 65_536, 32_768])
            let offset = choices.pick([0, 1, 8, 65_535, 65_536])
            let place = memorySize(memory) - distance - (choices.chance(70) ? offset : 0)
            code.address(place, is64: is64)
            return offset
        case .wild:
            expression(type, depth: depth - 1)
            let far = [0, 4, 65_535, 65_536, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFF8, 0xFFFF_FFFF]
            let farther = is64 ? [0x1_0000_0000, 0x7FFF_FFFF_FFFF_FFFF, 0x8000_0000_0000] : []
            return choices.pick(far + farther)
        }
    }

    mutating func memoryArgument(_ access: Access, greatestAlignment: Int) {
        let alignment = choices.chance(20) ? choices.below(greatestAlignment + 1) : 0
        code.unsigned(alignment | (access.memory == 0 ? 0 : 0x40))
        if access.memory > 0 { code.unsigned(access.memory) }
        code.unsigned(access.offset)
    }

    /// Binary logarithm of the bytes that a load or store accesses.
    func alignment(_ opcode: UInt8) -> Int {
        switch opcode {
        case 0x29, 0x2B, 0x37, 0x39: 3
        case 0x28, 0x2A, 0x34, 0x35, 0x36, 0x38, 0x3E: 2
        case 0x2E, 0x2F, 0x32, 0x33, 0x3B, 0x3D: 1
        default: 0
        }
    }

    func loadOpcodes(_ type: ValueType) -> [UInt8] {
        switch type {
        case .i32: [0x28, 0x2C, 0x2D, 0x2E, 0x2F]
        case .i64: [0x29, 0x30, 0x31, 0x32, 0x33, 0x34, 0x35]
        case .f32: [0x2A]
        default: [0x2B]
        }
    }

    func storeOpcodes(_ type: ValueType) -> [UInt8] {
        switch type {
        case .i32: [0x36, 0x3A, 0x3B]
        case .i64: [0x37, 0x3C, 0x3D, 0x3E]
        case .f32: [0x38]
        default: [0x39]
        }
    }

    mutating func load(_ type: ValueType, depth: Int) {
        guard let memory = usableMemory() else { return expression(type, depth: 0) }
        if type == .v128 { return vectorLoad(depth: depth) }
        let offset = address(in: memory, depth: depth - 1)
        let opcode = choices.pick(loadOpcodes(type))
        op(opcode)
        memoryArgument(
            Access(memory: memory, offset: UInt64(offset)), greatestAlignment: alignment(opcode))
    }

    mutating func store(depth: Int) {
        guard let memory = usableMemory() else { return }
        let vectors: [ValueType] = shape.usesVectors ? [.v128, .v128] : []
        let type = choices.pick([ValueType.i32, .i64, .f32, .f64] + vectors)
        if type == .v128 { return vectorStore(depth: depth) }
        let offset = address(in: memory, depth: depth - 1)
        settled(type, depth: depth - 1)
        let opcode = choices.pick(storeOpcodes(type))
        op(opcode)
        memoryArgument(
            Access(memory: memory, offset: UInt64(offset)), greatestAlignment: alignment(opcode))
    }

    /// Read, change, write back: what compilers like to fuse.
    mutating func update(depth: Int) {
        guard let memory = usableMemory() else { return }
        let type = shape.memories[memory].address
        guard let local = assignable.first(where: { locals[$0] == type }) else { return }
        let wide = choices.chance(50)
        let access = Access(memory: memory, offset: UInt64(choices.pick([0, 4, 8, 100])))
        op(0x20, local)
        code.address(within(memory, [0xFFF, 0x3F])[0], is64: type == .i64)
        op(type == .i64 ? 0x83 : 0x71)
        op(0x22, local)
        op(0x20, local)
        op(wide ? 0x29 : 0x28)
        memoryArgument(access, greatestAlignment: 0)
        expression(wide ? .i64 : .i32, depth: depth - 1)
        op(wide ? 0x7C : 0x6A)
        op(wide ? 0x37 : 0x36)
        memoryArgument(access, greatestAlignment: 0)
    }

    /// `usual`, but now and then a constant at which sums and products of sizes wrap around. The
    /// instruction that takes it for a place or a number traps, whatever else it has.
    mutating func seldomExtreme(_ usual: Int, is64: Bool = false) -> Int {
        guard choices.chance(1) else { return usual }
        let narrow = [
            -1, -2, -4, -8, -16, -24, Int(Int32.max), Int(Int32.min), 1 << 24, 1 << 28, 1 << 29,
            1 << 30, (1 << 28) - 1, (1 << 29) - 1, (1 << 30) - 1,
        ]
        let wide = [
            1 << 32, (1 << 32) - 1, (1 << 32) + 1, (1 << 32) + 8, 1 << 60, 1 << 61, 1 << 62, .max,
            .min, .max - 7, -(1 << 32), (1 << 48) - 1,
        ]
        return choices.pick(is64 ? narrow + wide : narrow)
    }

    /// A place where `count` bytes mostly fit.
    private mutating func place(in memory: Int, for count: Int) {
        let size = memorySize(memory)
        let end = choices.pick([size - count, size - count + 1, size])
        let good = [0, 1, 10, 100, 255, 1000].filter { $0 + count <= size }
        let place = good.isEmpty || choices.chance(5) ? end : choices.pick(good)
        let is64 = shape.memories[memory].is64
        code.address(seldomExtreme(place, is64: is64), is64: is64)
    }

    mutating func bulkMemory(depth: Int) {
        guard let memory = usableMemory() else { return }
        let count = choices.pick([0, 1, 3, 8, 17, 64, 100, 300, 5000])
        let is64 = shape.memories[memory].is64
        switch choices.below(4) {
        case 0:
            place(in: memory, for: count)
            expression(.i32, depth: depth - 1)
            code.address(seldomExtreme(count, is64: is64), is64: is64)
            code.raw([0xFC, 11])
            code.unsigned(memory)
        case 1:
            let source = choices.below(shape.memories.count)
            place(in: memory, for: count)
            place(in: source, for: count)
            let isWide = is64 && shape.memories[source].is64
            code.address(seldomExtreme(count, is64: isWide), is64: isWide)
            code.raw([0xFC, 10])
            code.unsigned(memory)
            code.unsigned(source)
        case 2 where !shape.data.isEmpty:
            let segment = choices.below(shape.data.count)
            let length = shape.data[segment].contents.count
            place(in: memory, for: length)
            i32Const(seldomExtreme(choices.chance(95) ? 0 : choices.pick([1, 5])))
            i32Const(seldomExtreme(choices.pick([0, min(length, 1), length / 2, length])))
            code.raw([0xFC, 8])
            code.unsigned(segment)
            code.unsigned(memory)
        default:
            guard !shape.data.isEmpty, choices.chance(30) else { return }
            code.raw([0xFC, 9])
            code.unsigned(choices.below(shape.data.count))
        }
    }

    // MARK: Tables

    /// A place in a table, mostly within it.
    mutating func tableIndex(_ table: Int, depth: Int) {
        let size = Int(shape.tables[table].limits.minimum)
        let is64 = shape.tables[table].is64
        if size > 0 && choices.chance(60) {
            return code.address(seldomExtreme(choices.below(size), is64: is64), is64: is64)
        }
        expression(is64 ? .i64 : .i32, depth: depth - 1)
        if size > 0 && choices.chance(95) {
            code.address(size, is64: is64)
            op(is64 ? 0x82 : 0x70)
        }
    }

    mutating func tableGet(_ type: ValueType, depth: Int) {
        let candidates = shape.tables.indices.filter {
            shape.tables[$0].element == type && shape.tables[$0].limits.minimum > 0
        }
        guard !candidates.isEmpty else { return expression(type, depth: 0) }
        let table = choices.pick(candidates)
        tableIndex(table, depth: depth)
        op(0x25, table)
    }

    mutating func tableStatement(depth: Int) {
        guard !shape.tables.isEmpty else { return }
        let table = choices.below(shape.tables.count)
        guard shape.tables[table].limits.minimum > 0 || choices.chance(5) else { return }
        let element = shape.tables[table].element
        tableIndex(table, depth: depth)
        switch choices.below(5) {
        case 0:
            expression(element, depth: depth - 1)
            op(0x26, table)
        case 1:
            expression(element, depth: depth - 1)
            let is64 = shape.tables[table].is64
            let count = choices.pick([0, 0, 1, 1, 2])
            code.address(seldomExtreme(count, is64: is64), is64: is64)
            code.raw([0xFC, 17])
            code.unsigned(table)
        case 2:
            // References to functions of one type are references to functions.
            let sources = shape.tables.indices.filter {
                let other = shape.tables[$0].element
                return other == element || element == .funcref && other.isTypedReference
            }
            let source = choices.pick(Array(sources))
            tableIndex(source, depth: depth)
            let is64 = shape.tables[table].is64 && shape.tables[source].is64
            let count = choices.pick([0, 0, 1, 1, 2])
            code.address(seldomExtreme(count, is64: is64), is64: is64)
            code.raw([0xFC, 14])
            code.unsigned(table)
            code.unsigned(source)
        case 3 where element == .funcref && !shape.elements.isEmpty:
            i32Const(0)
            i32Const(choices.pick([0, 0, 0, 1]))
            code.raw([0xFC, 12])
            code.unsigned(choices.below(shape.elements.count))
            code.unsigned(table)
        default:
            op(0x1A)
            guard !shape.elements.isEmpty, choices.chance(30) else { return }
            code.raw([0xFC, 13])
            code.unsigned(choices.below(shape.elements.count))
        }
    }
}
