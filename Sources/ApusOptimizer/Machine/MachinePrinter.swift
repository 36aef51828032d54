internal import ApusAssembler
internal import ApusCollections
internal import ApusIR

// Consumes: a MachineFunction, and the Allocation that has given registers to its operands.

extension MachineFunction {
    /// The function as text, block after block in the order of the code: its instructions, and
    /// between them what the allocator has put there.
    ///
    ///     block1(v4):
    ///       v5:rax = add.w32 v4:rax, v3:rcx
    ///       store slot of v5, rax
    ///       v6:rdx = load.w32 [v2:rsi + 8] @12
    ///
    /// An operand is a virtual register and the one it is in. The number behind `@` is the offset
    /// of the WebAssembly instruction in its body, of instructions that can trap or call.
    func text(_ allocation: borrowing Allocation) -> String {
        var printer = MachinePrinter()
        for place in 0..<layout.count { printer.print(Int(layout[place]), self, allocation) }
        return printer.text
    }
}

private struct MachinePrinter {
    var text = ""

    mutating func print(
        _ number: Int, _ function: borrowing MachineFunction, _ allocation: borrowing Allocation
    ) {
        let block = function.blocks[number]
        text += "block\(number)(\(names(block.parameters, function)))"
        if block.loopDepth > 0 { text += " depth \(block.loopDepth)" }
        if block.isCold { text += " cold" }
        if block.isLanding { text += " landing" }
        text += ":\n"
        let steps = Int(allocation.starts[number])..<Int(allocation.ends[number])
        let edge = Int(allocation.edgeStarts[number])..<Int(allocation.edgeEnds[number])
        for place in steps.dropLast() { print(allocation.steps[place], function) }
        for place in edge { print(allocation.steps[place], function) }
        guard let last = steps.last else { return }
        print(allocation.steps[last], function)
        if block.successorCount > 0 {
            text.removeLast()
            var targets = block.successors.map { "block\(function.names[$0])" }
            let end = function.instructions[Int(allocation.steps[last].index)]
            if end.flags.contains(.catches) {
                for index in 1..<targets.count {
                    targets[index] = "\(block.clause(index, function)) \(targets[index])"
                }
            }
            text += " -> \(targets.joined(separator: ", "))"
            if block.successorCount == 1 {
                let count = function.blocks[Int(function.names[block.successors.lowerBound])]
                    .parameterCount
                let start = Int(block.argumentStart)
                if count > 0 { text += "(\(names(start..<start + Int(count), function)))" }
            }
            text += "\n"
        }
    }

    private func names(_ places: Range<Int>, _ function: borrowing MachineFunction) -> String {
        places.map { "v\(function.names[$0])" }.joined(separator: ", ")
    }

    private mutating func print(_ step: Step, _ function: borrowing MachineFunction) {
        let from = step.from.name
        let to = step.to.name
        let index = Int(step.index)
        let line =
            switch step.kind {
            case .instruction: instruction(function.instructions[index], function)
            case .move: "move \(to), \(from)"
            case .exchange: "exchange \(to), \(from)"
            case .load: "load \(to), slot of v\(index)"
            case .store: "store slot of v\(index), \(from)"
            case .copy: "copy slot of v\(step.target), slot of v\(index)"
            case .make: "make \(to), v\(index)"
            case .makeInFrame: "make slot of v\(step.target), v\(index)"
            case .push: "push slot of v\(index)"
            case .pop: "pop \(to), v\(index)"
            case .popToFrame: "pop slot of v\(step.target), v\(index)"
            }
        text += "  \(line)\n"
    }

