import ApusABI
import ApusCollections

@testable import ApusOptimizer

/// A machine that there is not: four general registers and three vector ones, of which one each is
/// never given out, and a handful of instructions.
enum SmallTarget: Target {
    enum Opcode: UInt8 {
        case parameters, constant, add, call, jump, branch, `return`
    }

    static let r0 = PhysicalRegister(0)
    static let r1 = PhysicalRegister(1)
    static let r2 = PhysicalRegister(2)
    static let r3 = PhysicalRegister(3)
    static let v0 = PhysicalRegister(8)
    static let v1 = PhysicalRegister(9)
    static let v2 = PhysicalRegister(10)

    /// What calls change.
    static let clobbers: RegisterSet = [
        RegisterSet(r0), RegisterSet(r1), RegisterSet(v0), RegisterSet(v1),
    ]

    static func supports(_ processor: ProcessorFeatures) -> Bool { false }

    /// With fuel there is one less, which is then nobody's.
    static func registers(isFuelMetered: Bool) -> RegisterFile {
        RegisterFile(
            general: isFuelMetered
                ? [RegisterSet(r0), RegisterSet(r1)]
                : [RegisterSet(r0), RegisterSet(r1), RegisterSet(r2)],
            vector: [RegisterSet(v0), RegisterSet(v1)],
            calleeSaved: isFuelMetered ? [] : RegisterSet(r2), preferred: [])
    }

    static var scratch: ScratchRegisters { ScratchRegisters(general: r3, vector: v2) }

    static func name(of register: PhysicalRegister) -> String {
        register.number < 8 ? "r\(register.number)" : "v\(register.number - 8)"
    }

    static func name(of instruction: MachineInstruction) -> String {
        Opcode(rawValue: instruction.number).map { "\($0)" } ?? "?"
    }

    static func hasImmediate(_ instruction: MachineInstruction) -> Bool {
        instruction.number == Opcode.constant.rawValue
    }
}

extension MachineInstruction {
    init(_ opcode: SmallTarget.Opcode) { self.init(number: opcode.rawValue) }
}

/// Writes machine functions of the small target, block after block.
struct SmallFunction: ~Copyable {
    var function = MachineFunction()

    mutating func value(_ kind: RegisterClass = .general) -> VirtualRegister {
        function.makeRegister(kind, bytes: 8)
    }

    /// Starts a block; of a loop, `loop` is the number of its header.
    mutating func block(_ parameters: [VirtualRegister] = [], loop: UInt32? = nil) {
        var block = MachineBlock()
        block.start = UInt32(function.instructions.count)
        block.parameterStart = UInt32(function.names.count)
        block.parameterCount = UInt32(parameters.count)
        for parameter in parameters { function.names.append(parameter.number) }
        if let loop {
            block.loop = loop
            block.loopDepth = 1
        }
        function.layout.append(UInt32(function.blocks.count))
        function.blocks.append(block)
    }

    /// Ends the block, which goes on in `successors`, of which a single one gets `arguments`.
    mutating func end(_ successors: [UInt32], _ arguments: [VirtualRegister] = []) {
        function.blocks.last.end = UInt32(function.instructions.count)
        function.blocks.last.argumentStart = UInt32(function.names.count)
        for argument in arguments { function.names.append(argument.number) }
        function.blocks.last.successorStart = UInt32(function.names.count)
        function.blocks.last.successorCount = UInt32(successors.count)
        for successor in successors { function.names.append(successor) }
    }

    mutating func append(
        _ opcode: SmallTarget.Opcode, _ results: [(VirtualRegister, Constraint)] = [],
        _ uses: [(VirtualRegister, Constraint)] = []
    ) {
        var instruction = MachineInstruction(opcode)
        instruction.operands = UInt32(function.operands.count)
        instruction.definitionCount = UInt16(results.count)
        instruction.useCount = UInt16(uses.count)
        if opcode == .call {
            instruction.flags = .calls
            instruction.clobbers = SmallTarget.clobbers
        }
        for (value, constraint) in results + uses {
            function.operands.append(MachineOperand(value, constraint))
        }
        function.instructions.append(instruction)
    }

    /// A constant, which may be made wherever it is wanted.
    mutating func constant(_ immediate: UInt64) -> VirtualRegister {
        let value = value()
        function.registers[value.index].source = UInt32(function.instructions.count)
        append(.constant, [(value, .any)])
        function.instructions.last.immediate = immediate
        return value
    }

    mutating func add(_ a: VirtualRegister, _ b: VirtualRegister) -> VirtualRegister {
        let result = value()
        append(.add, [(result, .tied)], [(a, .any), (b, .any)])
        function.instructions.last.flags = [.commutes, .lastMayBeInFrame]
        return result
    }
}
