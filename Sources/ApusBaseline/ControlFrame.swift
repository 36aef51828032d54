internal import ApusAssembler
internal import ApusFormat

/// An open structured instruction.
struct ControlFrame: BitwiseCopyable {
    enum Kind: UInt8, BitwiseCopyable {
        case function, block, loop, `if`, `else`
    }

    var kind: Kind
    /// Where branches to this frame go.
    var label: Label
    /// Where a false condition of an `if` goes.
    var elseLabel: Label
    /// Height of the operand stack below the parameters.
    var height: Int32
    var parameterCount: Int32
    var resultCount: Int32
    /// Of the first parameter and result in the compiler's pool of types.
    var parameterStart: Int32
    var resultStart: Int32
    /// Index of the frame's record in the analysis.
    var record: Int32
    /// Some branch targets the label.
    var isTargeted: Bool
    /// The `if` has an `else`.
    var hasElse: Bool
    /// The `else` is translated later.
    var isElseCold = false
    /// Of an `if` in code that counts, its place among the function's branches, or -1.
    var branch: Int32 = -1
    /// Of the table of branches at hand, the place of this frame's among its `stubs`, or -1.
    var stub: Int32 = -1
    /// The handlers of calls in it: the number of their list among the function's, or -1.
    var handlers: Int32 = -1
    /// The outermost loop around, by the offset of its first instruction in the body, or 0.
    var outerLoop: UInt32 = 0
    /// The outermost loop around that holds the heat, as a place among the frames, or -1.
    var heldLoop: Int32 = -1
    /// Which homes were current, and newer than memory, where the condition was tested.
    var validAtElse: HomeState
    /// Which homes may be newer than memory at the label, over all branches so far.
    var dirtyAtLabel: HomeState

    /// How many values a branch to this frame carries.
    @inline(__always) var labelArity: Int32 { kind == .loop ? parameterCount : resultCount }
    /// A single result travels in a register; everything else in frame slots.
    @inline(__always) var passesInRegister: Bool { kind != .loop && resultCount == 1 }
}
