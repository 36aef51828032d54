internal import ApusABI
internal import ApusCollections

/// One thing to be done, in the order of the code: an instruction, or what the allocator has put
/// between two of them.
struct Step: BitwiseCopyable {
    enum Kind: UInt8, BitwiseCopyable {
        /// Instruction number `index`.
        case instruction
        /// Register `to` = register `from`.
        case move
        /// Exchanges two registers, `from` and `to`.
        case exchange
        /// Register `to` = the frame slot of value `index`.
        case load
        /// The frame slot of value `index` = register `from`.
        case store
        /// The frame slot of value `target` = that of value `index`.
        case copy
        /// Register `to` = the result of the instruction that makes value `index`.
        case make
        /// The frame slot of value `target` = the result of the one that makes value `index`.
        case makeInFrame
        /// Puts the frame slot of value `index` on top of the stack.
        case push
        /// Register `to` = the top of the stack, where value `index` is; takes it off.
        case pop
        /// The same into the frame slot of value `target`.
        case popToFrame
    }

    var kind: Kind
    var from = PhysicalRegister.none
    var to = PhysicalRegister.none
    var index: UInt32
    var target: UInt32 = .max
}

/// What the allocator makes of a function: the steps of each block, and where values are where
/// blocks begin. A value that is `isSpilled` is also written to its frame slot where it is made.
struct Allocation: ~Copyable {
    var steps = Arena<Step>(capacity: 2048)
    /// Of each block, the first of its steps and one past the last.
    var starts = Arena<UInt32>(capacity: 128)
    var ends = Arena<UInt32>(capacity: 128)
    /// Likewise of the moves on the way to its only successor, to be done before its last step.
    var edgeStarts = Arena<UInt32>(capacity: 128)
    var edgeEnds = Arena<UInt32>(capacity: 128)
    /// What each register holds where a block begins, and where it ends: `registerCount` values
    /// per block.
    var atEntry = Arena<VirtualRegister>(capacity: 4096)
    var atExit = Arena<VirtualRegister>(capacity: 4096)
    var isSpilled = Arena<Bool>(capacity: 1024)
    /// Registers that something is put into.
    var used: RegisterSet = []
    /// All vector registers, whether they may be given out or not.
    var vectors: RegisterSet = []

    static var registerCount: Int { RegisterSet.numberCount }

    init() {}

    mutating func prepare(_ function: borrowing MachineFunction) {
        let count = function.blocks.count
        steps.removeAll()
        starts.refill(0, count: count)
        ends.refill(0, count: count)
        edgeStarts.refill(0, count: count)
        edgeEnds.refill(0, count: count)
        atEntry.refill(.none, count: count &* Self.registerCount)
        atExit.refill(.none, count: count &* Self.registerCount)
        isSpilled.refill(false, count: function.registers.count)
        used = []
    }

    @inline(__always)
    func entry(_ block: Int, _ register: Int) -> VirtualRegister {
        atEntry[block &* Self.registerCount &+ register]
    }

    @inline(__always)
    func exit(_ block: Int, _ register: Int) -> VirtualRegister {
        atExit[block &* Self.registerCount &+ register]
    }

    /// The register that holds `value` where `block` ends.
    func registerAtExit(_ block: Int, of value: VirtualRegister) -> PhysicalRegister {
        Self.find(value, in: atExit, from: block &* Self.registerCount)
    }

    /// The register that holds `value` where `block` begins.
    func registerAtEntry(_ block: Int, of value: VirtualRegister) -> PhysicalRegister {
        Self.find(value, in: atEntry, from: block &* Self.registerCount)
    }

    private static func find(
        _ value: VirtualRegister, in registers: borrowing Arena<VirtualRegister>, from start: Int
    ) -> PhysicalRegister {
        for register in 0..<Self.registerCount where registers[start &+ register] == value {
            return PhysicalRegister(UInt8(truncatingIfNeeded: register))
        }
        return .none
    }
}
