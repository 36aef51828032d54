public import ApusFormat

/// A compiler of function bodies: all that the engine knows of one. Each thread makes its own.
public protocol ModuleCompiler: ~Copyable {
    init(_ environment: ModuleEnvironment)

    /// Appends the code of function `index` to `batch`. `analysis` is what validating its body
    /// gave; the body is known to be valid.
    mutating func compile(
        _ index: Int, _ analysis: borrowing BodyAnalysis, into batch: inout CodeBatch
    ) throws(CompilationError)

    /// What it has spent on its phases, as far as it tells them apart.
    var phases: CompilationPhases { get }
}

extension ModuleCompiler where Self: ~Copyable {
    public var phases: CompilationPhases { CompilationPhases(isMeasuring: false) }
}

/// Why a valid function could not be compiled.
public struct CompilationError: Error, Hashable, Sendable {
    /// What stood in the way.
    public enum Reason: Hashable, Sendable {
        /// The function's code or frame would exceed what the compiler can address.
        case tooLarge
        /// The compiler has verified what it did, and it is wrong.
        case inconsistent(String)
        /// The module's budget is exhausted, which knows why.
        case stopped
    }

    public var reason: Reason
    public var function: Int
    /// Byte offset in the module.
    public var offset: Int

    public init(_ reason: Reason, function: Int, offset: Int) {
        self.reason = reason
        self.function = function
        self.offset = offset
    }
}
