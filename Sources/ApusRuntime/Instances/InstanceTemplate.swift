// Made by: LoadedModule, once per module.
// Used by: InstanceState, for each instance.

internal import ApusCollections
internal import ApusFormat
internal import CApusHost

/// What is known of all instances of a module before there is one.
struct InstanceTemplate: Sendable {
    /// The first value of a global that the module defines.
    enum GlobalValue: Sendable {
        case constant(low: UInt64, high: UInt64)
        /// A reference to an escaping function, by its position among these.
        case function(ordinal: UInt32)
        /// It depends on what is imported: the initialiser has to be evaluated.
        case computed
    }

    /// By index, imported ones not counted.
    private(set) var globals: [GlobalValue] = []
    /// Whether all tables begin as `tables` say, all memories as their images say, and no active
    /// segment can fail.
    private(set) var isStatic = true
    /// For each table that the module defines, its first elements, as far as they are not null:
    /// one more than the ordinal of an escaping function, or 0 for null.
    private(set) var tables: [[UInt32]] = []
    /// For each memory that the module defines, how many bytes its image has; 0: it has none.
    private(set) var imageBytes: [UInt64] = []
    /// How many elements the passive segments have together.
    private(set) var passiveElementCount = 0

    private let module: DecodedModule
    private let ordinals: [Int32]

    /// More elements than this are not kept per module.
    private static var tableElementsLimit: UInt64 { 1 << 20 }
    /// An image may be this large however little of it is not zero.
    private static var sparseImageBytesLimit: UInt64 { 16 << 20 }

    /// The template of `module`; `ordinals` are the positions of its functions among the escaping
    /// ones, or -1.
    init(_ module: DecodedModule, ordinals: [Int32]) {
        self.module = module
        self.ordinals = ordinals
        for segment in module.elements where segment.mode == .passive {
            passiveElementCount += segment.initializers.count
        }
        for initializer in module.globalInitializers { globals.append(value(initializer)) }
        isStatic = fillTables() && measureImages()
        if !isStatic {
            tables = []
            imageBytes = []
        }
    }

    // MARK: Values

    private func value(_ expression: ConstantExpression) -> GlobalValue {
        if expression.instructions.count == 1 {
            switch expression.instructions[0] {
            case .f32Const(let bits): return .constant(low: UInt64(bits), high: 0)
            case .f64Const(let bits): return .constant(low: bits, high: 0)
            case .v128Const(let low, let high): return .constant(low: low, high: high)
            case .refNull: return .constant(low: 0, high: 0)
            case .refFunc(let function):
                return ordinal(function).map { .function(ordinal: $0) } ?? .computed
            case .globalGet(let index): return earlier(index) ?? .computed
            default: break
            }
        }
        return integer(expression).map { .constant(low: $0, high: 0) } ?? .computed
    }

    /// The value of global `index`, which comes before those whose value is not known yet; nil if
    /// it is imported.
    private func earlier(_ index: UInt32) -> GlobalValue? {
        let own = Int(index) - module.importedGlobalCount
        guard own >= 0, own < globals.count, !module.globals[Int(index)].isMutable else {
            return nil
        }
        return globals[own]
    }

    private func ordinal(_ function: UInt32) -> UInt32? {
        guard Int(function) < ordinals.count else { return nil }
        return UInt32(exactly: ordinals[Int(function)])
    }

    /// The value of an expression of integers that depends on nothing imported.
    private func integer(_ expression: ConstantExpression) -> UInt64? {
        var stack: [UInt64] = []
        for instruction in expression.instructions {
            if let value = constant(instruction) {
                stack.append(value)
                continue
            }
            guard let right = stack.popLast(), let left = stack.popLast(),
                let value = instruction.combine(left, right)
            else { return nil }
            stack.append(value)
        }
        return stack.count == 1 ? stack[0] : nil
    }

    private func constant(_ instruction: ConstantExpression.Instruction) -> UInt64? {
        switch instruction {
        case .i32Const(let value): return UInt64(UInt32(bitPattern: value))
        case .i64Const(let value): return UInt64(bitPattern: value)
        case .globalGet(let index):
            guard case .constant(let low, _)? = earlier(index) else { return nil }
            return low
        default: return nil
        }
    }

