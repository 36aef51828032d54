internal import ApusABI
internal import ApusAssembler
internal import ApusCollections
internal import ApusIR

/// Where the calling convention puts values of certain types, one after the other.
struct PlaceCounter {
    enum Place {
        case register(PhysicalRegister)
        /// Bytes from the start of the area on the stack.
        case stack(Int32)
    }

    /// Whether results are counted, which have fewer registers than arguments.
    let isResults: Bool
    private var general = 0
    private var vector = 0
    private(set) var stackBytes: Int32 = 0

    init(isResults: Bool) { self.isResults = isResults }

    static var arguments: PlaceCounter { PlaceCounter(isResults: false) }
    static var results: PlaceCounter { PlaceCounter(isResults: true) }

    /// The place of the next value, which is of this type.
    mutating func next(_ type: IRType) -> Place {
        if type.isGeneral {
            let limit =
                isResults
                ? CallingConvention.generalResultCount : CallingConvention.generalArgumentCount
            if general < limit {
                general += 1
                return .register(
                    PhysicalRegister(
                        isResults
                            ? CallingConvention.generalResult(general - 1)
                            : CallingConvention.generalArgument(general - 1)))
            }
        } else {
            let limit =
                isResults
                ? CallingConvention.floatResultCount : CallingConvention.floatArgumentCount
            if vector < limit {
                vector += 1
                return .register(
                    PhysicalRegister(CallingConvention.floatArgument(vector - 1)))
            }
        }
        defer { stackBytes += type == .v128 ? 16 : 8 }
        return .stack(stackBytes)
    }

    /// Bytes of the stack arguments, of which these are the parameters', where results take
    /// `results` bytes of stack.
    func areaBytes(results: Int32) -> Int32 {
        CallingConvention.argumentAreaBytes(arguments: stackBytes, results: results)
    }

    /// How many general registers are given out.
    var generalCount: Int { general }
}

/// Parameters, calls and returns.
extension Selector {
    // MARK: Parameters

    /// The start of the entry block; its instructions are put down in reverse.
    mutating func selectParameters(_ function: borrowing Function) {
        var counter = PlaceCounter.arguments
        let start = machine.instructions.count
        var arriving: [MachineOperand] = []
        for place in function[Block.entry].parameters {
            let value = function.order[place]
            let type = function.type(value)
            let place = counter.next(type)
            let register = names[value.index]
            if register.isNone { continue }
            switch place {
            case .register(let physical):
                arriving.append(MachineOperand(register, .fixed(physical)))
            case .stack(let bytes):
                var made = MachineInstruction(type.isGeneral ? .load : .loadFloat)
                made.width = type.width
                made.detail = (type == .i32 ? LoadExtension.zero32 : .full64).rawValue
                made.condition = MachineInstruction.constantLoad
                begin(made, AddressParts(form: .frame, displacement: 16 &+ bytes))
                define(register)
            }
        }
        begin(MachineInstruction(.parameters))
        for operand in arriving { define(operand.value, operand.constraint) }
        // What arrives in registers is taken first of all.
        machine.instructions.rotateLast(to: start)
        machine.instructions.reverse(from: start)
        parameterBytes = counter.areaBytes(results: resultBytes(function))
    }

    // MARK: Calls

    mutating func lowerCall(
        _ value: Value, _ instruction: ApusIR.Instruction, _ function: borrowing Function
    ) {
        let list = Int(instruction.b)..<Int(instruction.b &+ instruction.c)
        if instruction.operator == .callRuntime {
            return lowerRuntimeCall(value, instruction, list, function)
        }
        var fixed: [MachineOperand] = []
        var made: MachineInstruction
        var address: AddressParts?
        switch instruction.operator {
        case .callImport:
            made = MachineInstruction(.callImport)
            address = AddressParts(form: .context, displacement: Int32(bitPattern: instruction.a))
            leavesInstance = true
        case .callFar:
            made = MachineInstruction(.callFar)
            made.trap = UInt8(truncatingIfNeeded: instruction.immediate)
            let record = register(instruction.first, function)
            fixed.append(MachineOperand(record, .fixed(PhysicalRegister(.r11))))
            leavesInstance = true
        default:
            made = MachineInstruction(.call)
            made.immediate = UInt64(instruction.a)
        }
        var onStack: [(VirtualRegister, Int32, IRType)] = []
        let counter = placeArguments(list, &fixed, &onStack, function)
        let outcome = resultPlaces(value, instruction, function)
        let argumentBytes = counter.areaBytes(results: outcome.bytes)
        let outgoing = (argumentBytes &+ outcome.bytes &+ 15) & ~15
        if outgoing > 0 { adjustStack(.reserveStack, outgoing) }
        if outcome.bytes > 0 { passResultArea(above: argumentBytes) }
        for (register, bytes, type) in onStack { storeArgument(register, bytes, type) }
        made.flags = .calls
        made.clobbers = .lostByCalls
        begin(made, address)
        for (register, physical) in outcome.inRegisters { define(register, .fixed(physical)) }
        for operand in fixed { use(operand.value, operand.constraint) }
        for (register, bytes, type) in outcome.onStack { loadResult(register, bytes, type) }
        if outgoing > argumentBytes {
            adjustStack(.releaseStack, outgoing &- argumentBytes)
        }
    }

    /// Tells the callee where the results that do not fit into registers go.
    private mutating func passResultArea(above argumentBytes: Int32) {
        let area = makeRegister(.i64)
        begin(MachineInstruction(.lea), AddressParts(form: .stack, displacement: argumentBytes))
        define(area)
        storeArgument(area, CallingConvention.resultPointerOffset(in: argumentBytes), .i64)
    }

