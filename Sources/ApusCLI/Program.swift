@_spi(ApusCLI) internal import Apus
internal import ApusWASI

/// A program to be run, or a function of a module to be called: what `apus run` does, however it
/// was asked.
struct Program {
    /// The module, as the command line has it.
    let module: String
    let arguments: [String]
    /// What it finds as its own name, else the file's.
    var ownName: String?
    var grants = Grants()
    /// The export to be called instead of the program.
    var invoke: String?
    var filtersTerminalOutput = true
    var linking = Linking()
    var limits = ProgramLimits()
    /// How what it took is told afterwards, if it is.
    var statistics: RunReport.Form?
    /// Whether SIGINT and SIGTERM stop the program, and not the process, which has more to do then.
    var isStoppedBySignals = false
    /// What is done with the engine before there is anything in it.
    var prepare: (Engine) -> Void = { _ in }
    /// Is told of each module, with its file, before it runs.
    var compiled: (ModuleFile, Module) -> Void = { _, _ in }

    init(_ module: String, _ arguments: [String]) {
        self.module = module
        self.arguments = arguments
    }

    /// Runs the program, in an engine that `configuration` says how to set up, and ends the process
    /// with its status; if that is 0, unless the process has more to do.
    func run(_ configuration: () throws -> Engine.Configuration) throws {
        let report = RunReport()
        let signals = isStoppedBySignals ? TerminationSignals() : nil
        try Outcome.exiting(limits: limits, signals: signals, mayGoOn: isStoppedBySignals) {
            defer { signals?.programHasEnded() }
            return try execute(report, signals, try configuration())
        } finally: {
            for module in report.preloads { module.updateCache() }
            report.module?.updateCache()
            if let statistics { report.tell(as: statistics) }
        }
    }

    /// Runs the program and returns its exit status.
    private func execute(
        _ report: RunReport, _ signals: TerminationSignals?, _ configuration: Engine.Configuration
    ) throws -> Int32 {
        let start = ContinuousClock.now
        let engine = Engine(configuration)
        prepare(engine)
        let deadline = limits.deadline(since: start)
        let module = try compile(engine, deadline: deadline)
        compiled(ModuleFile(self.module), module)
        let store = Store(engine)
        report.begin(module, store)
        limits.limit(store, since: start)
        signals?.stop(store.interruptHandle)
        var wasi = WASI()
        try wasi.grant(grants)
        wasi.inheritStreams()
        wasi.filtersTerminalOutput = filtersTerminalOutput
        wasi.threadLimit = limits.threadLimit
        let isProgram = invoke == nil || invoke == ""
        wasi.argumentBytes = ([programName] + (isProgram ? arguments : [])).map(HostText.bytes)
        do {
            if invoke == nil, linking.isEmpty { return try wasi.run(module, in: store) }
            return try run(module, wasi, store, report, until: deadline)
        } catch let error as ExportError {
            throw MissingExport(error, of: module, file: ModuleFile(self.module).name)
        } catch let error as LinkError {
            throw MissingImport(
                error, file: ModuleFile(self.module).name, linking.unknownImports)
        } catch let error as FileError
            where grants.directories.contains(where: { HostText.shown($0.host) == error.path })
        {
            throw FileError(path: "--dir \(error.path)", reason: error.reason)
        }
    }

    /// Links the program with what the options name, and runs it or calls one of its functions.
    private func run(
        _ module: Module, _ wasi: WASI, _ store: Store, _ report: RunReport,
        until deadline: ContinuousClock.Instant?
    ) throws -> Int32 {
        let preloads = try linking.preloads.map { preload in
            Preloaded(
                name: preload.name, file: preload.module.name,
                module: try compile(preload.module, store.engine, deadline: deadline))
        }
        report.preloads = preloads.map(\.module)
        return try linking.run(module, importing: preloads, wasi, in: store) { instance in
            guard let invoke else { return try wasi.start(instance) }
            try call(HostText.shown(invoke), instance, wasi)
            return 0
        }
    }

    /// Calls what is exported as `name` and prints its results.
    private func call(_ name: String, _ instance: Instance, _ wasi: WASI) throws {
        if name != "_initialize" { try wasi.initialize(instance) }
        let function = try instance.function(name)
        // What has no name is a program, to which the arguments went as such.
        let isProgram = name.isEmpty && function.type.parameters.isEmpty
        let values =
            isProgram ? [] : try FunctionArguments.values(arguments, for: function.type, of: name)
        for result in try function.call(values) { print(FunctionArguments.text(result)) }
    }

    /// Compiles a module that the program imports from.
    private func compile(
        _ file: ModuleFile, _ engine: Engine, deadline: ContinuousClock.Instant?
    ) throws -> Module {
        let module = try file.compile(engine, deadline: deadline)
        compiled(file, module)
        return module
    }

    /// Compiles the module. Who names none that is there may have meant a subcommand.
    private func compile(
        _ engine: Engine, deadline: ContinuousClock.Instant?
    ) throws -> Module {
        do {
            return try ModuleFile(module).compile(engine, deadline: deadline)
        } catch let error as FileError {
            throw explained(error)
        }
    }

    private func explained(_ error: FileError) -> FileError {
        let isPath = module == "-" || module.contains { "./".contains($0) }
        guard !isPath, HostProcess.isMissing(module) else { return error }
        var error = error
        let isExplained = error.reason.hasSuffix("?")
        if let command = SimilarNames.near(module, among: ApusCommand.subcommands).first {
            if isExplained { error.reason.removeLast() }
            error.reason += (isExplained ? " or" : "; did you mean") + " 'apus \(command)'?"
        } else if !isExplained {
            error.reason += ", and there is no such command; 'apus --help' lists them"
        }
        return error
    }

    /// What a program finds as its own name: the file's, unless it is given one.
    private var programName: String {
        ownName ?? module.split(separator: "/").last.map(String.init) ?? module
    }
}
