internal import ApusABI
internal import ApusAssembler
internal import ApusCollections
internal import ApusIR
internal import ApusVectors

// Produced: a MachineFunction of x86-64. Consumes: a Function that the verifier accepts.

/// Chooses instructions, from the last block to the first and in each from its end to its start:
/// so it is known who uses a value when its instruction comes up, and what its users have taken
/// into themselves needs no instruction of its own.
struct Selector: ~Copyable {
    var machine = MachineFunction()
    let vectorOptions: VectorOptions
    /// What the function has that nothing is selected for; then `machine` is of no use.
    var isRefused = false

    /// Of each value, the one whose register it shares.
    var aliases = Arena<Value>(capacity: 1024)
    /// Of each value, its register, once somebody wants it in one.
    var names = Arena<VirtualRegister>(capacity: 1024)
    /// Of each value, how many instructions and edges use it.
    var useCounts = Arena<UInt32>(capacity: 1024)
    /// Of each value, what of its block comes before it that has effects.
    var colors = Arena<UInt32>(capacity: 1024)
    /// Of each value, its block.
    var homes = Arena<Block>(capacity: 1024)
    /// Values that their only user has taken into itself.
    var isFolded = Arena<Bool>(capacity: 1024)
    var predecessors = Predecessors()
    var loops = Loops()
    /// The machine's number of each block, and of the block on each edge that needs one.
    var blockNumbers = Arena<UInt32>(capacity: 128)
    var edgeNumbers = Arena<UInt32>(capacity: 128)

    // The instruction at hand.
    var block = Block.entry
    var color: UInt32 = 0
    var offset: UInt32 = 0
    /// Its place in the function's order.
    var place = 0
    /// Whether it raises a trap of its own, and so cannot stand for a load that traps elsewhere.
    var raises = false
    /// Whether code of other instances is called.
    var leavesInstance = false
    /// Whether exceptions are handled.
    var catches = false
    /// Bytes of the stack that the function's parameters take.
    var parameterBytes: Int32 = 0

    init(_ vectorOptions: VectorOptions) { self.vectorOptions = vectorOptions }

    /// Selects all of `function`.
    mutating func select(_ function: borrowing Function) {
        machine.removeAll()
        isRefused = false
        leavesInstance = false
        catches = false
        predecessors.compute(function)
        loops.compute(function, predecessors)
        prepare(function)
        numberBlocks(function)
        for number in (0..<function.blocks.count).reversed() where !isRefused {
            selectBlock(Block(at: number), function)
        }
        if isRefused { return }
        layOut(function)
        machine.noteFacts()
    }

    // MARK: Preparation

    private mutating func prepare(_ function: borrowing Function) {
        let count = function.instructions.count
        aliases.removeAll()
        for index in 0..<count { aliases.append(Value(at: index)) }
        names.refill(.none, count: count)
        useCounts.refill(0, count: count)
        colors.refill(0, count: count)
        homes.refill(.none, count: count)
        isFolded.refill(false, count: count)
        for number in 0..<function.blocks.count {
            aliasParameters(Block(at: number), function)
            prepareBlock(Block(at: number), function)
        }
        for number in 0..<function.blocks.count { countUses(Block(at: number), function) }
    }

    /// A block with one way to it takes its parameters as they are.
    private mutating func aliasParameters(_ block: Block, _ function: borrowing Function) {
        let range = predecessors.range(block)
        guard range.count == 1 else { return }
        let edge = function[predecessors[range.lowerBound]]
        for (place, argument) in zip(function[block].parameters, edge.arguments) {
            let value = Value(function.pool[argument])
            aliases[function.order[place].index] = aliases[value.index]
        }
    }

    private mutating func prepareBlock(_ block: Block, _ function: borrowing Function) {
        var color: UInt32 = 0
        for place in function[block].range {
            let value = function.order[place]
            let instruction = function[value]
            homes[value.index] = block
            colors[value.index] = color
            let row = instruction.operator.row
            let isLoad = instruction.operator == .load || instruction.operator == .loadLane
            if instruction.canTrap || !row.effects.isDisjoint(with: [.writes, .calls]) {
                color &+= 1
            }
            // Whoever takes it in must come before whatever else may trap.
            if isLoad { colors[value.index] = color }
            switch instruction.operator {
            case .extendUnsigned:
                aliases[value.index] = aliases[Int(instruction.a)]
            case .bitcast
            where instruction.type.isGeneral && function.type(instruction.first).isGeneral:
                aliases[value.index] = aliases[Int(instruction.a)]
            default: break
            }
        }
    }

    private mutating func countUses(_ block: Block, _ function: borrowing Function) {
        for place in function[block].range {
            function.forEachOperand(function[function.order[place]]) { operand in
                useCounts[aliases[operand.index].index] &+= 1
            }
        }
        for edge in function.successors(block) {
            for place in function[Edge(edge)].arguments {
                useCounts[aliases[Int(function.pool[place])].index] &+= 1
            }
        }
    }

    // MARK: Values

    /// `value`, or the value whose register it shares.
    @inline(__always)
    mutating func resolve(_ value: Value) -> Value { aliases[value.index] }

    static func registerClass(_ type: IRType) -> RegisterClass {
        type.isGeneral ? .general : .vector
    }

