/// All that is done to a function between translation and machine code, in this order.
public struct Passes: ~Copyable {
    private var deadCode = DeadCode()
    private var ifConversion = IfConversion()
    private var codeMotion = CodeMotion()
    private var blockLayout = BlockLayout()

    public init() {}

    /// Improves `function`.
    public mutating func run(_ function: inout Function) {
        deadCode.run(&function)
        ifConversion.run(&function)
        codeMotion.run(&function)
        blockLayout.run(&function)
    }
}
