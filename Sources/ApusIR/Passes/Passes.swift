/// All that is done to a function between translation and machine code, in this order.
///
/// Folding and value numbering have been done while it was built. Dead code goes first: what it
/// leaves behind keeps blocks from being small enough for if-conversion, and would be counted by
/// those who weigh registers. If-conversion comes before code motion since it makes one block of
/// several, in which more can move, and takes away branches around which nothing moves. The layout
/// comes last: it is only about order, and each pass before it adds or empties blocks.
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
