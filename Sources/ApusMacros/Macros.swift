#if Macros
    /// Makes a client of a protocol whose functions a guest exports: for a protocol `Calculator`
    /// the type `CalculatorClient`, which conforms to it.
    /// ```swift
    /// @WasmExports
    /// protocol Calculator {
    ///     func add(_ left: Int32, _ right: Int32) throws -> Int32
    /// }
    /// let calculator = try CalculatorClient(instance)
    /// print(try calculator.add(2, 3))
    /// ```
    /// The functions are looked up, and their types compared with the guest's, when the client is
    /// made, which throws an `ExportError` if something does not fit; calls are as fast as those of
    /// a `TypedFunction`. Those that are `async` are made with `callAsync`. A function has its
    /// Swift name in the guest, unless `WasmName` gives another one.
    @attached(peer, names: suffixed(Client))
    public macro WasmExports() =
        #externalMacro(module: "ApusMacroPlugin", type: "WasmExportsMacro")

    /// Makes functions of the host of a type's methods: all but private and static ones become what
    /// guests import from `module`.
    /// ```swift
    /// @WasmImports("env")
    /// struct Host {
    ///     func log(_ caller: Caller, start: Int32, count: Int32) throws {
    ///         print(try caller.memory.string(at: start, count: count))
    ///     }
    /// }
    /// Host().define(in: &linker)
    /// ```
    /// A first parameter that is a `Caller` is none of the guest's. Methods that are `async` are
    /// for guests that are called asynchronously. The linker compares their types with those that a
    /// module asks for. The type must be `Sendable`, since linkers are used by any thread.
    @attached(member, names: named(define(in:)))
    public macro WasmImports(_ module: String) =
        #externalMacro(module: "ApusMacroPlugin", type: "WasmImportsMacro")

    /// What a function is called in WebAssembly, if not as in Swift: for names that Swift has not,
    /// such as `"get-value"`.
    @attached(peer)
    public macro WasmName(_ name: String) =
        #externalMacro(module: "ApusMacroPlugin", type: "WasmNameMacro")
#endif
