@_spi(ApusWASI) public import Apus

extension WASI {
    /// Runs a program: instantiates `module` in `store` and starts it (`start(_:)`). Returns its
    /// exit status, 0 if it just returned.
    ///
    /// A program that imports `wasi.thread-spawn`, or a shared memory, gets the threads that it
    /// asks for, up to `threadLimit`, each with an instance in a store of its own that has the
    /// deadline of `store`. All of them together have its limits, and its limiter, as it is at the
    /// beginning, is asked for each of them (`SharedResourceLimiter`). Of fuel each has half of
    /// what who makes it has left; what it leaves is for others. The shared memories that it
    /// imports are made for it. It ends, with all its threads, when the first thread returns, or
    /// when one exits or traps.
    ///
    /// - Throws: what `define(in:)`, `Linker.instantiate` and `start(_:)` throw; `LimiterError`.
    public func run(_ module: Module, in store: Store) throws -> Int32 {
        defer { finishStreams() }
        if Self.usesThreads(module) { return try runThreads(module, in: store) }
        let linker = try linker(for: module, store)
        return try exitStatus { try start(linker.instantiate(module, in: store)) }
    }

    /// Makes an instance of a reactor, a module whose functions the host calls as often as it
    /// likes: instantiates `module` in `store` and initializes it (`initialize(_:)`). The instance
    /// keeps what is granted. Calls of its functions throw `Exit` if it calls `proc_exit`.
    ///
    /// - Throws: what `define(in:)`, `Linker.instantiate` and `initialize(_:)` throw.
    public func instantiate(_ module: Module, in store: Store) throws -> Instance {
        let instance = try linker(for: module, store).instantiate(module, in: store)
        try initialize(instance)
        return instance
    }

    /// Runs the program that `instance` is, once, and returns its exit status.
    ///
    /// The program is what is exported as `_start`; or else, after `_initialize`, what is exported
    /// under the empty name, whose result, if it is an i32, is the status. A reactor that has
    /// neither is initialized, and a module that has nothing but a start function has run already.
    ///
    /// - Throws: `ExportError` if the module is no program; what a call throws, but not `Exit`.
    public func start(_ instance: Instance) throws -> Int32 {
        try exitStatus {
            var results: [Value] = []
            for function in try Self.program(of: instance) { results = try function.call([]) }
            return Self.status(of: results)
        }
    }

    /// Calls what a reactor exports as `_initialize`, which is to happen once before any other of
    /// its functions is called. Does nothing if there is no such export.
    ///
    /// - Throws: what a call throws, `Exit` among it; `ExportError` if it is no function without
    ///   parameters and results.
    public func initialize(_ instance: Instance) throws {
        _ = try Self.initializer(of: instance)?.call([])
    }

    /// The status of a guest that `body` runs: the one it gave to `proc_exit`, or 0 if `body`
    /// returns.
    ///
    /// - Throws: what `body` throws, but not `Exit`.
    public func status(_ body: () throws -> Void) throws -> Int32 {
        try exitStatus {
            try body()
            return 0
        }
    }

    func exitStatus(_ body: () throws -> Int32) throws -> Int32 {
        // What is said of the guest's end is not to be said in its colours.
        defer { TerminalOutput.resetAll() }
        do {
            return try body()
        } catch let exit as Exit {
            return exit.status
        }
    }

    /// What runs the program that `instance` is: functions without parameters, in their order, of
    /// which the last may return the status.
    static func program(of instance: Instance) throws -> [Function] {
        if let command = try procedure("_start", of: instance) { return [command] }
        let initializer = try initializer(of: instance)
        if case .function(let program)? = try instance.export("") {
            let hasStatus = program.type == FunctionType([], [.i32])
            let unnamed = hasStatus ? program : try procedure("", of: instance)
            return [initializer, unnamed].compactMap(\.self)
        }
        guard initializer != nil || instance.hasStartFunction else {
            throw ExportError(name: "_start", expected: "function", found: nil)
        }
        return [initializer].compactMap(\.self)
    }

    /// What a reactor exports to be called first.
    static func initializer(of instance: Instance) throws -> Function? {
        try procedure("_initialize", of: instance)
    }

    /// The function without parameters and results that `instance` exports under this name; nil if
    /// nothing is.
    private static func procedure(_ name: String, of instance: Instance) throws -> Function? {
        guard try instance.export(name) != nil else { return nil }
        return try instance.function(name, as: (() -> Void).self).function
    }

    /// The status of a program whose last function has returned `results`.
    static func status(of results: [Value]) -> Int32 {
        if case .i32(let status)? = results.first { status } else { 0 }
    }

    /// What `module` imports, as far as it is of the WASI.
    func linker(for module: Module, _ store: Store) throws -> Linker {
        var linker = Linker(store.engine)
        let wanted = Set(module.imports.map(\.name))
        try define(in: &linker) { wanted.contains($0) }
        return linker
    }

    /// Opens what is granted and defines the functions of `wasi_snapshot_preview1` and
    /// `wasi_unstable` that `capabilities` name. All instances that `linker` makes share one world:
    /// descriptors, and how far input has been read.
    ///
    /// - Throws: `FileError` if a directory cannot be opened; `ConfigurationError`.
    public func define(in linker: inout Linker) throws {
        try define(in: &linker) { _ in true }
    }

    private func define(in linker: inout Linker, where isWanted: (String) -> Bool) throws {
        define(try makeWorld(), in: &linker, where: isWanted)
    }

    func define(
        _ world: Preview1, in linker: inout Linker, where isWanted: (String) -> Bool
    ) {
        world.isMetered = linker.engine.configuration.isFuelMetered
        let mayWait = mayWait
        for function in Preview1Function.table {
            let name = "\(function.name)"
            guard isWanted(name), capabilities.contains(function.capability) else { continue }
            let type = function.type
            let count = type.parameters.count
            for snapshot in [Snapshot.one, .zero] {
                let perform = { @Sendable (call: borrowing CellCall) throws in
                    try world.perform(function, snapshot, count, call)
                }
                if let suspension = function.suspension, suspension != .transfer || mayWait {
                    linker.define(
                        snapshot.moduleName, name, type: type, cells: perform,
                        suspended: { call in
                            try await world.perform(function, suspension, snapshot, count, call)
                        })
                } else {
                    linker.define(snapshot.moduleName, name, type: type, cells: perform)
                }
            }
        }
    }
}

extension Preview1Function {
    /// Its type as guests import it.
    var type: FunctionType {
        FunctionType(
            "\(parameters)".map { $0 == "I" ? .i64 : .i32 }, hasResult ? [.i32] : [])
    }
}

extension Preview1 {
    /// Does one call of a guest. Throws `WASI.Exit` if that was its last.
    fileprivate func perform(
        _ function: Preview1Function, _ snapshot: Snapshot, _ count: Int, _ call: borrowing CellCall
    ) throws {
        var arguments = CallArguments(snapshot)
        for index in 0..<count { arguments[wide: index] = call[index] }
        if isMetered { try call.pay(function.price.cost(arguments)) }
        // The end waits for nobody.
        if !function.hasResult { throw WASI.Exit(status: Int32(bitPattern: arguments[0])) }
        guard enter() else { throw WASI.BusyError() }
        defer { leave() }
        work = HostWork()
        var result = Errno.success
        do throws(Errno) {
            try function.body(self, GuestMemory(of: call), arguments)
        } catch {
            result = error
        }
        if isMetered { try call.settle(work.cost) }
        call[0] = UInt64(result.rawValue)
    }
}
