/// An instruction whose end has not come yet.
struct InstructionFrame: BitwiseCopyable {
    enum Kind: UInt8 {
        /// In parentheses: operands come, then `)`.
        case operands
        /// `(block`, `(loop` or `(try_table`: instructions come, then `)`.
        case body
        /// `(if`: the condition's operands come, then `(then`.
        case condition
        /// `(then`: instructions come, then `)`.
        case then
        /// After `(then …)`: `(else` or `)`.
        case afterThen
        /// `(else`: instructions come, then `)`.
        case `else`
        /// After `(else …)`: `)`.
        case afterElse
        /// A structured instruction without parentheses: instructions come, then `end`.
        case flat
        /// `if` without parentheses: instructions come, then `else` or `end`.
        case flatIf
        /// `try` without parentheses, and its parts after `catch` and after `catch_all`:
        /// instructions come, then the next part or `end`, or `delegate` after the first.
        case flatTry, flatCatch, flatCatchAll
        /// `(try`: `(do` comes.
        case `try`
        /// `(do`, `(catch` or `(catch_all` of a `(try`: instructions come, then `)`.
        case tryDo, tryCatch, tryCatchAll
        /// After each of these, or after `(delegate …)`: what may follow it, or `)`.
        case afterDo, afterCatch, afterCatchAll, afterDelegate

        /// Whether instructions without parentheses may come.
        var takesFlat: Bool {
            switch self {
            case .body, .then, .else, .flat, .flatIf, .flatTry, .flatCatch, .flatCatchAll, .tryDo,
                .tryCatch, .tryCatchAll:
                true
            case .operands, .condition, .afterThen, .afterElse, .try, .afterDo, .afterCatch,
                .afterCatchAll, .afterDelegate:
                false
            }
        }

        var takesFolded: Bool { takesFlat || self == .operands || self == .condition }

        /// Whether `end` may come.
        var endsFlat: Bool {
            switch self {
            case .flat, .flatIf, .flatTry, .flatCatch, .flatCatchAll: true
            default: false
            }
        }

        /// What must come instead of what came.
        var expectation: String {
            switch self {
            case .operands: "an operand in parentheses or )"
            case .body, .then, .else: "an instruction or )"
            case .condition: "a condition in parentheses or (then"
            case .afterThen: "(else or )"
            case .afterElse: ")"
            case .flat: "an instruction or end"
            case .flatIf: "an instruction, else or end"
            case .flatTry: "an instruction, catch, catch_all, delegate or end"
            case .flatCatch: "an instruction, catch, catch_all or end"
            case .flatCatchAll: "an instruction or end"
            case .try: "(do"
            case .tryDo, .tryCatch, .tryCatchAll: "an instruction or )"
            case .afterDo: "(catch, (catch_all, (delegate or )"
            case .afterCatch: "(catch, (catch_all or )"
            case .afterCatchAll, .afterDelegate: ")"
            }
        }
    }

    var kind: Kind
    /// Where in the pending bytes its own begin.
    var pendingStart: Int
    /// The symbol of its label, `LabelStack.none` if it has none.
    var label: UInt32
    /// The name of the label in the name section.
    var labelName: UInt32
    /// Index of its first token.
    var token: Int
    /// What a branch hint says of it, 2 if there is none.
    var hint: UInt8
}

/// What a branch is likely to do.
struct BranchHint: BitwiseCopyable {
    var function: UInt32
    /// Offset of the instruction from the start of the function's body.
    var offset: Int
    /// 1 if the branch is likely taken, 0 if not.
    var value: UInt8
}
