internal import ApusCollections

// Consumes: functions at any stage. What it prints, the parser reads back as the same function.

extension Function {
    /// The function as text: its type, what floats and is used, then block after block.
    ///
    ///     function (i32) -> (i32)
    ///       v1: i32 = constant 7
    ///     block0(v0: i32):
    ///       v2: i32 = add v0, v1
    ///       return (v2)
    ///
    /// With `offsets`, each instruction that can trap ends in `@` and its offset in the body.
    public func text(offsets: Bool = false) -> String {
        var printer = Printer(printsOffsets: offsets)
        printer.print(self)
        return printer.text
    }

    /// The lines of the text, each with the offset in the body of what it was made of, if it is an
    /// instruction.
    public func lines() -> [(text: String, offset: UInt32?)] {
        var printer = Printer(printsOffsets: false)
        printer.print(self)
        var offsets = printer.lineOffsets.makeIterator()
        return printer.text.split(separator: "\n").map { (String($0), offsets.next() ?? nil) }
    }
}

private struct Printer {
    var text = ""
    /// Of each line.
    var lineOffsets: [UInt32?] = []
    let printsOffsets: Bool

    init(printsOffsets: Bool) { self.printsOffsets = printsOffsets }

    mutating func print(_ function: borrowing Function) {
        let parameters = function.blocks.isEmpty ? 0..<0 : function[Block.entry].parameters
        text += "function (\(parameters.map { "\(function.type(function.order[$0]))" }.list))"
        text += " -> (\((0..<function.results.count).map { "\(function.results[$0])" }.list))"
        endLine()
        printFloating(function)
        for number in 0..<function.blocks.count { print(Block(at: number), function) }
        printLayout(function)
    }

    private mutating func printFloating(_ function: borrowing Function) {
        var used: Set<UInt32> = []
        func note(_ value: Value) { used.insert(value.number) }
        for number in 0..<function.blocks.count {
            let block = Block(at: number)
            for place in function[block].range {
                function.forEachOperand(function[function.order[place]], note)
            }
            for edge in function.successors(block) {
                for place in function[Edge(edge)].arguments { used.insert(function.pool[place]) }
            }
        }
        for number in used.sorted() {
            let value = Value(number)
            guard function[value].operator.row.effects.contains(.floats) else { continue }
            print(value, function)
        }
    }

    private mutating func print(_ block: Block, _ function: borrowing Function) {
        let record = function[block]
        let parameters = record.parameters.map { place in
            let value = function.order[place]
            return "\(value): \(function.type(value))"
        }
        text += "\(block)(\(parameters.list))"
        if record.loopDepth > 0 { text += " depth \(record.loopDepth)" }
        if record.isCold { text += " cold" }
        text += ":"
        endLine()
        for place in record.body { print(function.order[place], function) }
    }

    private mutating func print(_ value: Value, _ function: borrowing Function) {
        let instruction = function[value]
        text += "  "
        if instruction.type != .none { text += "\(value): \(instruction.type) = " }
        text += "\(instruction.operator.row.name)\(instruction.suffix)"
        text += operands(instruction, function)
        let offset = function.offsets[value.index]
        if printsOffsets, instruction.canTrap { text += " @\(offset)" }
        endLine(offset)
    }

    private mutating func endLine(_ offset: UInt32? = nil) {
        text += "\n"
        lineOffsets.append(offset)
    }