    mutating func makeRegister(_ type: IRType) -> VirtualRegister {
        let bytes: UInt8 = type == .v128 ? 16 : 8
        return machine.makeRegister(
            Self.registerClass(type), bytes: bytes, isReference: type == .ref)
    }

    /// The register of a value that has an instruction of its own, or is a parameter.
    mutating func name(_ value: Value, _ function: borrowing Function) -> VirtualRegister {
        let value = resolve(value)
        if names[value.index].isNone { names[value.index] = makeRegister(function.type(value)) }
        return names[value.index]
    }

    /// A register that holds `value` at the instruction at hand. What floats is made here.
    mutating func register(_ value: Value, _ function: borrowing Function) -> VirtualRegister {
        let value = resolve(value)
        let instruction = function[value]
        switch instruction.operator {
        case .constant:
            let register = makeRegister(instruction.type)
            emitConstant(instruction, register)
            return register
        case .vectorConstant:
            let register = makeRegister(.v128)
            var made = MachineInstruction(.vectorConstant)
            made.immediate = UInt64(instruction.a)
            made.width = .w128
            append(made, register)
            return register
        case .context:
            let register = makeRegister(.i64)
            append(MachineInstruction(.contextRegister), register)
            return register
        default:
            let register = name(value, function)
            return register
        }
    }

    private mutating func emitConstant(
        _ instruction: ApusIR.Instruction, _ register: VirtualRegister
    ) {
        var made = MachineInstruction(
            instruction.type.isGeneral ? .immediate : .floatConstant)
        made.immediate = instruction.bits
        made.width = instruction.type.width
        append(made, register)
    }

    /// The bits of `value` if it is a constant, sign-extended from its type: that of `value`, since
    /// what shares its register may be narrower, and then has zeroes above, or wider.
    mutating func constant(_ value: Value, _ function: borrowing Function) -> Int64? {
        let instruction = function[resolve(value)]
        guard instruction.operator == .constant else { return nil }
        if function.type(value) == .i32 {
            return Int64(Int32(truncatingIfNeeded: instruction.bits))
        }
        if instruction.type == .i32 { return Int64(UInt32(truncatingIfNeeded: instruction.bits)) }
        return Int64(bitPattern: instruction.bits)
    }

    /// A constant that an instruction can hold.
    mutating func immediate(_ value: Value, _ function: borrowing Function) -> Int32? {
        constant(value, function).flatMap { Int32(exactly: $0) }
    }

    /// Whether `value` is made in the block at hand by `operator` and used only once.
    mutating func isSingle(
        _ value: Value, _ operator: Operator, _ function: borrowing Function
    ) -> Bool {
        let value = resolve(value)
        return function[value].operator == `operator` && useCounts[value.index] == 1
            && homes[value.index] == block
    }

    // MARK: Instructions

    /// Appends an instruction with one result and no uses.
    mutating func append(_ instruction: MachineInstruction, _ result: VirtualRegister) {
        begin(instruction)
        define(result)
    }

    /// Appends an instruction that makes `result` of one register.
    mutating func append(
        _ instruction: MachineInstruction, _ result: VirtualRegister, _ a: VirtualRegister,
        _ constraint: Constraint = .any
    ) {
        begin(instruction)
        define(result, constraint)
        use(a)
    }

    /// Appends an instruction that makes `result` of two registers.
    mutating func append(
        _ instruction: MachineInstruction, _ result: VirtualRegister, _ a: VirtualRegister,
        _ b: VirtualRegister, _ constraint: Constraint = .any
    ) {
        begin(instruction)
        define(result, constraint)
        use(a)
        use(b)
    }

    /// Starts an instruction; then come its results, then its uses, those of memory last.
    mutating func begin(_ instruction: MachineInstruction, _ memory: AddressParts? = nil) {
        var instruction = instruction
        instruction.operands = UInt32(truncatingIfNeeded: machine.operands.count)
        instruction.definitionCount = 0
        instruction.useCount = 0
        if instruction.offset == 0 { instruction.offset = offset }
        if let memory {
            instruction.memory = memory.form
            instruction.scaleLog2 = memory.scaleLog2
            instruction.displacement = memory.displacement
        }
        machine.instructions.append(instruction)
    }

    mutating func define(_ register: VirtualRegister, _ constraint: Constraint = .any) {
        machine.operands.append(MachineOperand(register, constraint))
        machine.instructions.last.definitionCount &+= 1
    }

    mutating func use(_ register: VirtualRegister, _ constraint: Constraint = .any) {
        machine.operands.append(MachineOperand(register, constraint))
        machine.instructions.last.useCount &+= 1
    }

    mutating func useMemory(_ memory: AddressParts?) {
        guard let memory else { return }
        if !memory.base.isNone { use(memory.base) }
        if !memory.index.isNone { use(memory.index) }
    }
}

/// The registers and numbers of a memory operand.
struct AddressParts: BitwiseCopyable {
    var form: MemoryForm
    var base = VirtualRegister.none
    var index = VirtualRegister.none
    var scaleLog2: UInt8 = 0
    var displacement: Int32 = 0
}

extension IRType {
    /// Size of what works on such values.
    var width: OperandWidth {
        switch self {
        case .i32, .f32: .w32
        case .v128: .w128
        default: .w64
        }
    }
}
