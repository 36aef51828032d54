public import ApusAssembler

/// How compiled code calls the functions of the runtime (`RuntimeFunction`): their number in eax,
/// arguments in the C argument registers from rsi on. Every register that is given out but rbx,
/// r12, r13 and r14 may be changed.
public enum RuntimeCall {
    /// What gets the number of the function.
    public static var function: GPR { .rax }
    /// What the result comes back in.
    public static var result: GPR { .rax }
    /// How many arguments there can be.
    public static var argumentCount: Int { 5 }

    /// The register of argument `index`: the C argument registers after the first, which gets the
    /// context.
    public static func argument(_ index: Int) -> GPR {
        switch index {
        case 0: .rsi
        case 1: .rdx
        case 2: .rcx
        case 3: .r8
        default: .r9
        }
    }
}
