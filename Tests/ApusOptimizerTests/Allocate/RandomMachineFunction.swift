import ApusABI
import ApusAssembler
import ApusCollections

@testable import ApusOptimizer

/// Machine functions that nobody would write: structured control of all kinds around instructions
/// with all kinds of demands, from a seed.
struct RandomMachineFunction {
    private var state: UInt64
    private var scope: [VirtualRegister] = []
    private var loops: [(header: UInt32, outer: UInt32)] = []
    private var current = 0

    static func make(seed: UInt64, size: Int, into function: inout MachineFunction) {
        var maker = RandomMachineFunction(state: seed &* 0x9E37_79B9_7F4A_7C15 | 1)
        function.removeAll()
        maker.run(size, &function)
        function.noteFacts()
    }

    private init(state: UInt64) { self.state = state }

    private mutating func random(_ limit: Int) -> Int {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return Int(state >> 33) % max(limit, 1)
    }

    private mutating func run(_ size: Int, _ function: inout MachineFunction) {
        current = openBlock(&function)
        let registers: [GPR] = [.rdi, .rsi, .rdx, .rcx]
        start(.parameters, &function)
        for register in registers {
            let value = function.makeRegister(.general, bytes: 8, isReference: random(8) == 0)
            define(value, .fixed(PhysicalRegister(register)), &function)
            scope.append(value)
        }
        let float = function.makeRegister(.vector, bytes: 8)
        define(float, .fixed(PhysicalRegister(.xmm0)), &function)
        scope.append(float)
        body(size, depth: 0, &function)
        let tested = pick(.general, &function)
        start(.return, &function)
        use(tested, .fixed(PhysicalRegister(.rax)), &function)
        closeBlock([], &function)
        for block in 0..<function.blocks.count {
            function.layout.append(UInt32(block))
        }
    }

    // MARK: Control

    private mutating func body(_ size: Int, depth: Int, _ function: inout MachineFunction) {
        var left = size
        while left > 0 {
            switch random(depth > 4 ? 8 : 13) {
            case 8, 9:
                branch(left / 2, depth: depth, &function)
                left -= left / 2 + 1
            case 10:
                loop(left / 2, depth: depth, &function)
                left -= left / 2 + 1
            case 11:
                attempt(left / 2, depth: depth, &function)
                left -= left / 2 + 1
            default:
                instruction(&function)
                left -= 1
            }
        }
    }

    private mutating func branch(_ size: Int, depth: Int, _ function: inout MachineFunction) {
        let tested = pick(.general, &function)
        start(.branch, &function)
        use(tested, .any, &function)
        parted(size, depth: depth, &function) { _, _, _ in }
    }

    /// A call that may be left by an exception, and what comes behind it in either case.
    private mutating func attempt(_ size: Int, depth: Int, _ function: inout MachineFunction) {
        let first = pick(.general, &function)
        let second = pick(.vector, &function)
        start(.call, &function)
        function.instructions.last.flags = [.calls, .catches]
        function.instructions.last.clobbers = .lostByCalls
        use(first, .fixed(PhysicalRegister(.rdi)), &function)
        use(second, .fixed(PhysicalRegister(.xmm0)), &function)
        parted(size, depth: depth, &function) { maker, isSecond, function in
            function.blocks.last.isLanding = isSecond
            maker.start(isSecond ? .landing : .results, &function)
            let outcome = function.makeRegister(
                .general, bytes: 8, isReference: isSecond || maker.random(8) == 0)
            maker.define(outcome, .fixed(PhysicalRegister(.rax)), &function)
            maker.scope.append(outcome)
            if isSecond { return }
            let float = maker.makeValue(.vector, &function)
            maker.define(float, .fixed(PhysicalRegister(.xmm0)), &function)
            maker.scope.append(float)
        }
    }

    /// Two ways from the end of the block at hand, which meet again; `begin` says what is first on
    /// each.
    private mutating func parted(
        _ size: Int, depth: Int, _ function: inout MachineFunction,
        _ begin: (inout Self, _ isSecond: Bool, inout MachineFunction) -> Void
    ) {
        let from = closeBlock([], &function)
        let outside = scope
        var ends: [(Int, [VirtualRegister])] = []
        let kinds = (0..<random(4)).map { _ in random(3) == 0 ? RegisterClass.vector : .general }
        for isSecond in [false, true] {
            scope = outside
            let block = openBlock(&function)
            addSuccessor(block, to: from, &function)
            begin(&self, isSecond, &function)
            body(size / 2, depth: depth + 1, &function)
            let arguments = kinds.map { pick($0, &function) }
            start(.jump, &function)
            ends.append((closeBlock(arguments, &function), arguments))
        }
        scope = outside
        let join = openBlock(&function)
        for (end, _) in ends { addSuccessor(join, to: end, &function) }
        addParameters(kinds, join, &function)
    }

