internal import ApusFormat

/// Memories and tables: addresses are mostly good, sometimes just beyond the end.
extension FunctionGenerator {
    /// How an address that may lie close to the end of the memory is written.
    private enum AddressForm { case masked, constant, local, nearEnd, wild }

    /// Leaves an address and returns the offset for the instruction's immediate.
    mutating func address(depth: Int) -> Int {
        let form: AddressForm = choices.pick(weighted: [
            (20, .constant), (50, .masked), (20, .local), (3, .nearEnd), (1, .wild),
        ])
        let offsets = [0, 0, 0, 1, 4, 8, 16, 127, 128, 1000, 60_000]
        switch form {
        case .constant:
            i32Const(choices.pick([0, 1, 8, 64, 255, 4096, 65_500]))
            return choices.pick([0, 1, 4, 8, 24])
        case .masked:
            expression(.i32, depth: depth - 1)
            i32Const(choices.pick([0, 7, 0xFF, 0xFFF, 0x0FF8]))
            op(0x71)
            if choices.chance(20) {
                i32Const(choices.pick([0, 8, 16, 100]))
                op(0x6A)
            }
            return choices.pick(offsets)
        case .local:
            guard let local = assignable.first(where: { locals[$0] == .i32 }) else {
                i32Const(0)
                return 0
            }
            op(0x20, local)
            i32Const(0xFF)
            op(0x71)
            op(0x22, local)
            return choices.pick([0, 4, 8, 32])
        case .nearEnd:
            let pages = Int(shape.memory?.limits.minimum ?? 0)
            let distance = choices.pick([8, 4, 2, 1, 0, 7, 9, 16, -1, -8, 65_536, 32_768])
            let offset = choices.pick([0, 1, 8, 65_535, 65_536])
            i32Const(pages * 65_536 - distance - (choices.chance(70) ? offset : 0))
            return offset
        case .wild:
            expression(.i32, depth: depth - 1)
            return choices.pick(
                [0, 4, 65_535, 65_536, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFF8, 0xFFFF_FFFF])
        }
    }

    /// Memories without a page are used now and then only: everything traps.
    private var hasUsableMemory: Bool {
        mutating get {
            guard let memory = shape.memory else { return false }
            return memory.limits.minimum > 0 || choices.chance(5)
        }
    }

    private mutating func memoryArgument(_ opcode: UInt8, offset: Int) {
        op(opcode)
        code.unsigned(0)
        code.unsigned(offset)
    }

    mutating func load(_ type: ValueType, depth: Int) {
        guard hasUsableMemory else { return expression(type, depth: 0) }
        let opcodes: [UInt8] =
            switch type {
            case .i32: [0x28, 0x2C, 0x2D, 0x2E, 0x2F]
            case .i64: [0x29, 0x30, 0x31, 0x32, 0x33, 0x34, 0x35]
            case .f32: [0x2A]
            default: [0x2B]
            }
        let offset = address(depth: depth - 1)
        memoryArgument(choices.pick(opcodes), offset: offset)
    }

    mutating func store(depth: Int) {
        guard hasUsableMemory else { return }
        let type = choices.pick([ValueType.i32, .i64, .f32, .f64])
        let opcodes: [UInt8] =
            switch type {
            case .i32: [0x36, 0x3A, 0x3B]
            case .i64: [0x37, 0x3C, 0x3D, 0x3E]
            case .f32: [0x38]
            default: [0x39]
            }
        let offset = address(depth: depth - 1)
        settled(type, depth: depth - 1)
        memoryArgument(choices.pick(opcodes), offset: offset)
    }

    /// Read, change, write back: what compilers like to fuse.
    mutating func update(depth: Int) {
        guard hasUsableMemory,
            let local = assignable.first(where: { locals[$0] == .i32 })
        else { return }
        let wide = choices.chance(50)
        let offset = choices.pick([0, 4, 8, 100])
        op(0x20, local)
        i32Const(0xFFF)
        op(0x71)
        op(0x22, local)
        op(0x20, local)
        memoryArgument(wide ? 0x29 : 0x28, offset: offset)
        expression(wide ? .i64 : .i32, depth: depth - 1)
        op(wide ? 0x7C : 0x6A)
        memoryArgument(wide ? 0x37 : 0x36, offset: offset)
    }

    mutating func bulkMemory(depth: Int) {
        guard let memory = shape.memory, memory.limits.minimum > 0 || choices.chance(5) else {
            return
        }
        let size = Int(memory.limits.minimum) * 65_536
        let count = choices.pick([0, 1, 3, 8, 17, 64, 100, 300, 5000])
        let end = choices.pick([size - count, size - count + 1, size])
        let places = [0, 1, 10, 100, 255, 1000]
        let destination = choices.chance(95) ? choices.pick(places) : end
        let source = choices.chance(95) ? choices.pick(places) : end
        i32Const(destination)
        switch choices.below(4) {
        case 0:
            expression(.i32, depth: depth - 1)
            i32Const(count)
            code.raw([0xFC, 11, 0])
        case 1:
            i32Const(source)
            i32Const(count)
            code.raw([0xFC, 10, 0, 0])
        case 2 where !shape.data.isEmpty:
            let segment = choices.below(shape.data.count)
            let length = shape.data[segment].contents.count
            i32Const(choices.chance(95) ? 0 : choices.pick([1, 5]))
            i32Const(choices.pick([0, min(length, 1), length / 2, length]))
            code.raw([0xFC, 8])
            code.unsigned(segment)
            code.byte(0)
        default:
            op(0x1A)
            guard !shape.data.isEmpty, choices.chance(30) else { return }
            code.raw([0xFC, 9])
            code.unsigned(choices.below(shape.data.count))
        }
    }

    // MARK: Tables

    /// A place in a table, mostly within it.
    mutating func tableIndex(_ table: Int, depth: Int) {
        let size = Int(shape.tables[table].limits.minimum)
        if size > 0 && choices.chance(60) { return i32Const(choices.below(size)) }
        expression(.i32, depth: depth - 1)
        if size > 0 && choices.chance(95) {
            i32Const(size)
            op(0x70)
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
            i32Const(choices.pick([0, 0, 1, 1, 2]))
            code.raw([0xFC, 17])
            code.unsigned(table)
        case 2:
            let sources = shape.tables.indices.filter { shape.tables[$0].element == element }
            let source = choices.pick(Array(sources))
            tableIndex(source, depth: depth)
            i32Const(choices.pick([0, 0, 1, 1, 2]))
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
