internal import ApusRuntime

extension Instance {
    /// Instantiates a module with what it imports, in the order of `Module.imports`, and runs its
    /// start function.
    ///
    /// - Throws: `LinkError` if an import is missing or of another type; `ForeignStoreError` if
    ///   something belongs to another store or engine; `Trap` if a segment does not fit or the
    ///   start function stops; `ResourceError` if there is no room.
    public init(_ store: Store, _ module: Module, imports: [Item]) throws {
        guard module.engine === store.engine else { throw ForeignStoreError.module }
        for item in imports where item.store !== store {
            throw ForeignStoreError(thing: item.noun)
        }
        let runtime = try store.runtime
        let matched: Imports
        do throws(ImportMismatch) {
            matched = try Imports(imports.map(\.external), for: module.loaded, in: runtime)
        } catch {
            let found = error.index < imports.count ? imports[error.index].type : nil
            throw LinkError(module.imports[error.index], found: found, in: store.engine)
        }
        do {
            self.init(try runtime.instantiate(matched), in: store)
        } catch {
            throw ofEmbedder(error, runtime)
        }
    }
}
