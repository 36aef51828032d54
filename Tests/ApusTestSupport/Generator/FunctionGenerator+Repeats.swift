internal import ApusFormat

/// What a function does over and over: the same expressions of the same locals, the same accesses
/// of the same places. Compilers remember what they have computed, loaded and checked; so this is
/// where they remember too much.
struct Repeats {
    /// Code without effects but traps, and the type of what it leaves.
    var expressions: [(code: [UInt8], type: ValueType)] = []
    /// Code that leaves nothing and stores or sets what some of the expressions load.
    var effects: [[UInt8]] = []
    /// Locals that are rarely assigned, of which the expressions are made.
    var anchors: [Int] = []
}

extension FunctionGenerator {
    /// Chooses what is repeated and gives anchors that are no parameters a value.
    mutating func chooseRepeats() {
        guard choices.chance(75) else { return }
        for type in [ValueType.i32, .i64, .i64, .i32, .f64, .v128, .funcref]
        where choices.chance(80) {
            guard let local = assignable.first(where: { locals[$0] == type }) else { continue }
            assignable.removeAll { $0 == local }
            repeats.anchors.append(local)
            if local >= self.type.parameters.count {
                expression(type, depth: 2)
                op(0x21, local)
            }
        }
        for _ in 0..<1 + choices.below(6) {
            let vectors: [ValueType] = shape.usesVectors ? [.v128] : []
            let type = choices.pick([ValueType.i32, .i64, .i32, .i64, .f64, .f32] + vectors)
            let code = apart { $0.repeatable(type, depth: 2) }
            repeats.expressions.append((code, type))
        }
        for _ in 0..<choices.below(4) {
            let code = apart { $0.repeatableEffect() }
            if !code.isEmpty { repeats.effects.append(code) }
        }
    }

    /// The code that `make` writes, which does not become part of the function yet.
    private mutating func apart(_ make: (inout FunctionGenerator) -> Void) -> [UInt8] {
        let before = code
        code = BinaryWriter(aggregateCount: shape.aggregates.count)
        make(&self)
        defer { code = before }
        return code.bytes
    }

    // MARK: Repeating

    /// One of the repeated expressions of this type; false if there is none.
    mutating func repeated(_ type: ValueType) -> Bool {
        let candidates = repeats.expressions.filter { $0.type == type }
        guard !candidates.isEmpty else { return false }
        code.raw(choices.pick(candidates).code)
        return true
    }

    /// A repeated expression whose value is often not used.
    mutating func again() {
        guard !repeats.expressions.isEmpty else { return }
        let (bytes, type) = choices.pick(repeats.expressions)
        code.raw(bytes)
        if choices.chance(50) { op(0x1A) } else { consume(type) }
    }

    mutating func repeatEffect() {
        guard !repeats.effects.isEmpty else { return }
        code.raw(choices.pick(repeats.effects))
    }

    /// Gives an anchor another value, so that the same code means something else from here on.
    mutating func renewAnchor(depth: Int) {
        guard !repeats.anchors.isEmpty else { return }
        let anchor = choices.pick(repeats.anchors)
        expression(locals[anchor], depth: depth - 1)
        op(0x21, anchor)
    }

    // MARK: What is repeated

    private mutating func anchor(_ type: ValueType) {
        let anchors = repeats.anchors.filter { locals[$0] == type }
        if !anchors.isEmpty { return op(0x20, choices.pick(anchors)) }
        let integers = repeats.anchors.filter { locals[$0].isInteger }
        guard type.isInteger, let other = integers.first else {
            return type == .v128
                ? code.constant(choices.vector()) : code.constant(type, choices.number(type))
        }
        op(0x20, other)
        op(type == .i32 ? 0xA7 : choices.pick([0xAD, 0xAC]))
    }

    private enum Form { case numeric, load, global, anchor, memorySize, table, divide }

