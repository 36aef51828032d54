public import ApusFormat

/// All that making an instance takes.
@safe
public struct InstanceAllocationRequest {
    public let module: LoadedModule
    /// What the module's imports are in this instance, already matched.
    public let imports: Imports
    /// Whose the instance will be.
    public let store: RuntimeStore
    /// Whatever the embedder keeps with the instance.
    public let hostState: AnyObject?

    public init(
        module: LoadedModule, imports: Imports, store: RuntimeStore, hostState: AnyObject? = nil
    ) {
        self.module = module
        self.imports = imports
        self.store = store
        self.hostState = hostState
    }

    /// Address of the module's code.
    public var imageBase: UInt { module.imageBase }
    /// Type index of each function of the module, imported ones first.
    public var functions: [UInt32] { module.module.functions }
    /// Engine-wide ids of the module's types.
    public var sharedSignatures: SharedSignatures { module.sharedSignatures }
    /// The module's bytes, in which its data segments lie.
    public var wasmData: DecodedModule { module.module }
}
