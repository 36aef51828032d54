internal import ApusABI
public import ApusCollections
public import ApusFormat

/// All that making an instance takes. Who allocates an instance and gives it its first contents
/// reads it here, and nowhere else.
public struct InstanceAllocationRequest {
    /// What the module's imports are in this instance, already matched.
    public let imports: Imports
    /// Whose the instance will be.
    public let store: RuntimeStore
    /// Whatever the embedder keeps with the instance.
    public let hostState: AnyObject?
    /// What it has instead of the module's own; nil, and nothing is counted for it, in most.
    let substitute: InstanceSubstitute?

    public init(
        imports: Imports, store: RuntimeStore, hostState: AnyObject? = nil,
        substitute: InstanceSubstitute? = nil
    ) {
        self.imports = imports
        self.store = store
        self.hostState = hostState
        self.substitute = substitute
    }

    public var module: LoadedModule { imports.module }
    /// Address that the code of `functions` counts from.
    public var imageBase: UInt { functions.imageBase }
    /// The functions that the module defines, in index order: where their code and bodies lie.
    public var functions: FunctionDescriptors { substitute?.functions ?? module.functions }
    /// Engine-wide ids of the module's types.
    public var sharedSignatures: SharedTypes { module.sharedTypes }
    /// The bytes that the data segments are ranges of.
    public var dataBytes: ByteStorage { substitute?.dataBytes ?? module.module.bytes }
    /// The data segments.
    public var dataSegments: [DataSegment] { substitute?.dataSegments ?? module.module.data }
}

/// Code or data that an instance has instead of its module's own. Such an instance is not kept for
/// others when it is given back.
public final class InstanceSubstitute: Sendable {
    let functions: FunctionDescriptors
    let dataBytes: ByteStorage
    let dataSegments: [DataSegment]

    /// Of an instance of `module`, the image that has the code of all functions, and what its data
    /// segments are ranges of, in bytes of their own; nil: the module's.
    ///
    /// There must be as many data segments as in the module, each of the same mode.
    public init(
        _ module: LoadedModule, image: CodeImage? = nil,
        data: (bytes: ByteStorage, segments: [Range<Int>])? = nil
    ) {
        precondition(image == nil || image?.functionCount == module.module.bodies.count)
        functions = image.map { FunctionDescriptors($0, module.module) } ?? module.functions
        dataBytes = data?.bytes ?? module.module.bytes
        var segments = module.module.data
        if let data {
            precondition(data.segments.count == segments.count)
            for index in segments.indices { segments[index].contents = data.segments[index] }
        }
        dataSegments = segments
    }
}
