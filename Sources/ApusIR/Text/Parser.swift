internal import ApusCollections

// Consumes: text as the printer writes it. Values keep their numbers; instructions without a
// result get numbers after all others. What it makes should be verified before it is used.

/// What is wrong with the text of a function.
public struct IRTextError: Error, Hashable, Sendable {
    /// Counted from 1.
    public var line: Int
    public var message: String
}

extension Function {
    /// Reads a function from `text`: see `text(offsets:)` for what it looks like. `;` begins a
    /// comment.
    public init(text: String) throws(IRTextError) {
        self.init()
        var parser = Parser()
        try parser.parse(text)
        parser.fill(&self)
    }
}

private struct Parser {
    private var line = LineReader()
    private var instructions: [UInt32: Instruction] = [:]
    private var offsets: [UInt32: UInt32] = [:]
    /// Instructions of the block that is open; nil in place of what has no number yet.
    private var order: [Entry] = []
    private var blocks: [BlockRecord] = []
    private var edges: [EdgeRecord] = []
    private var pool: [UInt32] = []
    private var vectors: [VectorBits] = []
    private var results: [IRType] = []
    private var layout: [UInt32]?
    private var hasHead = false

    private enum Entry {
        case named(UInt32)
        case unnamed(Instruction, offset: UInt32)
    }

    mutating func parse(_ text: String) throws(IRTextError) {
        var number = 0
        for raw in text.split(separator: "\n", omittingEmptySubsequences: false) {
            number += 1
            line = LineReader(raw.prefix { $0 != ";" }, number)
            if line.isAtEnd { continue }
            try parseLine()
        }
        if blocks.isEmpty { throw line.error("a function has at least one block") }
    }

    private mutating func parseLine() throws(IRTextError) {
        if !hasHead {
            try parseHead()
        } else if line.peek("layout") {
            try line.expect("layout")
            layout = []
            repeat { layout?.append(try line.number("block")) } while line.skip(",")
        } else if line.startsWith("block") {
            try parseBlock()
        } else {
            try parseInstruction()
        }
        if !line.isAtEnd { throw line.error("nothing more is expected") }
    }

    private mutating func parseHead() throws(IRTextError) {
        try line.expect("function")
        try line.expect("(")
        while !line.skip(")") {
            _ = try line.type()
            _ = line.skip(",")
        }
        try line.expect("->")
        try line.expect("(")
        while !line.skip(")") {
            results.append(try line.type())
            _ = line.skip(",")
        }
        hasHead = true
    }

    private mutating func parseBlock() throws(IRTextError) {
        let number = try line.number("block")
        guard Int(number) == blocks.count else {
            throw line.error("block\(blocks.count) is expected here")
        }
        var record = BlockRecord(start: UInt32(order.count))
        try line.expect("(")
        while !line.skip(")") {
            let value = try line.number("v")
            try line.expect(":")
            try define(value, Instruction(.parameter, try line.type(), a: record.parameterCount))
            order.append(.named(value))
            record.parameterCount += 1
            _ = line.skip(",")
        }
        if line.skip("depth") {
            record.loopDepth = UInt16(truncatingIfNeeded: try line.integer())
        }
        record.isCold = line.skip("cold")
        try line.expect(":")
        record.end = UInt32(order.count)
        blocks.append(record)
    }

    private mutating func define(
        _ value: UInt32, _ instruction: Instruction
    ) throws(IRTextError) {
        guard value < 1 << 24 else { throw line.error("v\(value) is too large a number") }
        guard instructions.updateValue(instruction, forKey: value) == nil else {
            throw line.error("v\(value) is defined twice")
        }
    }

    private mutating func parseInstruction() throws(IRTextError) {
        var result: UInt32?
        var type = IRType.none
        if line.startsWith("v"), line.peek(second: ":") {
            result = try line.number("v")
            try line.expect(":")
            type = try line.type()
            try line.expect("=")
        }
        var words = try line.word().split(separator: ".")[...]
        guard let name = words.popFirst(), let `operator` = Operator.named(name) else {
            throw line.error("unknown operator")
        }
        var instruction = Instruction(`operator`, type)
        instruction.immediate = try immediate(`operator`.row.immediate, words)
        try parseOperands(&instruction)
        let offset = line.skip("@") ? UInt32(truncatingIfNeeded: try line.integer()) : 0
        if let result {
            try define(result, instruction)
            offsets[result] = offset
        }
        if `operator`.row.effects.contains(.floats) {
            if result == nil { throw line.error("a constant has a result") }
            return
        }
        guard !blocks.isEmpty else { throw line.error("an instruction stands in a block") }
        order.append(result.map { .named($0) } ?? .unnamed(instruction, offset: offset))
        blocks[blocks.count - 1].end = UInt32(order.count)
    }

