public import ApusCollections

/// What validating a function's body has learned, for the compilers.
///
/// Made by `FunctionValidator` in the same pass that validates, reused from function to function;
/// consumed by every compiler, which may take the body's validity for granted.
public struct BodyAnalysis: ~Copyable {
    /// All locals, parameters first.
    public internal(set) var locals = LocalTable()
    /// One record per `block`, `loop` and `if`, in order of opening. Record 0 is the body itself.
    public var controls = Arena<ControlRecord>(capacity: 256)
    /// Words of local sets that do not fit a record (functions of more than 64 locals).
    public var assignedPool = Arena<UInt64>(capacity: 64)
    public var parameterCount = 0
    /// Offset of the first instruction.
    public var codeStart = 0
    /// Offset one past the final `end`.
    public var codeEnd = 0
    /// The greatest height of the operand stack, in values.
    public var maxStackHeight = 0
    /// Calls (direct or not) that return here, so no tail calls, weighted as locals are.
    public var callWeight: UInt32 = 0
    /// Loads and stores of memory 0, weighted as locals are.
    public var memoryWeight: UInt32 = 0
    /// Loops that something branches back to and in which nothing is called, weighted as locals are
    /// in them.
    public var loopWeight: UInt32 = 0
    public var flags: BodyFlags = []

    public init() {}
}

/// A structured instruction: where it ends and what happens inside.
public struct ControlRecord: BitwiseCopyable, Sendable {
    /// Offset of the matching `end` opcode.
    public var end: UInt32 = 0
    /// Offset of the matching `else` opcode, 0 if there is none.
    public var elseOffset: UInt32 = 0
    /// How many records exist when the `else` is reached: the index of the first one after it.
    public var recordsAtElse: UInt32 = 0
    /// How many records exist when the `end` is reached: the index of the next one opened.
    public var recordsAtEnd: UInt32 = 0
    /// Branches to this label from reachable code, not counting falling out of the end.
    public var branchCount: UInt32 = 0
    /// Bit i: local i is assigned inside (locals 0 to 63). Kept for loops only.
    public var assigned: UInt64 = 0
    /// Where in `assignedPool` the words for locals 64… begin, and how many there are. None in a
    /// function that has such locals: any of them may be assigned.
    public var assignedPoolStart: UInt32 = 0
    public var assignedPoolCount: UInt32 = 0
    public var flags: BodyFlags = []

    public init() {}
}

/// What occurs in a body, or inside one of its structured instructions.
public struct BodyFlags: OptionSet, BitwiseCopyable, Hashable, Sendable {
    public let rawValue: UInt16

    public init(rawValue: UInt16) { self.rawValue = rawValue }

    /// A call of any kind.
    public static var calls: BodyFlags { .init(rawValue: 1) }
    /// A call that may enter another instance: of an import, through a table or a reference.
    public static var leavesInstance: BodyFlags { .init(rawValue: 2) }
    public static var loops: BodyFlags { .init(rawValue: 4) }
    /// A load or store of any memory.
    public static var accessesMemory: BodyFlags { .init(rawValue: 8) }
    /// `memory.grow`.
    public static var growsMemory: BodyFlags { .init(rawValue: 16) }
    /// Any instruction that calls a runtime function (bulk operations, growth, …).
    public static var callsRuntime: BodyFlags { .init(rawValue: 32) }
    public static var usesVectors: BodyFlags { .init(rawValue: 64) }
    public static var writesGlobals: BodyFlags { .init(rawValue: 128) }
    /// A tail call that may leave the instance: when the function returns, the context register
    /// may be another instance's. Comes with `calls` and `leavesInstance`; a tail call within the
    /// instance is only one of `calls`.
    public static var tailEscapes: BodyFlags { .init(rawValue: 256) }
    /// `table.set`; the other instructions that change tables call the runtime.
    public static var writesTables: BodyFlags { .init(rawValue: 512) }
    /// `try_table` with a clause: exceptions may land in the function.
    public static var catches: BodyFlags { .init(rawValue: 1024) }
    /// An atomic access or a fence: what other threads have written is seen behind it.
    public static var synchronizes: BodyFlags { .init(rawValue: 8192) }
    /// An instruction that makes a structure or an array. Comes with `callsRuntime`.
    public static var allocates: BodyFlags { .init(rawValue: 4096) }
    /// An instruction that writes a field of a structure or elements of an array.
    public static var writesHeap: BodyFlags { .init(rawValue: 2048) }
}