    /// Adds the arguments in `list` to those in registers and those on the stack.
    private mutating func placeArguments(
        _ list: Range<Int>, _ fixed: inout [MachineOperand],
        _ onStack: inout [(VirtualRegister, Int32, IRType)], _ function: borrowing Function
    ) -> PlaceCounter {
        var counter = PlaceCounter.arguments
        for place in list {
            let argument = Value(function.pool[place])
            let type = function.type(argument)
            let register = register(argument, function)
            switch counter.next(type) {
            case .register(let physical):
                fixed.append(MachineOperand(register, .fixed(physical)))
            case .stack(let bytes): onStack.append((register, bytes, type))
            }
        }
        return counter
    }

    /// What a call's results are, and where.
    struct CallResults {
        var inRegisters: [(VirtualRegister, PhysicalRegister)] = []
        var onStack: [(VirtualRegister, Int32, IRType)] = []
        var bytes: Int32 = 0
    }

    private func resultPlaces(
        _ call: Value, _ instruction: ApusIR.Instruction, _ function: borrowing Function
    ) -> CallResults {
        var results = CallResults()
        guard instruction.type != .none else { return results }
        var counter = PlaceCounter.results
        var place = self.place
        var value = call
        repeat {
            let register = names[value.index]
            let type = function.type(value)
            switch counter.next(type) {
            case .register(let physical):
                if !register.isNone { results.inRegisters.append((register, physical)) }
            case .stack(let bytes):
                if !register.isNone { results.onStack.append((register, bytes, type)) }
            }
            place &+= 1
            value = function.order[place]
        } while function[value].operator == .callResult
        results.bytes = counter.stackBytes
        return results
    }

    private mutating func adjustStack(_ opcode: MachineOpcode, _ bytes: Int32) {
        var made = MachineInstruction(opcode)
        made.immediate = UInt64(UInt32(bitPattern: bytes))
        begin(made)
    }

    private mutating func storeArgument(
        _ register: VirtualRegister, _ bytes: Int32, _ type: IRType
    ) {
        var made = MachineInstruction(type.isGeneral ? .store : .storeFloat)
        made.width = type == .v128 ? .w128 : .w64
        begin(made, AddressParts(form: .stack, displacement: bytes))
        use(register)
    }

    private mutating func loadResult(
        _ register: VirtualRegister, _ bytes: Int32, _ type: IRType
    ) {
        var made = MachineInstruction(type.isGeneral ? .load : .loadFloat)
        made.width = type.width
        made.detail = (type == .i32 ? LoadExtension.zero32 : .full64).rawValue
        begin(made, AddressParts(form: .stack, displacement: bytes))
        define(register)
    }

    private mutating func lowerRuntimeCall(
        _ value: Value, _ instruction: ApusIR.Instruction, _ list: Range<Int>,
        _ function: borrowing Function
    ) {
        var fixed: [MachineOperand] = []
        for (index, place) in list.enumerated() {
            guard index < Self.runtimeArguments.count else { return isRefused = true }
            fixed.append(
                MachineOperand(
                    register(Value(function.pool[place]), function),
                    .fixed(PhysicalRegister(Self.runtimeArguments[index]))))
        }
        var made = MachineInstruction(.callRuntime)
        made.immediate = UInt64(instruction.immediate)
        made.flags = .calls
        made.clobbers = .lostByCalls
        begin(made)
        if !names[value.index].isNone {
            define(names[value.index], .fixed(PhysicalRegister(.rax)))
        }
        for operand in fixed { use(operand.value, operand.constraint) }
    }

    /// The C argument registers after the first, which is the context.
    private static var runtimeArguments: [GPR] { [.rsi, .rdx, .rcx, .r8, .r9] }

    // MARK: Ends

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
        let place = 16 &+ CallingConvention.resultPointerOffset(in: incomingBytes(function))
        let area = makeRegister(.i64)
        var pointer = MachineInstruction(.load)
        pointer.detail = LoadExtension.full64.rawValue
        begin(pointer, AddressParts(form: .frame, displacement: place))
        define(area)
        for (register, bytes, type) in results {
            var made = MachineInstruction(type.isGeneral ? .store : .storeFloat)
            made.width = type == .v128 ? .w128 : .w64
            let parts = AddressParts(form: .base, base: area, displacement: bytes)
            begin(made, parts)
            use(register)
            useMemory(parts)
        }
    }

    /// Bytes of the function's own stack arguments.
    private func incomingBytes(_ function: borrowing Function) -> Int32 {
        var counter = PlaceCounter.arguments
        for place in function[Block.entry].parameters {
            _ = counter.next(function.type(function.order[place]))
        }
        return counter.areaBytes(results: resultBytes(function))
    }

    /// Bytes of the function's results that do not fit into registers.
    private func resultBytes(_ function: borrowing Function) -> Int32 {
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
        _ = placeArguments(list, &fixed, &onStack, function)
        // Arguments on the stack would have to replace the function's own.
        guard onStack.isEmpty, incomingBytes(function) == 0 else { return isRefused = true }
        var made = MachineInstruction(.tailCall)
        if instruction.operator == .tailCallFar {
            made.opcode = .tailCallFar
            made.trap = UInt8(truncatingIfNeeded: instruction.immediate)
            let record = register(instruction.first, function)
            fixed.append(MachineOperand(record, .fixed(PhysicalRegister(.r11))))
        } else {
            made.immediate = UInt64(instruction.a)
        }
        begin(made)
        for operand in fixed { use(operand.value, operand.constraint) }
    }
}

extension Arena {
    /// Moves the last element to `place`, those from there on one further.
    mutating func rotateLast(to place: Int) {
        var index = count &- 1
        let element = self[index]
        while index > place {
            self[index] = self[index &- 1]
            index &-= 1
        }
        self[place] = element
    }
}