    private func immediate(
        _ rule: ImmediateRule, _ words: ArraySlice<Substring>
    ) throws(IRTextError) -> UInt16 {
        let first = words.first ?? ""
        switch rule {
        case .none: return 0
        case .integerCondition:
            return try find(first, IntegerCondition.allCases).rawValue
        case .floatCondition:
            return try find(first, FloatCondition.allCases).rawValue
        case .number:
            guard let number = UInt16(first) else { throw line.error("a number is expected") }
            return number
        case .wrapping: return first == "noWrap" ? WrapFlags.noWrap.rawValue : 0
        case .division:
            var flags: DivisionFlags = []
            if words.contains("notZero") { flags.insert(.notZero) }
            if words.contains("noOverflow") { flags.insert(.noOverflow) }
            return flags.rawValue
        case .access:
            guard words.count >= 2 else { throw line.error("width and kind of place expected") }
            let places = words.dropFirst()
            let trap = places.dropFirst().first.flatMap { UInt8($0.dropFirst(4)) } ?? 0
            return MemoryAccess(
                try find(first, AccessWidth.allCases),
                try find(places.first ?? "", AliasClass.allCases), trapCode: trap
            ).bits
        }
    }

    private func find<Case>(_ name: Substring, _ cases: [Case]) throws(IRTextError) -> Case {
        guard let found = cases.first(where: { "\($0)" == name }) else {
            throw line.error("unknown word \(name)")
        }
        return found
    }

    // MARK: Operands

    private mutating func parseOperands(_ instruction: inout Instruction) throws(IRTextError) {
        switch instruction.operator {
        case .constant:
            let bits = try line.bits()
            instruction.a = UInt32(truncatingIfNeeded: bits)
            instruction.b = instruction.type.bits == 32 ? 0 : UInt32(bits >> 32)
        case .vectorConstant: instruction.a = try vector()
        case .context, .parameter, .trap, .poll, .fence: break
        case .shuffle, .extractLane, .replaceLane: try parseLanes(&instruction)
        case .load, .store, .loadLane, .storeLane, .atomicLoad, .atomicExchange, .atomicAdd,
            .atomicAnd, .atomicOr, .atomicXor, .atomicCompareExchange:
            try parseAddress(&instruction)
        case .call, .callImport, .tailCall:
            instruction.a = UInt32(truncatingIfNeeded: try line.integer())
            try parseList(&instruction)
        case .callFar, .tailCallFar:
            instruction.a = try line.value()
            try parseList(&instruction)
        case .callRuntime, .return: try parseList(&instruction)
        case .tryCall, .tryCallImport:
            instruction.a = UInt32(truncatingIfNeeded: try line.integer())
            try parseList(&instruction)
            try parseOutcomes()
        case .tryCallFar:
            instruction.a = try line.value()
            try parseList(&instruction)
            try parseOutcomes()
        case .tryCallRuntime:
            try parseList(&instruction)
            try parseOutcomes()
        case .jump: instruction.a = try edge()
        case .branch:
            instruction.a = try line.value()
            try line.expect(",")
            instruction.b = try edge()
            try line.expect(",")
            instruction.c = try edge()
        case .branchTable: try parseTable(&instruction)
        default: try parseValues(&instruction)
        }
    }

    private mutating func parseValues(_ instruction: inout Instruction) throws(IRTextError) {
        let shape = instruction.operator.row.operands
        instruction.a = try line.value()
        if shape == .binary || shape == .ternary {
            try line.expect(",")
            instruction.b = try line.value()
        }
        if shape == .ternary {
            try line.expect(",")
            instruction.c = try line.value()
        }
    }

    private mutating func parseLanes(_ instruction: inout Instruction) throws(IRTextError) {
        instruction.a = try line.value()
        try line.expect(",")
        if instruction.operator != .extractLane {
            instruction.b = try line.value()
            try line.expect(",")
        }
        instruction.c =
            instruction.operator == .shuffle
            ? try vector() : UInt32(truncatingIfNeeded: try line.integer())
    }

