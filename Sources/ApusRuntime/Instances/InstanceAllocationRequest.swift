internal import ApusABI
public import ApusCollections
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
    /// The functions that the module defines, in index order: where their code and bodies lie.
    public var functions: FunctionDescriptors { FunctionDescriptors(module) }
    /// Engine-wide ids of the module's types.
    public var sharedSignatures: SharedTypes { module.sharedTypes }
    /// The module's bytes. Its data segments are ranges of them.
    public var dataBytes: ByteStorage { module.module.bytes }
    /// The data segments.
    public var dataSegments: [DataSegment] { module.module.data }
}

/// What is known of each function that a module defines.
///
/// There are no stack maps: references on the stack are found conservatively.
public struct FunctionDescriptors: RandomAccessCollection, Sendable {
    private let module: LoadedModule

    init(_ module: LoadedModule) { self.module = module }

    public var startIndex: Int { 0 }
    public var endIndex: Int { module.module.bodies.count }

    public subscript(position: Int) -> FunctionDescriptor {
        FunctionDescriptor(module, position)
    }
}

/// Where the code of a function lies, and what places in it mean.
public struct FunctionDescriptor: Sendable {
    /// In the module's function index space.
    public let index: UInt32
    /// Offset of the code from the start of the module's, in bytes.
    public let codeStart: UInt32
    /// Bytes of code.
    public let codeLength: UInt32
    /// Where the body lies in the module's bytes.
    public let body: FunctionBody
    private let module: LoadedModule

    init(_ module: LoadedModule, _ position: Int) {
        let function = module.compiledFunction(position)
        self.module = module
        index = function.index
        codeStart = function.codeStart
        codeLength = function.codeLength
        body = module.module.bodies[position]
    }

    /// What the instruction at `offset` from the start of the function's code is: the trap that it
    /// may be, and its place in the body. Nil outside the function.
    public func place(at offset: UInt32) -> LoadedModule.CodePlace? {
        guard offset < codeLength else { return nil }
        return module.place(
            at: module.imageBase &+ UInt(codeStart) &+ UInt(offset), isReturnAddress: false)
    }
}
