internal import ApusABI
internal import ApusCollections
internal import ApusIR

// Produced by selection; consumed by the allocator, which fills in `MachineOperand.assigned`, and
// then by emission. Nothing in this folder knows a particular machine: see `Target`.

/// A register before it is known which: each is written in one place.
struct VirtualRegister: Hashable, BitwiseCopyable, Sendable {
    var number: UInt32

    @inline(__always) init(_ number: UInt32) { self.number = number }
    @inline(__always) init(at index: Int) { number = UInt32(truncatingIfNeeded: index) }

    /// No register.
    static var none: VirtualRegister { @inline(__always) get { VirtualRegister(.max) } }

    @inline(__always) var index: Int { Int(number) }
    @inline(__always) var isNone: Bool { number == .max }
}

/// What is known of a virtual register.
struct VirtualRegisterRecord: BitwiseCopyable, Sendable {
    var kind: RegisterClass
    /// Bytes of its value in a frame: 4, 8 or 16.
    var bytes: UInt8
    /// A reference, which must lie in the frame across calls.
    var isReference: Bool
    /// The instruction to repeat rather than to keep the value in the frame: it reads nothing that
    /// changes and no register; `noInstruction` if there is none.
    var source: UInt32

    static var noInstruction: UInt32 { .max }
    @inline(__always) var isRepeatable: Bool { source != Self.noInstruction }
}

/// Where an instruction wants an operand.
struct Constraint: Hashable, BitwiseCopyable, Sendable {
    var bits: UInt8

    @inline(__always) init(bits: UInt8) { self.bits = bits }

    /// In any register of its class.
    static var any: Constraint { @inline(__always) get { Constraint(bits: 0) } }
    /// A result in the register of the first use.
    static var tied: Constraint { @inline(__always) get { Constraint(bits: 1) } }

    /// In this register and no other, which need not be one that the allocator gives out.
    @inline(__always) static func fixed(_ register: PhysicalRegister) -> Constraint {
        Constraint(bits: 0x80 | register.number)
    }

    @inline(__always) var isFixed: Bool { bits & 0x80 != 0 }
    @inline(__always) var register: PhysicalRegister { PhysicalRegister(bits & 0x7F) }
}

/// A register that an instruction reads or writes.
struct MachineOperand: BitwiseCopyable, Sendable {
    var value: VirtualRegister
    var constraint: Constraint
    /// Set by the allocator.
    var assigned = PhysicalRegister.none

    @inline(__always)
    init(_ value: VirtualRegister, _ constraint: Constraint = .any) {
        self.value = value
        self.constraint = constraint
    }
}

/// What the allocator has to know of an instruction besides its operands.
struct MachineFlags: OptionSet, BitwiseCopyable, Sendable {
    let rawValue: UInt8

    @inline(__always) init(rawValue: UInt8) { self.rawValue = rawValue }

    /// The first two uses may change places.
    static var commutes: MachineFlags { .init(rawValue: 1) }
    /// Results are written while operands are still to be read.
    static var writesEarly: MachineFlags { .init(rawValue: 2) }
    /// Other code runs: references must lie in the frame.
    static var calls: MachineFlags { .init(rawValue: 4) }
    /// Does nothing but move its use to its result.
    static var copies: MachineFlags { .init(rawValue: 8) }
    /// A call that ends its block: it goes on in the first successor, or an exception lands in
    /// another one.
    static var catches: MachineFlags { .init(rawValue: 16) }
    /// The last use may be read from the frame; either of the last two.
    static var lastMayBeInFrame: MachineFlags { .init(rawValue: 32) }
    static var lastTwoMayBeInFrame: MachineFlags { .init(rawValue: 64) }
}

/// What a memory operand is made of; its registers are the instruction's last uses.
enum MemoryForm: UInt8, BitwiseCopyable, Sendable {
    case none
    /// A register, and the displacement.
    case base
    /// Two registers, of which the second is scaled.
    case baseIndex
    /// The running instance's context; the same and a scaled register.
    case context, contextIndex
    /// From the frame pointer, or from the stack pointer.
    case frame, stack
    /// The immediate, among the function's constants.
    case constant
    /// The vector of the function whose number is the displacement, among its constants.
    case vector

    /// How many registers it takes.
    @inline(__always) var registerCount: Int {
        switch self {
        case .base, .contextIndex: 1
        case .baseIndex: 2
        default: 0
        }
    }
}