    private func instruction(
        _ instruction: MachineInstruction, _ function: borrowing MachineFunction
    ) -> String {
        var line = ""
        let results = instruction.definitions.map { operand(function.operands[$0]) }
        if !results.isEmpty { line += results.joined(separator: ", ") + " = " }
        line += "\(instruction.opcode).\(instruction.width)\(instruction.distinction)"
        let memoryCount = instruction.memory.registerCount
        let uses = instruction.uses.map { operand(function.operands[$0]) }
        var operands = Array(uses.dropLast(memoryCount))
        if instruction.memory != .none {
            operands.append(address(instruction, Array(uses.suffix(memoryCount))))
        }
        if instruction.hasImmediate {
            operands.append("\(Int64(bitPattern: instruction.immediate))")
        }
        if !operands.isEmpty { line += " " + operands.joined(separator: ", ") }
        if instruction.offset != 0 { line += " @\(instruction.offset)" }
        return line
    }

    private func operand(_ operand: MachineOperand) -> String {
        if operand.assigned == .inFrame { return "[v\(operand.value.number)]" }
        return operand.assigned.isNone
            ? "v\(operand.value.number)" : "v\(operand.value.number):\(operand.assigned.name)"
    }

    private func address(_ instruction: MachineInstruction, _ registers: [String]) -> String {
        let scale = 1 &<< Int(instruction.scaleLog2)
        var parts: [String] = []
        switch instruction.memory {
        case .none: break
        case .base: parts = registers
        case .baseIndex: parts = [registers[0], "\(scale)*\(registers[1])"]
        case .context: parts = ["context"]
        case .contextIndex: parts = ["context", "\(scale)*\(registers[0])"]
        case .frame: parts = ["frame"]
        case .stack: parts = ["stack"]
        case .constant: return "[constant \(instruction.immediate)]"
        case .vector: return "[vector \(instruction.displacement)]"
        }
        let displacement = instruction.displacement
        let text = parts.joined(separator: " + ")
        if displacement == 0 { return "[\(text)]" }
        return displacement < 0
            ? "[\(text) - \(displacement.magnitude)]" : "[\(text) + \(displacement)]"
    }
}

extension MachineInstruction {
    /// What tells it from others of its opcode and width.
    fileprivate var distinction: String {
        switch opcode {
        case .alu, .aluImmediate, .aluMemory, .aluStore, .aluStoreImmediate, .atomicAlu,
            .atomicAluStore:
            AluOp(rawValue: detail).map { ".\($0)" } ?? ""
        case .shiftImmediate, .shift, .rotate: ShiftOp(rawValue: detail).map { ".\($0)" } ?? ""
        case .floatBinary, .floatBinaryMemory: FloatOp(rawValue: detail).map { ".\($0)" } ?? ""
        case .load: LoadExtension(rawValue: detail).map { ".\($0)" } ?? ""
        case .set, .select, .selectVector, .branch, .trapIf:
            "\(FlagTest(rawValue: detail).map { ".\($0)" } ?? "").\(flagName)"
        default:
            (detail != 0 ? ".\(detail)" : "") + (condition != 0 ? ".\(condition)" : "")
        }
    }

    private var flagName: String {
        if let simple = Condition(rawValue: condition) { return "\(simple)" }
        return condition == FlagCondition.floatsEqual.number ? "equal" : "unequal"
    }

    /// The immediate means something, or is more than its absence.
    fileprivate var hasImmediate: Bool {
        if memory == .constant { return false }
        switch opcode {
        case .immediate, .floatConstant, .vectorConstant, .repeatedConstant, .addImmediate,
            .aluImmediate, .multiplyImmediate, .shiftImmediate, .rotateImmediate, .storeImmediate,
            .aluStoreImmediate, .payFuel, .reserveStack, .releaseStack, .call, .callRuntime,
            .tailCall:
            return true
        default: return immediate != 0
        }
    }
}

extension PhysicalRegister {
    /// Its name as the processor's manual has it.
    var name: String {
        if isNone { return "none" }
        if isVector { return "xmm\(number & 15)" }
        let names = [
            "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12",
            "r13", "r14", "r15",
        ]
        return names[Int(number & 15)]
    }
}
