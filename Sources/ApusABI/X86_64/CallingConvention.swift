public import ApusAssembler

/// The registers that values travel in between wasm functions; by which rules they get them says
/// `RegisterConvention`. The callee pops the stack arguments (`ret n`).
/// At entry: [rsp] return address, [rsp+8…] stack arguments.
public enum CallingConvention: RegisterConvention {
    @inlinable public static var generalArgumentCount: Int { 8 }
    @inlinable public static var floatArgumentCount: Int { 8 }
    @inlinable public static var generalResultCount: Int { 4 }
    @inlinable public static var floatResultCount: Int { 4 }
    /// Kept by every callee, besides rsp, rbp and r15.
    public static let calleeSaved: [GPR] = [.rbx, .r12, .r13, .r14]
    /// The running instance's context.
    @inlinable public static var context: GPR { .r15 }
    /// What fuel is left, in code that is metered: then no register that callees keep.
    @inlinable public static var fuel: GPR { .r14 }
    /// Free before a call whose general arguments are in registers and at most
    /// `CallCounts.generalArgumentLimit`.
    @inlinable public static var callCounting: (GPR, GPR) { (.rax, .r10) }
    /// Where code that catches an exception finds its record when it is landed at.
    @inlinable public static var exception: GPR { .rax }
    /// Never carry a value across an instruction of the compiler's.
    @inlinable public static var scratch: GPR { .r11 }
    @inlinable public static var floatScratch: XMM { .xmm15 }

    // The compilers' hot paths ask for one register at a time, without touching an array.

    /// Register number `place` of those that every callee keeps.
    @inlinable
    public static func keptRegister(_ place: Int) -> GPR {
        switch place {
        case 0: .rbx
        case 1: .r12
        case 2: .r13
        default: .r14
        }
    }

    /// The register of general argument `index`, one of `generalArguments`.
    @inlinable
    public static func generalArgument(_ index: Int) -> GPR {
        switch index {
        case 0: .rdi
        case 1: .rsi
        case 2: .rdx
        case 3: .rcx
        case 4: .r8
        case 5: .r9
        case 6: .rax
        default: .r10
        }
    }

    /// The register of float argument or result `index`.
    @inlinable
    public static func floatArgument(_ index: Int) -> XMM {
        XMM(lowBits: UInt8(truncatingIfNeeded: index & 7))
    }

    /// The register of float result `index`.
    @inlinable
    public static func floatResult(_ index: Int) -> XMM { floatArgument(index) }

    /// The register of general result `index`, below `generalResultCount`.
    @inlinable
    public static func generalResult(_ index: Int) -> GPR {
        switch index {
        case 0: .rax
        case 1: .rdx
        case 2: .rcx
        default: .rsi
        }
    }
}
