internal import ApusFormat

/// Atomic accesses: addresses are mostly multiples of the access's size.
extension FunctionGenerator {
    /// An instruction after the prefix 0xFE: its number, and the binary logarithm of its bytes.
    private typealias Atomic = (code: UInt8, alignment: Int)

    /// Of loads, and as many more of stores and of updates behind those: i32, i64, i32 of 8 and 16
    /// bits, i64 of 8, 16 and 32.
    private static let alignments = [2, 3, 0, 1, 0, 1, 2]

    /// The row of an access of `type`, one of those that `alignments` has.
    private mutating func row(_ type: ValueType) -> Int {
        choices.pick(type == .i32 ? [0, 2, 3] : [1, 4, 5, 6])
    }

    /// An integer that an atomic access gives.
    mutating func atomic(_ type: ValueType, depth: Int) {
        guard let memory = usableMemory() else { return expression(type, depth: 0) }
        let row = row(type)
        let alignment = Self.alignments[row]
        switch choices.below(type == .i32 ? 12 : 10) {
        case 0...2: access((UInt8(0x10 + row), alignment), memory, [], depth: depth)
        case 3...7:
            let operation = choices.below(6)
            access(
                (UInt8(0x1E + 7 * operation + row), alignment), memory, [type], depth: depth)
        case 8, 9: access((UInt8(0x48 + row), alignment), memory, [type, type], depth: depth)
        case 10: access((0x00, 2), memory, [.i32], depth: depth)
        default: wait(memory, depth: depth)
        }
    }

    /// A store, a fence, or an update whose result nobody needs.
    mutating func atomicStatement(depth: Int) {
        guard let memory = usableMemory() else { return }
        let type = choices.pick([ValueType.i32, .i64])
        let row = row(type)
        switch choices.below(8) {
        case 0: code.raw([0xFE, 0x03, 0x00])
        case 1...4:
            access((UInt8(0x17 + row), Self.alignments[row]), memory, [type], depth: depth)
        default:
            let operation = choices.below(6)
            access(
                (UInt8(0x1E + 7 * operation + row), Self.alignments[row]), memory, [type],
                depth: depth)
            op(0x1A)
        }
    }

    private mutating func access(
        _ atomic: Atomic, _ memory: Int, _ operands: [ValueType], depth: Int
    ) {
        let offset = alignedAddress(in: memory, depth: depth - 1)
        for type in operands {
            // What was there is there again, now and then.
            if operands.count == 2 && choices.chance(50) {
                code.constant(type, choices.pick([0, 0, 1, 0xFF, 0x100]))
            } else {
                expression(type, depth: depth - 1)
            }
        }
        code.raw([0xFE, atomic.code])
        argument(memory, offset, atomic.alignment)
    }

    /// Of at most a microsecond, since there is nobody to end it. Most memories are not for that.
    private mutating func wait(_ memory: Int, depth: Int) {
        guard shape.memories[memory].isShared || choices.chance(10) else {
            return expression(.i32, depth: 0)
        }
        let is64 = choices.chance(50)
        let offset = alignedAddress(in: memory, depth: depth - 1)
        expression(is64 ? .i64 : .i32, depth: 0)
        code.constant(.i64, choices.pick([0, 1, 1000]))
        code.raw([0xFE, is64 ? 0x02 : 0x01])
        argument(memory, offset, is64 ? 3 : 2)
    }

    private mutating func argument(_ memory: Int, _ offset: Int, _ alignment: Int) {
        code.unsigned(alignment | (memory == 0 ? 0 : 0x40))
        if memory > 0 { code.unsigned(memory) }
        code.unsigned(offset)
    }

    /// Leaves an address in this memory and returns the offset for the instruction's immediate.
    private mutating func alignedAddress(in memory: Int, depth: Int) -> Int {
        if choices.chance(3) { return address(in: memory, depth: depth) }
        let type = shape.memories[memory].address
        let is64 = type == .i64
        if choices.chance(40) {
            code.address(choices.pick(within(memory, [0, 8, 64, 256, 4096, 65_528])), is64: is64)
        } else {
            expression(type, depth: depth - 1)
            code.address(choices.pick(within(memory, [0, 8, 0xF8, 0xFF8])), is64: is64)
            op(is64 ? 0x83 : 0x71)
        }
        return choices.pick(within(memory, [0, 0, 8, 16, 128, 1000]))
    }
}