    /// Where a segment of `count` things goes; nil if it is not known or they do not fit.
    private func destination(
        _ offset: ConstantExpression, is64: Bool, count: Int, minimum: UInt64
    ) -> UInt64? {
        guard let value = integer(offset) else { return nil }
        let start = is64 ? value : value & 0xFFFF_FFFF
        let count = UInt64(count)
        return count <= minimum && start <= minimum - count ? start : nil
    }

    // MARK: Tables

    private mutating func fillTables() -> Bool {
        var room = Self.tableElementsLimit
        for (index, initializer) in module.tableInitializers.enumerated() {
            let count = module.tables[module.importedTableCount + index].limits.minimum
            guard let initializer else {
                tables.append([])
                continue
            }
            guard let first = element(initializer), first == 0 || count <= room else {
                return false
            }
            if first != 0 { room -= count }
            tables.append(first == 0 ? [] : Array(repeating: first, count: Int(count)))
        }
        for segment in module.elements {
            guard case .active(let table, let offset) = segment.mode else { continue }
            guard fill(Int(table), offset, segment.initializers, &room) else { return false }
        }
        return true
    }

    private mutating func fill(
        _ table: Int, _ offset: ConstantExpression, _ elements: ElementSegment.Initializers,
        _ room: inout UInt64
    ) -> Bool {
        let own = table - module.importedTableCount
        let type = module.tables[table]
        guard own >= 0,
            let start = destination(
                offset, is64: type.is64, count: elements.count, minimum: type.limits.minimum),
            start + UInt64(elements.count) <= room
        else { return false }
        let end = Int(start) + elements.count
        let missing = end - tables[own].count
        if missing > 0 {
            tables[own] += Array(repeating: 0, count: missing)
            room -= UInt64(missing)
        }
        for position in 0..<elements.count {
            guard let value = element(elements, position) else { return false }
            tables[own][Int(start) + position] = value
        }
        return true
    }

    private func element(_ elements: ElementSegment.Initializers, _ position: Int) -> UInt32? {
        switch elements {
        case .functions(let indices): ordinal(indices[position]).map { $0 + 1 }
        case .expressions(let expressions): element(expressions[position])
        }
    }

    private func element(_ expression: ConstantExpression) -> UInt32? {
        guard expression.instructions.count == 1 else { return nil }
        return switch expression.instructions[0] {
        case .refNull: 0
        case .refFunc(let function): ordinal(function).map { $0 + 1 }
        default: nil
        }
    }

    // MARK: Memories

    private mutating func measureImages() -> Bool {
        let own = module.memories.count - module.importedMemoryCount
        var ends = [UInt64](repeating: 0, count: own)
        var used = [UInt64](repeating: 0, count: own)
        for segment in module.data {
            guard case .active(let memory, _) = segment.mode else { continue }
            guard let place = start(of: segment) else { return false }
            let index = Int(memory) - module.importedMemoryCount
            let count = UInt64(segment.contents.count)
            if count == 0 { continue }
            ends[index] = max(ends[index], place + count)
            used[index] += count
        }
        for index in 0..<own {
            let bytes = LinearMemory.wholePages(ends[index])
            guard bytes <= max(Self.sparseImageBytesLimit, 2 * used[index]) else { return false }
            imageBytes.append(bytes)
        }
        return true
    }

    /// Where the contents of an active data segment for `memory` begin; nil if it has none, or is
    /// for another one.
    func start(of segment: DataSegment, in memory: UInt32) -> UInt64? {
        guard case .active(memory, _) = segment.mode, !segment.contents.isEmpty else { return nil }
        return start(of: segment)
    }

    /// Where an active data segment for a memory of the module's begins; nil if it is not known.
    func start(of segment: DataSegment) -> UInt64? {
        guard case .active(let memory, let offset) = segment.mode,
            Int(memory) >= module.importedMemoryCount
        else { return nil }
        let type = module.memories[Int(memory)]
        return destination(
            offset, is64: type.is64, count: segment.contents.count,
            minimum: type.byteCount(ofPages: type.limits.minimum))
    }
}

extension ConstantExpression.Instruction {
    /// What an instruction with two integer operands gives; nil for others.
    func combine(_ left: UInt64, _ right: UInt64) -> UInt64? {
        switch self {
        case .i32Add: (left &+ right) & 0xFFFF_FFFF
        case .i32Sub: (left &- right) & 0xFFFF_FFFF
        case .i32Mul: (left &* right) & 0xFFFF_FFFF
        case .i64Add: left &+ right
        case .i64Sub: left &- right
        case .i64Mul: left &* right
        default: nil
        }
    }
}
