internal import ApusCollections
internal import ApusFormat
internal import ApusIR

/// An open structured instruction.
struct TranslationFrame: BitwiseCopyable {
    enum Kind: UInt8, BitwiseCopyable {
        case function, block, loop, `if`, `else`
        /// What is left of a round of a loop in whose middle the code begins.
        case rest
        /// The body of a callee that is taken in.
        case inlined
    }

    var kind: Kind
    var signature: FlatSignature
    /// Height of the operand stack below the parameters.
    var height: Int32
    /// Index of the frame's record in the analysis.
    var record: Int32
    /// Of a loop.
    var header = Block.none
    /// Branches to the label, if that is further down.
    var branches = BranchList()
    /// Of a loop: those behind it from the rest of the round in whose middle the code begins.
    var restExits = BranchList()
    /// Of an `if`: the edge for a false condition, until its `else` or `end` is reached.
    var elseEdge: Edge?
    /// Of an `if`: its parameters, in `carriedValues`, for the `else`.
    var elseParameters: UInt32 = 0
    /// Of an `if`: the writes that the condition was behind.
    var stateAtElse: MemoryState
    /// Whether the code around is hardly ever run, and the `else`.
    var isColdOutside = false
    var isElseCold = false
    /// Where this frame's changes of locals begin.
    var changesStart: Int32
    /// Of a `try_table`: where its clauses begin in `clauses`, and how many there are.
    var clausesStart: Int32 = 0
    var clausesCount: Int32 = 0
    /// The innermost frame that has clauses, this one included; -1 if there is none.
    var catching: Int32 = -1
    /// Of a `try_table` with clauses: the next such frame further out.
    var catchingOutside: Int32 = -1
    /// Of a loop: the offset of its first instruction in the module.
    var loopStart: UInt32 = 0
    /// Of a loop: where its locals begin in `loopLocals`, and how many there are.
    var loopLocalsStart: Int32 = 0
    var loopLocalsCount: Int32 = 0

    init(
        kind: Kind, signature: FlatSignature, height: Int, record: Int, _ state: MemoryState,
        changes: Int
    ) {
        self.kind = kind
        self.signature = signature
        self.height = Int32(truncatingIfNeeded: height)
        self.record = Int32(truncatingIfNeeded: record)
        stateAtElse = state
        changesStart = Int32(truncatingIfNeeded: changes)
    }

    /// How many values a branch to this frame carries.
    @inline(__always) var labelArity: Int {
        Int(
            kind == .loop || kind == .rest ? signature.parameterCount : signature.resultCount)
    }
}

/// Branches to one label, in `pending`: the latest one, -1 if there is none, and how many.
struct BranchList: BitwiseCopyable {
    var last: Int32 = -1
    var count: UInt32 = 0
}

/// A branch to a label further down, whose arguments are known when the label is reached.
struct PendingEdge: BitwiseCopyable {
    var edge: Edge
    /// The branch to the same label before this one, -1 if it is the first.
    var previous: Int32
    /// Of the first value that it carries for the label, in `carriedValues`.
    var values: UInt32
    /// The locals that have been changed since the frame was opened, in `carriedLocals`.
    var localsStart: UInt32
    var localsCount: UInt32
    var state: MemoryState
}

/// What a local has become where a branch leaves.
struct CarriedLocal: BitwiseCopyable {
    var local: UInt32
    var value: Value
}

/// What a local was before it was assigned.
struct LocalChange: BitwiseCopyable {
    var local: UInt32
    var before: Value
    /// The change of the same local before this one, -1 if there is none.
    var previous: Int32
}

/// What is known of a local while branches to a label are looked through.
struct LocalMeeting: BitwiseCopyable {
    /// In which round it was last met.
    var round: UInt32 = 0
    var count: UInt32 = 0
    var value = Value.none
    var differs = false
}
