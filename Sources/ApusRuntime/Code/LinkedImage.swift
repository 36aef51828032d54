public import ApusABI
public import ApusCollections

/// Code of a module's functions in its final place with all that describes it.
///
/// Made by the compilation driver of `Apus`; becomes a `CodeImage`.
public struct LinkedImage: ~Copyable {
    /// The code, all calls within the module resolved.
    public var code: CodeMemory
    /// Bytes of `code` that are used.
    public var codeBytes: Int
    /// One record per function, in the order of their indices; `codeStart` counts from the
    /// image's start and ascends.
    public var functions: Arena<CompiledFunction>
    /// All sites, ascending by `codeOffset`, which counts from the image's start.
    public var sites: CodeSites
    /// Whether the code stores to elements of tables without calling the runtime.
    public var writesTables: Bool

    /// Who has made it; nil: it is not known of code that was made earlier.
    public var tier: CodeTier?

    public init(
        code: consuming CodeMemory, codeBytes: Int,
        functions: consuming Arena<CompiledFunction>, sites: consuming CodeSites,
        writesTables: Bool = true, tier: CodeTier? = nil
    ) {
        self.code = code
        self.codeBytes = codeBytes
        self.functions = functions
        self.sites = sites
        self.writesTables = writesTables
        self.tier = tier
    }
}
