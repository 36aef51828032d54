@_spi(ApusWASI) public import Apus

extension WASI {
    /// Runs a program: instantiates `module` in `store` and calls what it exports as `_start`, or,
    /// if it is a reactor, as `_initialize`. Returns its exit status, 0 if it just returned.
    ///
    /// - Throws: what `define(in:)`, `Linker.instantiate` and a call throw; `ExportError` if the
    ///   module is no program.
    public func run(_ module: Module, in store: Store) throws -> Int32 {
        var linker = Linker(store.engine)
        let wanted = Set(module.imports.map(\.name))
        try define(in: &linker) { wanted.contains($0) }
        return try status {
            let instance = try linker.instantiate(module, in: store)
            let isReactor =
                !module.exportsFunction("_start")
                && module.exportsFunction("_initialize")
            let start = try instance.function(
                isReactor ? "_initialize" : "_start", as: (() -> Void).self)
            try start()
        }
    }

    /// Makes an instance of a reactor, a module whose functions the host calls as often as it
    /// likes: instantiates `module` in `store` and calls its `_initialize`, if it has one. The
    /// instance keeps what is granted. Calls of its functions throw `Exit` if it calls `proc_exit`.
    ///
    /// - Throws: what `define(in:)`, `Linker.instantiate` and a call throw, `Exit` among it.
    public func instantiate(_ module: Module, in store: Store) throws -> Instance {
        var linker = Linker(store.engine)
        let wanted = Set(module.imports.map(\.name))
        try define(in: &linker) { wanted.contains($0) }
        let instance = try linker.instantiate(module, in: store)
        if module.exportsFunction("_initialize") {
            try instance.function("_initialize", as: (() -> Void).self)()
        }
        return instance
    }

    /// The status of a guest that `body` runs: the one it gave to `proc_exit`, or 0 if `body`
    /// returns.
    public func status(_ body: () throws -> Void) throws -> Int32 {
        do {
            try body()
            return 0
        } catch let exit as Exit {
            return exit.status
        }
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
        let world = try makeWorld()
        for function in Preview1Function.table {
            let name = "\(function.name)"
            guard isWanted(name), capabilities.contains(function.capability) else { continue }
            let type = function.type
            let count = type.parameters.count
            for snapshot in [Snapshot.one, .zero] {
                linker.define(
                    snapshot.moduleName, name, type: type,
                    cells: { call in
                        try world.perform(function.body, snapshot, count, call)
                    })
            }
        }
    }
}

extension Module {
    fileprivate func exportsFunction(_ name: String) -> Bool {
        exports.contains { $0.name == name }
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
        _ body: Preview1Function.Body, _ snapshot: Snapshot, _ count: Int,
        _ call: borrowing CellCall
    ) throws {
        guard enter() else { throw WASI.BusyError() }
        defer { leave() }
        var arguments = CallArguments(snapshot)
        for index in 0..<count { arguments[wide: index] = call[index] }
        var result = Errno.success
        do throws(Errno) {
            try body(self, GuestMemory(of: call), arguments)
        } catch {
            result = error
        }
        if let status = exitStatus.take() {
            throw WASI.Exit(status: Int32(bitPattern: status))
        }
        call[0] = UInt64(result.rawValue)
    }
}