    private mutating func repeatable(_ type: ValueType, depth: Int) {
        if depth <= 0 {
            if choices.chance(30), type != .v128 {
                return code.constant(type, choices.number(type))
            }
            return anchor(type)
        }
        let form: Form = choices.pick(weighted: [
            (8, .numeric), (8, .load), (4, .global), (1, .anchor), (1, .memorySize), (2, .table),
            (1, .divide),
        ])
        let globals = shape.globals.indices.filter {
            shape.globals[$0].value == type && $0 != shape.fuelGlobal
        }
        switch form {
        case .load where !shape.memories.isEmpty: repeatableLoad(type)
        case .global where !globals.isEmpty: op(0x23, choices.pick(Array(globals)))
        case .table where type == .i32 && !shape.tables.isEmpty: repeatableTableUse()
        case .memorySize where type == .i32 && shape.memories.contains { !$0.is64 }:
            let memories = shape.memories.indices.filter { !shape.memories[$0].is64 }
            op(0x3F, choices.pick(Array(memories)))
        case .divide where type.isInteger:
            repeatable(type, depth: depth - 1)
            anchor(type)
            op((type == .i32 ? 0x6D : 0x7F) + UInt8(choices.below(4)))
        case .anchor: anchor(type)
        default: repeatableNumeric(type, depth: depth)
        }
    }

    private mutating func repeatableNumeric(_ type: ValueType, depth: Int) {
        if type == .v128 {
            let operands = choices.chance(70) ? 2 : 1
            for _ in 0..<operands { repeatable(.v128, depth: depth - 1) }
            return emit(
                choices.pick(operands == 2 ? VectorOperation.binary : VectorOperation.unary))
        }
        let operations = NumericOperation.giving(type).filter { $0.hazard == .none }
        let operation = choices.pick(operations)
        for operand in operation.operands { repeatable(operand, depth: depth - 1) }
        code.raw(operation.opcode)
    }

    private mutating func repeatableTableUse() {
        let table = choices.below(shape.tables.count)
        let size = Int(shape.tables[table].limits.minimum)
        code.address(choices.below(max(size, 1)), is64: shape.tables[table].is64)
        op(0x25, table)
        op(0xD1)
    }

    /// An address made of an anchor: within the memory, or anywhere.
    private mutating func repeatableAddress() -> Access {
        let memory = choices.below(shape.memories.count)
        let is64 = shape.memories[memory].is64
        let size = memorySize(memory)
        switch choices.below(10) {
        case 0..<3:
            let good = [0, 8, 64, 1000, size - 16].filter { $0 >= 0 && $0 + 16 <= size }
            let place =
                good.isEmpty || choices.chance(5)
                ? choices.pick([size - 8, size - 4, size]) : choices.pick(good)
            code.address(place, is64: is64)
        case 3..<8:
            anchor(is64 ? .i64 : .i32)
            code.address(choices.pick(within(memory, [0x1F, 0xFF, 0xFF8, 0xFFFF])), is64: is64)
            op(is64 ? 0x83 : 0x71)
        default: anchor(is64 ? .i64 : .i32)
        }
        let offset = choices.chance(4) ? choices.pick([size, max(size - 256, 0)]) : 0
        let near = offset == 0 && size > 300 ? choices.pick([0, 0, 0, 4, 8, 100]) : 0
        return Access(memory: memory, offset: UInt64(offset + near))
    }

    private mutating func repeatableLoad(_ type: ValueType) {
        let access = repeatableAddress()
        if type == .v128 { return vectorAccess(choices.pick(VectorOperation.loads), access) }
        let opcode = choices.pick(loadOpcodes(type))
        op(opcode)
        memoryArgument(access, greatestAlignment: alignment(opcode))
    }

    private mutating func repeatableEffect() {
        let globals = shape.globals.indices.filter {
            let type = shape.globals[$0].value
            return shape.globals[$0].isMutable && $0 != shape.fuelGlobal && !type.isReference
        }
        if !globals.isEmpty && (shape.memories.isEmpty || choices.chance(30)) {
            let global = choices.pick(Array(globals))
            repeatable(shape.globals[global].value, depth: 1)
            return op(0x24, global)
        }
        guard !shape.memories.isEmpty else { return }
        let access = repeatableAddress()
        if shape.usesVectors && choices.chance(20) {
            repeatable(.v128, depth: 1)
            return vectorAccess(VectorOperation(code: 11, operation: .vectorStore), access)
        }
        let type = choices.pick([ValueType.i32, .i64])
        repeatable(type, depth: 1)
        let opcode = choices.pick(storeOpcodes(type))
        op(opcode)
        memoryArgument(access, greatestAlignment: alignment(opcode))
    }
}
