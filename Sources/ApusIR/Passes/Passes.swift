/// All that is done to a function between translation and machine code, in this order.
public struct Passes: ~Copyable {
    private var deadCode = DeadCode()
    private var ifConversion = IfConversion()
    private var codeMotion = CodeMotion()
    private var blockLayout = BlockLayout()
    /// Looks at the function after each of them, if it is active.
    public var verification: Verification

    /// Passes that are verified if `isVerified`.
    public init(isVerified: Bool = false) {
        verification = Verification(isActive: isVerified)
    }

    /// Improves `function`.
    public mutating func run(_ function: inout Function) {
        deadCode.run(&function)
        verification.verify(function, after: "removal of dead code")
        ifConversion.run(&function)
        verification.verify(function, after: "if-conversion")
        codeMotion.run(&function)
        verification.verify(function, after: "code motion")
        blockLayout.run(&function)
        verification.verify(function, after: "block layout")
    }
}
