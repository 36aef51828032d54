public import ApusABI
public import ApusCollections

/// A module's code in its final place with all that describes it.
///
/// Made by the compilation driver of `Apus`; consumed by `LoadedModule`.
public struct LinkedImage: ~Copyable {
    /// The code, all calls within the module resolved.
    public var code: CodeMemory
    /// Bytes of `code` that are used.
    public var codeBytes: Int
    /// One record per function that the module defines, in index order; `codeStart` counts from
    /// the image's start and ascends.
    public var functions: Arena<CompiledFunction>
    /// All sites, ascending by `codeOffset`, which counts from the image's start.
    public var sites: CodeSites
    /// Offset of the jump slots, one per function that the module defines, in index order. Nil:
    /// calls go straight to the functions.
    public var jumpSlots: Int?
    /// Whether the code stores to elements of tables without calling the runtime.
    public var writesTables: Bool

    public init(
        code: consuming CodeMemory, codeBytes: Int,
        functions: consuming Arena<CompiledFunction>, sites: consuming CodeSites,
        jumpSlots: Int? = nil, writesTables: Bool = true
    ) {
        self.code = code
        self.codeBytes = codeBytes
        self.functions = functions
        self.sites = sites
        self.jumpSlots = jumpSlots
        self.writesTables = writesTables
    }
}