    private mutating func loop(_ size: Int, depth: Int, _ function: inout MachineFunction) {
        let kinds = (0..<random(5)).map { _ in random(3) == 0 ? RegisterClass.vector : .general }
        let initial = kinds.map { pick($0, &function) }
        start(.jump, &function)
        let before = closeBlock(initial, &function)
        let outer = loops.last?.header ?? MachineBlock.noBlock
        loops.append((UInt32(function.blocks.count), outer))
        let header = openBlock(&function)
        addSuccessor(header, to: before, &function)
        addParameters(kinds, header, &function)
        body(size, depth: depth + 1, &function)
        let tested = pick(.general, &function)
        start(.branch, &function)
        use(tested, .any, &function)
        let latch = closeBlock([], &function)
        // The way back and the way out each have a block.
        let back = openBlock(&function)
        addSuccessor(back, to: latch, &function)
        let arguments = kinds.map { pick($0, &function) }
        start(.jump, &function)
        closeBlock(arguments, &function)
        addSuccessor(header, to: back, &function)
        loops.removeLast()
        let exit = openBlock(&function)
        addSuccessor(exit, to: latch, &function)
    }

    private mutating func openBlock(_ function: inout MachineFunction) -> Int {
        var block = MachineBlock()
        block.start = UInt32(function.instructions.count)
        if let loop = loops.last {
            block.loop = loop.header
            block.outerLoop = loop.outer
        }
        block.loopDepth = UInt16(loops.count)
        block.isCold = random(10) == 0 && loops.isEmpty
        function.blocks.append(block)
        current = function.blocks.count - 1
        function.blocks[current].successorStart = .max
        return current
    }

    @discardableResult
    private mutating func closeBlock(
        _ arguments: [VirtualRegister], _ function: inout MachineFunction
    ) -> Int {
        function.blocks[current].end = UInt32(function.instructions.count)
        function.blocks[current].argumentStart = UInt32(function.names.count)
        for argument in arguments { function.names.append(argument.number) }
        // Room for two successors.
        function.blocks[current].successorStart = UInt32(function.names.count)
        function.names.append(repeating: 0, count: 2)
        return current
    }

    private func addSuccessor(_ block: Int, to from: Int, _ function: inout MachineFunction) {
        let record = function.blocks[from]
        function.names[Int(record.successorStart + record.successorCount)] = UInt32(block)
        function.blocks[from].successorCount += 1
    }

    private mutating func addParameters(
        _ kinds: [RegisterClass], _ block: Int, _ function: inout MachineFunction
    ) {
        function.blocks[block].parameterStart = UInt32(function.names.count)
        function.blocks[block].parameterCount = UInt32(kinds.count)
        for kind in kinds {
            let value = makeValue(kind, &function)
            function.names.append(value.number)
            scope.append(value)
        }
    }

    // MARK: Instructions

    private mutating func makeValue(
        _ kind: RegisterClass, _ function: inout MachineFunction
    ) -> VirtualRegister {
        let isWide = kind == .vector && random(3) == 0
        return function.makeRegister(
            kind, bytes: isWide ? 16 : 8, isReference: kind == .general && random(8) == 0)
    }

    /// A value in scope, of late ones more often; made here if there is none.
    private mutating func pick(
        _ kind: RegisterClass, _ function: inout MachineFunction
    ) -> VirtualRegister {
        let known = scope.filter { function.registers[$0.index].kind == kind }
        if !known.isEmpty, random(12) != 0 {
            return random(2) == 0
                ? known[random(known.count)]
                : known.suffix(4).randomElement(
                    using: &self)!
        }
        let value = function.makeRegister(kind, bytes: 8)
        // Such a value may be made anew wherever it is wanted.
        start(kind == .general ? .immediate : .floatConstant, &function)
        define(value, .any, &function)
        scope.append(value)
        return value
    }

