internal import ApusABI
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
    func text<Machine: Target>(
        _ allocation: borrowing Allocation, for target: Machine.Type
    ) -> String {
        var printer = MachinePrinter<Machine>()
        for place in 0..<layout.count { printer.print(Int(layout[place]), self, allocation) }
        return printer.text
    }

    /// The lines of the text, each with the offset in the body of what it was made of, if that is
    /// known.
    func lines<Machine: Target>(
        _ allocation: borrowing Allocation, for target: Machine.Type
    ) -> [(text: String, offset: UInt32?)] {
        var printer = MachinePrinter<Machine>()
        for place in 0..<layout.count { printer.print(Int(layout[place]), self, allocation) }
        var offsets = printer.lineOffsets.makeIterator()
        return printer.text.split(separator: "\n").map { (String($0), offsets.next() ?? nil) }
    }
}

private struct MachinePrinter<Machine: Target> {
    var text = ""
    /// Of each line.
    var lineOffsets: [UInt32?] = []

    mutating func print(
        _ number: Int, _ function: borrowing MachineFunction, _ allocation: borrowing Allocation
    ) {
        let block = function.blocks[number]
        text += "block\(number)(\(names(block.parameters, function)))"
        if block.loopDepth > 0 { text += " depth \(block.loopDepth)" }
        if block.isCold { text += " cold" }
        if block.isLanding { text += " landing" }
        text += ":\n"
        lineOffsets.append(nil)
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
        let from = Machine.name(of: step.from)
        let to = Machine.name(of: step.to)
        let index = Int(step.index)
        let isInstruction = step.kind == .instruction
        let offset = isInstruction ? function.instructions[index].offset : 0
        lineOffsets.append(offset == 0 ? nil : offset)
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
        line += Machine.name(of: instruction)
        let memoryCount = instruction.memory.registerCount
        let uses = instruction.uses.map { operand(function.operands[$0]) }
        var operands = Array(uses.dropLast(memoryCount))
        if instruction.memory != .none {
            operands.append(address(instruction, Array(uses.suffix(memoryCount))))
        }
        if Machine.hasImmediate(instruction) {
            operands.append("\(Int64(bitPattern: instruction.immediate))")
        }
        if !operands.isEmpty { line += " " + operands.joined(separator: ", ") }
        if instruction.offset != 0 { line += " @\(instruction.offset)" }
        return line
    }

    private func operand(_ operand: MachineOperand) -> String {
        if operand.assigned == .inFrame { return "[v\(operand.value.number)]" }
        let name = "v\(operand.value.number)"
        return operand.assigned.isNone
            ? name : "\(name):\(Machine.name(of: operand.assigned))"
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
