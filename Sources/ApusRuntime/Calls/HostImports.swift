public import ApusABI
internal import ApusCollections
internal import ApusFormat
internal import Synchronization

/// What the host gives to a module: its functions, one for each of the module's imports that is
/// to be one, with all that has to be looked up for them found. Any number of instances have it.
public final class HostImports: @unchecked Sendable {
    // SAFETY: whoever makes one of these answers for the closures in it: they are `@Sendable`, or
    // it stays on one thread.

    /// What a function of the host does, with its arguments laid out as `layout` says.
    public struct Definition {
        let layout: ArgumentLayout
        let body: HostFunction.Body
        let asynchronous: HostFunction.AsynchronousBody?
        /// Whether guests that call it must be able to wait.
        public let mustSuspend: Bool

        /// `layout` must fit the type of the import.
        public init(_ layout: ArgumentLayout, _ body: @escaping HostFunction.Body) {
            self.layout = layout
            self.body = body
            asynchronous = nil
            mustSuspend = false
        }

        /// A function that does what `asynchronous` says for guests that can wait, and for others
        /// what `body` does; nil: it is none for them.
        public init(
            asynchronous: @escaping HostFunction.AsynchronousBody,
            otherwise body: HostFunction.Body? = nil
        ) {
            layout = .cells
            self.body = body ?? { _ in throw AsynchronousCallError.cannotSuspend }
            self.asynchronous = asynchronous
            mustSuspend = body == nil
        }
    }

    /// What imports it. Its types' ids and its trampolines are those of the functions.
    let module: LoadedModule
    /// One for each function that the module imports; nil: it comes from somewhere else.
    let functions: [HostFunction?]
    /// Tells an instance that was made with this one from others, after this one has gone too.
    let number: UInt64
    /// Whether there are functions among them that guests have to wait for.
    public let mustSuspend: Bool

    private static let numbers = Atomic<UInt64>(1)

    /// One of `definitions` for each function that `module` imports, in order.
    public init(_ definitions: [Definition?], for module: LoadedModule) throws(ResourceError) {
        self.module = module
        number = Self.numbers.wrappingAdd(1, ordering: .relaxed).oldValue
        let types = module.module.functions
        precondition(definitions.count == module.module.importedFunctionCount)
        try module.trampolines.prepare(
            definitions.indices.compactMap { index in
                definitions[index].map { .init(.host, types[index], $0.layout) }
            })
        var functions: [HostFunction?] = []
        functions.reserveCapacity(definitions.count)
        for (index, definition) in definitions.enumerated() {
            guard let definition else {
                functions.append(nil)
                continue
            }
            let type = types[index]
            functions.append(
                HostFunction(
                    module.functionType(type), definition.layout,
                    signature: module.sharedTypes.ids[Int(type)],
                    trampoline: try module.trampolines.address(
                        .init(.host, type, definition.layout)),
                    asynchronous: definition.asynchronous, definition.body))
        }
        self.functions = functions
        mustSuspend = definitions.contains { $0?.mustSuspend ?? false }
    }
}
