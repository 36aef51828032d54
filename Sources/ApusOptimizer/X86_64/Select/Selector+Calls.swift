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

/// Parameters and calls.
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
                let displacement = FrameLayout.stackArguments &+ bytes
                begin(made, AddressParts(form: .frame, displacement: displacement))
                define(register)
            }
        }
        begin(MachineInstruction(.parameters))
        for operand in arriving { define(operand.value, operand.constraint) }
        // What arrives in registers is taken first of all.
        machine.instructions.rotateLast(to: start)
        machine.instructions.reverse(from: start)
        parameterBytes = incomingBytes(function)
    }

    // MARK: Calls

    mutating func lowerCall(
        _ value: Value, _ instruction: ApusIR.Instruction, _ function: borrowing Function
    ) {
        let list = Int(instruction.b)..<Int(instruction.b &+ instruction.c)
        let plain = instruction.operator.plainCall ?? instruction.operator
        if plain == .callRuntime {
            return lowerRuntimeCall(value, instruction, list, function)
        }
        var fixed: [MachineOperand] = []
        var made: MachineInstruction
        var address: AddressParts?
        switch plain {
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
        let outcome = resultPlaces(instruction, function)
        let argumentBytes = counter.areaBytes(results: outcome.bytes)
        let outgoing = Self.outgoingBytes(argumentBytes, outcome)
        if outgoing > 0 { adjustStack(.reserveStack, outgoing) }
        if outcome.bytes > 0 { passResultArea(above: argumentBytes) }
        for (register, bytes, type) in onStack { storeArgument(register, bytes, type) }
        made.clobbers = .lostByCalls
        if noteCatching(instruction) {
            made.flags = [.calls, .catches]
            begin(made, address)
            for operand in fixed { use(operand.value, operand.constraint) }
            return
        }
        made.flags = .calls
        begin(made, address)
        for (register, physical) in outcome.inRegisters { define(register, .fixed(physical)) }
        for operand in fixed { use(operand.value, operand.constraint) }
        takeFromStack(outcome, of: outgoing, argumentBytes)
    }

    /// Loads results that are on the stack, and gives back what of it a call has left of the
    /// `outgoing` bytes that were reserved for it.
    private mutating func takeFromStack(
        _ results: CallResults, of outgoing: Int32, _ argumentBytes: Int32
    ) {
        for (register, bytes, type) in results.onStack { loadResult(register, bytes, type) }
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
    mutating func placeArguments(
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

    private mutating func resultPlaces(
        _ instruction: ApusIR.Instruction, _ function: borrowing Function
    ) -> CallResults {
        if instruction.operator.plainCall != nil {
            let edge = Edge(function.outcomes(instruction).lowerBound)
            return resultPlaces(in: function[function[edge].target].parameters, function)
        }
        guard instruction.type != .none else { return CallResults() }
        var end = self.place &+ 1
        while function[function.order[end]].operator == .callResult { end &+= 1 }
        return resultPlaces(in: self.place..<end, function)
    }

    /// Where results are, which are the values at these places in the order.
    private mutating func resultPlaces(
        in places: Range<Int>, _ function: borrowing Function
    ) -> CallResults {
        var results = CallResults()
        var counter = PlaceCounter.results
        for place in places {
            let value = function.order[place]
            let register = names[value.index]
            let type = function.type(value)
            switch counter.next(type) {
            case .register(let physical):
                if !register.isNone { results.inRegisters.append((register, physical)) }
            case .stack(let bytes):
                if !register.isNone { results.onStack.append((register, bytes, type)) }
            }
        }
        results.bytes = counter.stackBytes
        return results
    }

    /// Bytes of the stack that a call takes for arguments and results.
    private static func outgoingBytes(_ argumentBytes: Int32, _ results: CallResults) -> Int32 {
        (argumentBytes &+ results.bytes &+ 15) & ~15
    }

    // MARK: Outcomes

    /// Whether a call ends its block, which is noted.
    private mutating func noteCatching(_ instruction: ApusIR.Instruction) -> Bool {
        if instruction.operator.plainCall == nil { return false }
        catches = true
        return true
    }

    /// The start of `block`, if that is where a call goes on, or where an exception lands that has
    /// left it; its instructions are put down in reverse.
    mutating func selectOutcome(_ block: Block, _ function: borrowing Function) {
        guard let way = predecessors.range(block).first else { return }
        let edge = predecessors[way]
        guard function[edge].carriesOutcome else { return }
        let call = function[function.terminator(function[edge].source)]
        let start = machine.instructions.count
        if edge.number == function.outcomes(call).lowerBound {
            selectReturn(of: call, block, function)
        } else {
            begin(MachineInstruction(.landing))
            let register = names[function.order[function[block].parameters.lowerBound].index]
            if !register.isNone {
                define(register, .fixed(PhysicalRegister(CallingConvention.exception)))
            }
        }
        machine.instructions.reverse(from: start)
    }

    private mutating func selectReturn(
        of call: ApusIR.Instruction, _ block: Block, _ function: borrowing Function
    ) {
        let results = resultPlaces(in: function[block].parameters, function)
        if !results.inRegisters.isEmpty {
            begin(MachineInstruction(.results))
            for (register, physical) in results.inRegisters { define(register, .fixed(physical)) }
        }
        if call.operator == .tryCallRuntime { return }
        var arguments = PlaceCounter.arguments
        for place in Int(call.b)..<Int(call.b &+ call.c) {
            _ = arguments.next(function.type(Value(function.pool[place])))
        }
        let argumentBytes = arguments.areaBytes(results: results.bytes)
        takeFromStack(results, of: Self.outgoingBytes(argumentBytes, results), argumentBytes)
    }

    mutating func adjustStack(_ opcode: MachineOpcode, _ bytes: Int32) {
        var made = MachineInstruction(opcode)
        made.immediate = UInt64(UInt32(bitPattern: bytes))
        begin(made)
    }

    mutating func storeArgument(
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
        var vectorBytes: Int32 = 0
        for (index, place) in list.enumerated() {
            guard index < RuntimeCall.argumentCount else { return isRefused = true }
            let argument = Value(function.pool[place])
            var passed = register(argument, function)
            if function.type(argument) == .v128 {
                passed = passByAddress(passed)
                vectorBytes &+= 16
            }
            fixed.append(
                MachineOperand(passed, .fixed(PhysicalRegister(RuntimeCall.argument(index)))))
        }
        var made = MachineInstruction(.callRuntime)
        made.immediate = UInt64(instruction.immediate)
        made.flags = noteCatching(instruction) ? [.calls, .catches] : .calls
        made.clobbers = .lostByCalls
        begin(made)
        if !names[value.index].isNone {
            define(names[value.index], .fixed(PhysicalRegister(RuntimeCall.result)))
        }
        for operand in fixed { use(operand.value, operand.constraint) }
        if vectorBytes > 0 { adjustStack(.releaseStack, vectorBytes) }
    }

    /// Puts a vector on the stack, from where the runtime takes it: its address.
    private mutating func passByAddress(_ vector: VirtualRegister) -> VirtualRegister {
        adjustStack(.reserveStack, 16)
        storeArgument(vector, 0, .v128)
        let address = makeRegister(.i64)
        begin(MachineInstruction(.lea), AddressParts(form: .stack))
        define(address)
        return address
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