    private mutating func parseAddress(_ instruction: inout Instruction) throws(IRTextError) {
        instruction.a = try line.value()
        try line.expect(",")
        instruction.b = line.skip("none") ? Value.none.number : try line.value()
        try line.expect(",")
        let displacement = UInt32(truncatingIfNeeded: try line.integer())
        let shape = instruction.operator.row.operands
        if shape == .load {
            instruction.c = displacement
            return
        }
        try line.expect(",")
        instruction.c = UInt32(pool.count)
        pool.append(try line.value())
        pool.append(displacement)
        guard instruction.operator.poolWords > 2 else { return }
        try line.expect(",")
        if shape == .compareStore { return pool.append(try line.value()) }
        pool.append(UInt32(truncatingIfNeeded: try line.integer()))
    }

    private mutating func parseList(_ instruction: inout Instruction) throws(IRTextError) {
        instruction.b = UInt32(pool.count)
        instruction.c = try list()
    }

    /// Appends values in parentheses to the pool; how many they are.
    private mutating func list() throws(IRTextError) -> UInt32 {
        let start = pool.count
        try line.expect("(")
        while !line.skip(")") {
            pool.append(try line.value())
            _ = line.skip(",")
        }
        return UInt32(pool.count - start)
    }

    private mutating func parseTable(_ instruction: inout Instruction) throws(IRTextError) {
        instruction.a = try line.value()
        try line.expect(",")
        try line.expect("[")
        instruction.b = UInt32(edges.count)
        while !line.skip("]") {
            _ = try edge()
            instruction.c += 1
            _ = line.skip(",")
        }
    }

    /// Appends to the pool, behind the arguments, where a call goes on and where it is left to.
    private mutating func parseOutcomes() throws(IRTextError) {
        let count = pool.count + 1
        pool += [UInt32(edges.count), 0]
        try line.expect(",")
        try parseOutcome()
        try line.expect(",")
        try line.expect("[")
        while !line.skip("]") {
            pool.append(try clause().bits)
            pool[count] += 1
            try parseOutcome()
            _ = line.skip(",")
        }
    }

    /// An edge of a call, which passes nothing.
    private mutating func parseOutcome() throws(IRTextError) {
        let target = Block(try line.number("block"))
        try line.expect("(")
        try line.expect(")")
        edges.append(EdgeRecord(source: Block(at: blocks.count - 1), target: target))
        edges[edges.count - 1].carriesOutcome = true
    }

    private mutating func clause() throws(IRTextError) -> CatchClause {
        let word = try line.word()
        switch word {
        case "catchAll", "catchAllReference":
            return CatchClause(tag: nil, wantsReference: word.hasSuffix("Reference"))
        case "catch", "catchReference":
            let tag = UInt32(truncatingIfNeeded: try line.integer())
            return CatchClause(tag: tag, wantsReference: word.hasSuffix("Reference"))
        default: throw line.error("catch or catchAll is expected, not \(word)")
        }
    }

    private mutating func edge() throws(IRTextError) -> UInt32 {
        let target = Block(try line.number("block"))
        let start = UInt32(pool.count)
        let count = try list()
        edges.append(
            EdgeRecord(
                source: Block(at: blocks.count - 1), target: target, argumentStart: start,
                argumentCount: count))
        return UInt32(edges.count - 1)
    }

    private mutating func vector() throws(IRTextError) -> UInt32 {
        vectors.append(try line.vector())
        return UInt32(vectors.count - 1)
    }

    // MARK: The function

    /// Moves everything into `function`, which is empty.
    func fill(_ function: inout Function) {
        let named = (instructions.keys.max() ?? 0) + 1
        for number in 0..<named {
            // A number that the text does not use is that of a dead instruction.
            _ = function.make(
                instructions[number] ?? Instruction(.constant, .none),
                offset: offsets[number] ?? 0)
        }
        for entry in order {
            switch entry {
            case .named(let number): function.order.append(Value(number))
            case .unnamed(let instruction, let offset):
                function.append(instruction, offset: offset)
            }
        }
        for block in blocks { function.blocks.append(block) }
        for edge in edges { function.edges.append(edge) }
        for word in pool { function.pool.append(word) }
        for vector in vectors { function.vectors.append(vector) }
        for result in results { function.results.append(result) }
        for block in layout ?? (0..<UInt32(blocks.count)).map({ $0 }) {
            function.layout.append(Block(block))
        }
    }
}
