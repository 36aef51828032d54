@_spi(ApusWASI) internal import Apus

/// Programs with threads: wasi-threads.
extension WASI {
    /// Whether `module` is a program that makes threads, or is to have a memory to share with them.
    static func usesThreads(_ module: Module) -> Bool {
        module.imports.contains { item in
            if case .memory(let type) = item.type { return type.isShared }
            return isSpawn(item)
        }
    }

    private static func isSpawn(_ item: Module.Import) -> Bool {
        item.module == "wasi" && item.name == "thread-spawn"
    }

    /// Runs a program with the threads that it makes. The shared memories that it imports are made
    /// for this run, whatever they are called.
    func runThreads(_ module: Module, in store: Store) throws -> Int32 {
        let group = ThreadGroup(
            store, try stores(for: module, store), limit: max(threadLimit, 1),
            observer: threadObserver)
        var linker = Linker(store.engine)
        let world = try makeWorld()
        world.admitThreads()
        define(world, in: &linker) { _ in true }
        for item in module.imports {
            if case .memory(let type) = item.type, type.isShared {
                guard let memory = try Memory(store, type).shared else { continue }
                linker.define(item.module, item.name, memory)
            } else if Self.isSpawn(item), capabilities.contains(.threads) {
                try Self.checkStart(of: module)
                linker.define("wasi", "thread-spawn") { (caller: Caller, argument: Int32) in
                    group.spawn(argument, from: caller.store)
                }
            }
        }
        return try exitStatus { try group.run(linker.prepare(module), in: store, start) }
    }

    /// What the stores of the threads have in common; nil: the program may make none.
    private func stores(for module: Module, _ store: Store) throws -> StoreGroup? {
        guard capabilities.contains(.threads), module.imports.contains(where: Self.isSpawn) else {
            return nil
        }
        guard let group = try store.makeGroup() else { throw LimiterError() }
        return group
    }

    /// Who makes threads says what they do.
    private static func checkStart(of module: Module) throws {
        let name = "wasi_thread_start"
        let found = module.exports.first { $0.name == name }?.type
        let expected = FunctionType([.i32, .i32], [])
        guard case .function(expected) = found else {
            throw ExportError(name: name, expected: "function \(expected)", found: found)
        }
    }
}