/// An instruction of the machine, or a short sequence that is not to be torn apart. What the
/// fields mean, beyond what is said here, depends on the opcode.
struct MachineInstruction: BitwiseCopyable, Sendable {
    /// What it does, by the target's numbers.
    var number: UInt8
    var flags: MachineFlags = []
    /// Size of what it works on.
    var width: OperandWidth = .w64
    /// Further distinctions, by the opcode.
    var detail: UInt8 = 0
    var condition: UInt8 = 0
    var memory = MemoryForm.none
    var scaleLog2: UInt8 = 0
    /// Which trap its fault is, 0 if it cannot fault.
    var trap: UInt8 = 0
    /// Which trap it raises itself, 0 if none.
    var raised: UInt8 = 0
    /// First the results, then the uses, from `operands` on in the pool of operands.
    var definitionCount: UInt16 = 0
    var useCount: UInt16 = 0
    var operands: UInt32 = 0
    var displacement: Int32 = 0
    /// The offset of the WebAssembly instruction in its body.
    var offset: UInt32 = 0
    /// Registers that it changes besides its results, perhaps before it has read its uses.
    var clobbers: RegisterSet = []
    var immediate: UInt64 = 0

    @inline(__always) init(number: UInt8) { self.number = number }

    /// Places of the results in the pool.
    @inline(__always) var definitions: Range<Int> {
        Int(operands)..<Int(operands &+ UInt32(definitionCount))
    }
    /// Places of the uses in the pool.
    @inline(__always) var uses: Range<Int> {
        let start = operands &+ UInt32(definitionCount)
        return Int(start)..<Int(start &+ UInt32(useCount))
    }

    /// Whether use number `use`, in the frame, can be read from there.
    func canReadFrame(use: Int) -> Bool {
        let last = Int(useCount) &- 1
        if flags.contains(.lastTwoMayBeInFrame) { return use >= last &- 1 }
        return flags.contains(.lastMayBeInFrame) && use == last
    }
}

/// The size of an operand.
enum OperandWidth: UInt8, BitwiseCopyable, Sendable {
    case w8, w16, w32, w64, w128
}

/// A basic block. A block that is one of several successors of another has no other predecessor;
/// only blocks with one successor pass arguments.
struct MachineBlock: BitwiseCopyable, Sendable {
    /// Places of its instructions.
    var start: UInt32 = 0
    var end: UInt32 = 0
    /// Of its parameters in the pool of names.
    var parameterStart: UInt32 = 0
    var parameterCount: UInt32 = 0
    /// Of what it passes to its successor's parameters, in the pool of names.
    var argumentStart: UInt32 = 0
    /// Of its successors in the pool of names.
    var successorStart: UInt32 = 0
    var successorCount: UInt32 = 0
    /// The header of the innermost loop around it, `noBlock` if there is none.
    var loop: UInt32 = MachineBlock.noBlock
    /// Of a header: that of the loop around its own.
    var outerLoop: UInt32 = MachineBlock.noBlock
    var loopDepth: UInt16 = 0
    var isCold = false
    /// Where an exception lands: no register holds anything but what the block's first instruction
    /// says, and values are in their slots only.
    var isLanding = false

    static var noBlock: UInt32 { .max }

    @inline(__always) var instructions: Range<Int> { Int(start)..<Int(end) }
    @inline(__always) var parameters: Range<Int> {
        Int(parameterStart)..<Int(parameterStart &+ parameterCount)
    }
    @inline(__always) var successors: Range<Int> {
        Int(successorStart)..<Int(successorStart &+ successorCount)
    }

    /// Of a block that ends in a call which catches: what successor `index` is for. Its bits are
    /// among the names, behind those of the successors.
    func clause(_ index: Int, _ function: borrowing MachineFunction) -> CatchClause {
        CatchClause(
            bits: function.names[Int(successorStart &+ successorCount) &+ index &- 1])
    }
}

/// A function in instructions of the machine. Blocks are numbered in reverse postorder.
struct MachineFunction: ~Copyable {
    var registers = Arena<VirtualRegisterRecord>(capacity: 1024)
    var instructions = Arena<MachineInstruction>(capacity: 1024)
    var operands = Arena<MachineOperand>(capacity: 4096)
    var blocks = Arena<MachineBlock>(capacity: 128)
    /// Lists of virtual registers and blocks.
    var names = Arena<UInt32>(capacity: 512)
    /// The order in which the blocks' code is to stand.
    var layout = Arena<UInt32>(capacity: 128)

    init() {}

    /// Forgets everything; keeps the storage.
    mutating func removeAll() {
        registers.removeAll()
        instructions.removeAll()
        operands.removeAll()
        blocks.removeAll()
        names.removeAll()
        layout.removeAll()
    }

    mutating func makeRegister(
        _ kind: RegisterClass, bytes: UInt8, isReference: Bool = false
    ) -> VirtualRegister {
        let register = VirtualRegister(at: registers.count)
        registers.append(
            VirtualRegisterRecord(
                kind: kind, bytes: bytes, isReference: isReference,
                source: VirtualRegisterRecord.noInstruction))
        return register
    }
}
