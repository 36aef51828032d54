internal import ApusABI

extension PhysicalRegister {
    /// Of a use: not in a register, but in the frame.
    static var inFrame: PhysicalRegister { @inline(__always) get { PhysicalRegister(0xFE) } }
}

/// Something of each register: `RegisterSet.numberCount` of them.
typealias PerRegister<Element> = InlineArray<32, Element>

/// Which registers hold what: general ones integers and references, vector ones the rest.
enum RegisterClass: UInt8, BitwiseCopyable, Sendable {
    case general, vector
}

/// One register of each class that holds a value only between two instructions.
struct ScratchRegisters: BitwiseCopyable, Sendable {
    /// Instructions may want an operand in it, in no other way.
    var general: PhysicalRegister
    var vector: PhysicalRegister
}

/// What the allocator knows of a machine's registers.
struct RegisterFile: BitwiseCopyable, Sendable {
    /// Which ones it may give out.
    var general: RegisterSet
    var vector: RegisterSet
    /// Which of them calls keep.
    var calleeSaved: RegisterSet
    /// Taken first where nothing else decides, since their instructions are shorter.
    var preferred: RegisterSet

    @inline(__always) func allocatable(_ kind: RegisterClass) -> RegisterSet {
        kind == .general ? general : vector
    }
}