    private mutating func start(_ opcode: MachineOpcode, _ function: inout MachineFunction) {
        var instruction = MachineInstruction(opcode)
        instruction.operands = UInt32(function.operands.count)
        function.instructions.append(instruction)
    }

    private func define(
        _ value: VirtualRegister, _ constraint: Constraint, _ function: inout MachineFunction
    ) {
        function.operands.append(MachineOperand(value, constraint))
        function.instructions.last.definitionCount += 1
    }

    private func use(
        _ value: VirtualRegister, _ constraint: Constraint, _ function: inout MachineFunction
    ) {
        function.operands.append(MachineOperand(value, constraint))
        function.instructions.last.useCount += 1
    }

    private mutating func instruction(_ function: inout MachineFunction) {
        let kind: RegisterClass = random(4) == 0 ? .vector : .general
        let a = pick(kind, &function)
        let b = pick(kind, &function)
        let c = pick(.general, &function)
        let result = makeValue(kind, &function)
        if kind == .vector, random(3) == 0 { return sequence(a, b, &function) }
        let choice = random(12)
        switch choice {
        case 0, 1, 2:
            start(.alu, &function)
            if random(2) == 0 { function.instructions.last.flags = .commutes }
            define(result, .tied, &function)
            use(a, .any, &function)
            use(b, .any, &function)
        case 3: call(a, b, c, result, kind, &function)
        case 4: divide(a, b, kind, &function)
        case 5:
            start(.rotate, &function)
            define(result, .tied, &function)
            use(a, .any, &function)
            use(c, .fixed(PhysicalRegister(.rcx)), &function)
        case 6:
            start(.truncate, &function)
            function.instructions.last.flags = .writesEarly
            define(result, .any, &function)
            use(a, .any, &function)
            use(c, .any, &function)
        case 7:
            start(.copy, &function)
            function.instructions.last.flags = .copies
            define(result, .any, &function)
            use(a, .any, &function)
        default:
            start(.add, &function)
            define(result, .any, &function)
            use(a, .any, &function)
            use(b, .any, &function)
        }
        if choice != 4 { scope.append(result) }
    }

    /// Two operands, a result and a temporary that nobody reads.
    private mutating func sequence(
        _ a: VirtualRegister, _ b: VirtualRegister, _ function: inout MachineFunction
    ) {
        let result = makeValue(.vector, &function)
        let temporary = function.makeRegister(.vector, bytes: 16)
        start(.vectorSequence, &function)
        function.instructions.last.flags = .writesEarly
        define(result, .any, &function)
        define(temporary, .any, &function)
        for value in [a, b] { use(value, .any, &function) }
        scope.append(result)
    }

    private mutating func call(
        _ a: VirtualRegister, _ b: VirtualRegister, _ c: VirtualRegister,
        _ result: VirtualRegister, _ kind: RegisterClass, _ function: inout MachineFunction
    ) {
        start(.call, &function)
        function.instructions.last.flags = .calls
        function.instructions.last.clobbers = .lostByCalls
        let isGeneral = kind == .general
        define(
            result, .fixed(isGeneral ? PhysicalRegister(.rax) : PhysicalRegister(.xmm0)), &function)
        use(c, .fixed(PhysicalRegister(.rdi)), &function)
        if isGeneral {
            use(a, .fixed(PhysicalRegister(.rsi)), &function)
            use(b, .fixed(PhysicalRegister(.r11)), &function)
        } else {
            use(a, .fixed(PhysicalRegister(.xmm0)), &function)
            use(b, .fixed(PhysicalRegister(.xmm1)), &function)
        }
    }

    private mutating func divide(
        _ a: VirtualRegister, _ b: VirtualRegister, _ kind: RegisterClass,
        _ function: inout MachineFunction
    ) {
        guard kind == .general else { return }
        let quotient = makeValue(.general, &function)
        start(.divide, &function)
        function.instructions.last.clobbers = RegisterSet([.rax, .rdx])
        define(quotient, .fixed(PhysicalRegister(.rdx)), &function)
        use(a, .fixed(PhysicalRegister(.rax)), &function)
        use(b, .any, &function)
        scope.append(quotient)
    }
}

extension RandomMachineFunction: RandomNumberGenerator {
    mutating func next() -> UInt64 {
        _ = random(2)
        return state
    }
}
