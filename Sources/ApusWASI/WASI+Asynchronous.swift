public import Apus

/// What runs programs in asynchronous calls: while they wait for the host they take no thread.
extension WASI {
    /// Runs a program in asynchronous calls: instantiates `module` in `store` and starts it
    /// (`startAsync(_:)`). Returns its exit status, 0 if it just returned. It is stopped when the
    /// task is cancelled.
    ///
    /// A program that imports `wasi.thread-spawn`, or a shared memory, is one of real threads, the
    /// first of which is the calling one until all have ended, as with `run(_:in:)`. It is stopped
    /// all the same.
    ///
    /// - Throws: what `define(in:)`, `Linker.instantiateAsync` and `startAsync(_:)` throw;
    ///   `LimiterError`.
    public nonisolated(nonsending) func runAsync(
        _ module: Module, in store: Store
    ) async throws -> Int32 {
        defer { finishStreams() }
        if Self.usesThreads(module) {
            return try await store.withTaskCancellation { try runThreads(module, in: store) }
        }
        let linker = try linker(for: module, store)
        return try await exitStatusAsync {
            try await startAsync(linker.instantiateAsync(module, in: store))
        }
    }

    /// Makes an instance of a reactor as `instantiate(_:in:)` does, in asynchronous calls. Calls of
    /// its functions throw `Exit` if it calls `proc_exit`.
    ///
    /// - Throws: what `define(in:)`, `Linker.instantiateAsync` and `initializeAsync(_:)` throw.
    public nonisolated(nonsending) func instantiateAsync(
        _ module: Module, in store: Store
    ) async throws -> Instance {
        let instance = try await linker(for: module, store).instantiateAsync(module, in: store)
        try await initializeAsync(instance)
        return instance
    }

    /// Runs the program that `instance` is, once, in asynchronous calls, and returns its exit
    /// status. See `start(_:)`.
    ///
    /// - Throws: `ExportError` if the module is no program; what an asynchronous call throws, but
    ///   not `Exit`.
    public nonisolated(nonsending) func startAsync(_ instance: Instance) async throws -> Int32 {
        try await exitStatusAsync {
            var results: [Value] = []
            for function in try Self.program(of: instance) {
                results = try await function.callAsync([])
            }
            return Self.status(of: results)
        }
    }

    /// Calls what a reactor exports as `_initialize` asynchronously. See `initialize(_:)`.
    ///
    /// - Throws: what an asynchronous call throws, `Exit` among it; `ExportError` if it is no
    ///   function without parameters and results.
    public nonisolated(nonsending) func initializeAsync(_ instance: Instance) async throws {
        _ = try await Self.initializer(of: instance)?.callAsync([])
    }

    /// The status of a guest that `body` runs, and waits for: the one it gave to `proc_exit`, or 0
    /// if `body` returns.
    ///
    /// - Throws: what `body` throws, but not `Exit`.
    public nonisolated(nonsending) func statusAsync(
        _ body: nonisolated(nonsending) () async throws -> Void
    ) async throws -> Int32 {
        try await exitStatusAsync {
            try await body()
            return 0
        }
    }

    private nonisolated(nonsending) func exitStatusAsync(
        _ body: nonisolated(nonsending) () async throws -> Int32
    ) async throws -> Int32 {
        let status: Int32
        do {
            status = try await body()
        } catch let exit as Exit {
            status = exit.status
        } catch {
            TerminalOutput.resetAll()
            throw error
        }
        TerminalOutput.resetAll()
        return status
    }
}
