public import ApusAssembler
public import ApusCollections

/// What one compiler has made on one thread: consecutive functions with their records.
public struct CodeBatch: ~Copyable {
    public var code = CodeBuffer()
    public var functions = Arena<CompiledFunction>(capacity: 256)
    public var sites = CodeSites(traps: 1024, calls: 256)
    public var relocations = Arena<CodeRelocation>(capacity: 256)
    /// Whether a function stores to elements of tables without calling the runtime.
    public var writesTables = false
    /// Counters of its functions' blocks.
    public var counterCount = 0

    /// Who has made the code.
    public var tier = CodeTier.baseline

    public init() {}

    /// The code, for those who have no use for how it is made.
    public var bytes: Span<UInt8> {
        @_lifetime(borrow self)
        get { code.span }
    }

    /// Empties the batch; keeps its memory.
    public mutating func removeAll() {
        code.removeAll()
        functions.removeAll()
        sites.removeAll()
        relocations.removeAll()
        writesTables = false
        counterCount = 0
    }
}