    private func operands(_ instruction: Instruction, _ function: borrowing Function) -> String {
        switch instruction.operator {
        case .constant: " \(constant(instruction))"
        case .vectorConstant: " \(function.vectors[Int(instruction.a)])"
        case .shuffle:
            " \(instruction.first), \(instruction.second), \(function.vectors[Int(instruction.c)])"
        case .extractLane: " \(instruction.first), \(instruction.c)"
        case .replaceLane: " \(instruction.first), \(instruction.second), \(instruction.c)"
        case .load, .atomicLoad: " \(address(instruction)), \(instruction.displacement)"
        case .store, .atomicExchange, .atomicAdd, .atomicAnd, .atomicOr, .atomicXor:
            " \(address(instruction)), \(function.displacement(instruction)), "
                + "\(function.stored(instruction))"
        case .atomicCompareExchange:
            " \(address(instruction)), \(function.displacement(instruction)), "
                + "\(function.stored(instruction)), \(function.expected(instruction))"
        case .loadLane, .storeLane:
            " \(address(instruction)), \(function.displacement(instruction)), "
                + "\(function.stored(instruction)), \(function.lane(instruction))"
        case .call, .callImport, .tailCall: " \(instruction.a)\(list(instruction, function))"
        case .callFar, .tailCallFar: " \(instruction.first)\(list(instruction, function))"
        case .callRuntime, .return: " \(list(instruction, function))"
        case .tryCall, .tryCallImport:
            " \(instruction.a)\(list(instruction, function)), \(outcomes(instruction, function))"
        case .tryCallFar:
            " \(instruction.first)\(list(instruction, function)), "
                + outcomes(instruction, function)
        case .tryCallRuntime:
            " \(list(instruction, function)), \(outcomes(instruction, function))"
        case .jump: " \(edge(instruction.a, function))"
        case .branch:
            " \(instruction.first), \(edge(instruction.b, function)), "
                + "\(edge(instruction.c, function))"
        case .branchTable:
            " \(instruction.first), "
                + "[\((0..<instruction.c).map { edge(instruction.b + $0, function) }.list)]"
        case .context, .parameter, .trap, .poll, .fence: ""
        default: plain(instruction, function)
        }
    }

    private func plain(_ instruction: Instruction, _ function: borrowing Function) -> String {
        var names: [String] = []
        function.forEachOperand(instruction) { names.append("\($0)") }
        return " \(names.list)"
    }

    private func constant(_ instruction: Instruction) -> String {
        switch instruction.type {
        case .i32: "\(Int32(bitPattern: instruction.a))"
        case .i64, .ref: "\(Int64(bitPattern: instruction.bits))"
        default: hexadecimal(instruction.bits, digits: instruction.type.bits / 4)
        }
    }

    private func address(_ instruction: Instruction) -> String {
        "\(instruction.first), \(instruction.second)"
    }

    private func list(_ instruction: Instruction, _ function: borrowing Function) -> String {
        let range = Int(instruction.b)..<Int(instruction.b + instruction.c)
        return "(\(range.map { "\(Value(function.pool[$0]))" }.list))"
    }

    private func outcomes(_ call: Instruction, _ function: borrowing Function) -> String {
        let edges = function.outcomes(call)
        let handlers = edges.dropFirst().enumerated().map { index, number in
            "\(function.clause(index, of: call)) \(edge(number, function))"
        }
        return "\(edge(edges.lowerBound, function)), [\(handlers.list)]"
    }

    private func edge(_ number: UInt32, _ function: borrowing Function) -> String {
        let edge = function[Edge(number)]
        let arguments = edge.arguments.map { "\(Value(function.pool[$0]))" }
        return "\(edge.target)(\(arguments.list))"
    }

    /// Printed only if it is not the order of the blocks' numbers.
    private mutating func printLayout(_ function: borrowing Function) {
        let numbers = (0..<function.layout.count).map { function.layout[$0].index }
        if numbers == Array(0..<function.blocks.count) { return }
        text += "layout \(numbers.map { "\(Block(at: $0))" }.list)"
        endLine()
    }
}

extension Instruction {
    /// What the immediate says, behind the operator's name.
    fileprivate var suffix: String {
        switch `operator`.row.immediate {
        case .none: ""
        case .integerCondition: ".\(integerCondition)"
        case .floatCondition: ".\(floatCondition)"
        case .number: ".\(immediate)"
        case .access:
            ".\(access.width).\(access.alias)" + (access.canTrap ? ".trap\(access.trapCode)" : "")
        case .wrapping: wrapFlags.contains(.noWrap) ? ".noWrap" : ""
        case .division:
            (divisionFlags.contains(.notZero) ? ".notZero" : "")
                + (divisionFlags.contains(.noOverflow) ? ".noOverflow" : "")
        }
    }
}

extension [String] {
    fileprivate var list: String { joined(separator: ", ") }
}

/// `0x` and exactly `digits` digits.
func hexadecimal(_ bits: UInt64, digits: Int) -> String {
    let text = String(bits, radix: 16)
    return "0x" + String(repeating: "0", count: max(digits - text.count, 0)) + text
}

extension Value: CustomStringConvertible {
    public var description: String { isNone ? "none" : "v\(number)" }
}

extension Block: CustomStringConvertible {
    public var description: String { "block\(number)" }
}

extension VectorBits: CustomStringConvertible {
    public var description: String {
        hexadecimal(high, digits: 16) + hexadecimal(low, digits: 16).dropFirst(2)
    }
}
