internal import ApusCollections
public import ApusFormat

/// The engine-wide ids of one module's types, given back when the module goes.
public final class SharedTypes: Sendable {
    /// One id per type of the module.
    public let ids: [UInt32]
    private let registry: TypeRegistry

    public init(_ types: ModuleTypes, in registry: TypeRegistry) throws(ResourceError) {
        self.registry = registry
        ids = try registry.acquire(types)
    }

    /// `type` of `module`, whose types these are, as the engine's other modules see it.
    @inline(__always)
    func resolve(_ type: ValueType, of module: DecodedModule) -> ValueType {
        guard let index = type.namedType else { return type }
        let heap = HeapType(id: ids[Int(index)], module.types.kind(Int(index)))
        return .reference(heap, nullable: type.isNullable)
    }

    deinit { registry.release(ids) }
}
