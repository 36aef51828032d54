/// A linker that is complete: any thread may link with it, in any store of its engine.
///
/// It is made of one that knows nothing of a store (`Linker.shared()`):
/// ```swift
/// let linker = try definitions.shared()
/// ```
/// What one module imports is looked up each time; a module that is instantiated often is better
/// prepared once (`prepare(_:)`).
public struct SharedLinker: Sendable {
    private let definitions: ImportDefinitions

    init(_ definitions: ImportDefinitions) { self.definitions = definitions }

    /// The engine whose modules it links.
    public var engine: Engine { definitions.engine }

    /// Looks up the imports of `module` once and for all.
    ///
    /// - Throws: `LinkError` if an import has no definition, or one of another type.
    public func prepare(_ module: Module) throws -> PreparedModule {
        PreparedModule(try definitions.resolve(module) { _, _ -> Never? in nil })
    }

    /// Instantiates `module` in `store` and runs its start function. The instance keeps
    /// `hostState`. Throws as `Linker.instantiate(_:in:hostState:)`.
    @discardableResult
    public func instantiate(
        _ module: Module, in store: Store, hostState: AnyObject? = nil
    ) throws -> Instance {
        try prepare(module).instantiate(in: store, hostState: hostState)
    }

    /// Instantiates `module` in `store` and calls its start function asynchronously. Throws as
    /// `Linker.instantiateAsync(_:in:hostState:)`.
    @discardableResult
    public nonisolated(nonsending) func instantiateAsync(
        _ module: Module, in store: Store, hostState: AnyObject? = nil
    ) async throws -> Instance {
        try await prepare(module).instantiateAsync(in: store, hostState: hostState)
    }
}
