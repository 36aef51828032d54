internal import ApusABI
internal import ApusAssembler
internal import ApusCollections
internal import ApusIR

/// Ends of blocks, but for calls that go on in another one.
extension Selector {
    mutating func lowerEnd(
        _ instruction: ApusIR.Instruction, _ function: borrowing Function
    ) {
        switch instruction.operator {
        case .jump:
            passArguments(Edge(instruction.a), Int(blockNumbers[block.index]), function)
            begin(MachineInstruction(.jump))
        case .branch: lowerBranch(instruction, function)
        case .branchTable: lowerBranchTable(instruction, function)
        case .return: lowerReturn(instruction, function)
        case .tailCall, .tailCallFar: lowerTailCall(instruction, function)
        default:
            var made = MachineInstruction(.trap)
            made.raised = UInt8(truncatingIfNeeded: instruction.immediate)
            begin(made)
        }
    }

    private mutating func lowerBranch(
        _ instruction: ApusIR.Instruction, _ function: borrowing Function
    ) {
        append(test(.branch, instruction.first, function))
    }

    private mutating func lowerBranchTable(
        _ instruction: ApusIR.Instruction, _ function: borrowing Function
    ) {
        if instruction.c == 1 {
            let edge = Edge(instruction.b)
            passArguments(edge, Int(blockNumbers[block.index]), function)
            return begin(MachineInstruction(.jump))
        }
        let index = register(instruction.first, function)
        let distance = makeRegister(.i64)
        var made = MachineInstruction(.branchTable)
        made.flags = .writesEarly
        append(made, distance, index)
    }

    private mutating func lowerReturn(
        _ instruction: ApusIR.Instruction, _ function: borrowing Function
    ) {
        var fixed: [MachineOperand] = []
        var onStack: [(VirtualRegister, Int32, IRType)] = []
        var counter = PlaceCounter.results
        for place in Int(instruction.b)..<Int(instruction.b &+ instruction.c) {
            let result = Value(function.pool[place])
            let type = function.type(result)
            let register = register(result, function)
            switch counter.next(type) {
            case .register(let physical):
                fixed.append(MachineOperand(register, .fixed(physical)))
            case .stack(let bytes): onStack.append((register, bytes, type))
            }
        }
        if !onStack.isEmpty { storeInResultArea(onStack, function) }
        begin(MachineInstruction(.return))
        for operand in fixed { use(operand.value, operand.constraint) }
    }

    /// Stores results where the caller has asked for them.
    private mutating func storeInResultArea(
        _ results: [(VirtualRegister, Int32, IRType)], _ function: borrowing Function
    ) {
        let area = loadResultArea(function)
        for (register, bytes, type) in results {
            var made = MachineInstruction(type.isGeneral ? .store : .storeFloat)
            made.width = type == .v128 ? .w128 : .w64
            let parts = AddressParts(form: .base, base: area, displacement: bytes)
            begin(made, parts)
            use(register)
            useMemory(parts)
        }
    }

    /// The address of the area that the caller has named.
    private mutating func loadResultArea(_ function: borrowing Function) -> VirtualRegister {
        let place =
            FrameLayout.stackArguments
            &+ CallingConvention.resultPointerOffset(in: incomingBytes(function))
        let area = makeRegister(.i64)
        var pointer = MachineInstruction(.load)
        pointer.detail = LoadExtension.full64.rawValue
        begin(pointer, AddressParts(form: .frame, displacement: place))
        define(area)
        return area
    }

    /// Bytes of the function's own stack arguments.
    mutating func incomingBytes(_ function: borrowing Function) -> Int32 {
        if function.argumentBytes >= 0 { return function.argumentBytes }
        var counter = PlaceCounter.arguments
        for place in function[Block.entry].parameters {
            _ = counter.next(function.type(function.order[place]))
        }
        return counter.areaBytes(results: resultBytes(function))
    }

    /// Bytes of the function's results that do not fit into registers.
    mutating func resultBytes(_ function: borrowing Function) -> Int32 {
        var counter = PlaceCounter.results
        for result in 0..<function.results.count { _ = counter.next(function.results[result]) }
        return counter.stackBytes
    }

    private mutating func lowerTailCall(
        _ instruction: ApusIR.Instruction, _ function: borrowing Function
    ) {
        var fixed: [MachineOperand] = []
        var onStack: [(VirtualRegister, Int32, IRType)] = []
        let list = Int(instruction.b)..<Int(instruction.b &+ instruction.c)
        let counter = placeArguments(list, &fixed, &onStack, function)
        let results = resultBytes(function)
        let bytes = counter.areaBytes(results: results)
        var made = MachineInstruction(.tailCall)
        made.displacement = bytes
        if instruction.operator == .tailCallFar {
            made.opcode = .tailCallFar
            made.trap = UInt8(truncatingIfNeeded: instruction.immediate)
            let record = register(instruction.first, function)
            fixed.append(MachineOperand(record, .fixed(PhysicalRegister(.r11))))
        } else {
            made.immediate = UInt64(instruction.a)
        }
        if bytes > 0 { adjustStack(.reserveStack, made.tailCallRoom) }
        if results > 0 {
            // The callee's results go where this function's would.
            let place = CallingConvention.resultPointerOffset(in: bytes)
            storeArgument(loadResultArea(function), place, .i64)
        }
        for (register, bytes, type) in onStack { storeArgument(register, bytes, type) }
        begin(made)
        for operand in fixed { use(operand.value, operand.constraint) }
    }
}
