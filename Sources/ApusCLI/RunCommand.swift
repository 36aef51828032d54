@_spi(ApusCLI) internal import Apus
internal import ApusWASI
internal import ArgumentParser

/// `apus run`: runs a program, or calls one function that a module exports.
struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Runs a program (this is what happens without a subcommand).",
        discussion: """
            All that follows MODULE goes to the program, dashes or not. With --invoke the \
            arguments are the function's: integers (decimal or 0x…), floats, vectors (0x… or \
            i32x4:1,2,3,4) and null, and its results are printed one per line.

            EXAMPLES:
              apus run --dir . --env LANG=C program.wasm --verbose notes.txt
              apus run --dir docs::/docs:ro --env HOME --argv0 cat tools.wasm /docs/a.txt
              apus run --timeout 1m30s --max-memory 1g program.wasm
              apus run --fuel 1000000 --stats program.wasm
              apus run --compiler baseline --without simd program.wasm
              apus run --invoke add math.wat 2 3
              apus run --preload env=library.wasm --unknown-imports trap program.wasm
              apus run --tcplisten 127.0.0.1:8080 server.wasm
              apus parse program.wat | apus run - notes.txt

            \(Outcome.statuses)
            """)

    @OptionGroup var grants: Grants

    @Option(
        name: .customLong("argv0"),
        help: ArgumentHelp(
            "What the program finds as its own name, else the file's: --argv0 ls.",
            valueName: "NAME"))
    var ownName: String?

    @Option(
        help: ArgumentHelp(
            "Call this export instead of the program, after _initialize: --invoke add.",
            discussion: "With an empty NAME the arguments are the program's.", valueName: "NAME"))
    var invoke: String?

    @Flag(
        help: ArgumentHelp(
            "Let the terminal obey all that the program writes.",
            discussion: """
                Without this, colours and moving within its own lines pass; other control \
                sequences are shown, not obeyed.
                """))
    var rawTerminal = false

    @OptionGroup var linking: LinkOptions

    @OptionGroup var options: EngineOptions

    @Flag(help: "Say afterwards, on the error output, what the program took: --stats.")
    var stats = false

    @Argument(
        help: "The program: a WebAssembly module, in binary or in text form, or - for the input.")
    var module: String

    @Argument(parsing: .captureForPassthrough, help: "What the program is told.")
    var arguments: [String] = []

    func run() throws {
        let report = RunReport()
        try Outcome.exiting(limits: options.limits) {
            try execute(report)
        } finally: {
            if stats, let text = report.text { Outcome.report(text) }
        }
    }

    /// Runs the program and returns its exit status.
    private func execute(_ report: RunReport) throws -> Int32 {
        let start = ContinuousClock.now
        let engine = Engine(try options.configuration())
        let deadline = options.limits.deadline(since: start)
        let compiled = try compile(engine, deadline: deadline)
        let store = Store(engine)
        report.begin(compiled, store)
        options.limits.limit(store, since: start)
        var wasi = WASI()
        try wasi.grant(grants)
        wasi.inheritStreams()
        wasi.filtersTerminalOutput = !rawTerminal
        if let threads = options.limits.maxThreads { wasi.threadLimit = threads }
        let isProgram = invoke == nil || invoke == ""
        wasi.argumentBytes = ([programName] + (isProgram ? arguments : [])).map(HostText.bytes)
        do {
            if invoke == nil, linking.isEmpty { return try wasi.run(compiled, in: store) }
            return try run(compiled, wasi, store, until: deadline)
        } catch let error as ExportError {
            throw MissingExport(error, of: compiled, file: ModuleFile(module).name)
        } catch let error as LinkError {
            throw MissingImport(error, file: ModuleFile(module).name)
        } catch let error as FileError
            where grants.directories.contains(where: { $0.host == error.path })
        {
            throw FileError(path: "--dir \(error.path)", reason: error.reason)
        }
    }

    /// Links the program with what the options name, and runs it or calls one of its functions.
    private func run(
        _ compiled: Module, _ wasi: WASI, _ store: Store, until deadline: ContinuousClock.Instant?
    ) throws -> Int32 {
        var linker = Linker(store.engine)
        let preloads = try linking.preloads.map { preload in
            (preload.name, try preload.module.compile(store.engine, deadline: deadline))
        }
        for (_, module) in preloads + [("", compiled)] {
            try linking.unknownImports.define(module, in: &linker, store)
        }
        try wasi.define(in: &linker)
        var programStatus: Int32 = 0
        let status = try wasi.status {
            for (name, module) in preloads {
                let instance = try linker.instantiate(module, in: store)
                try wasi.initialize(instance)
                try linker.define(name, instance)
            }
            let instance = try linker.instantiate(compiled, in: store)
            if let invoke {
                try call(invoke, instance, wasi)
            } else {
                programStatus = try wasi.start(instance)
            }
        }
        return status == 0 ? programStatus : status
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
        if let command = SimilarNames.near(module, among: ApusCommand.subcommands).first {
            error.reason += "; did you mean 'apus \(command)'?"
        } else {
            error.reason += ", and there is no such command; 'apus --help' lists them"
        }
        return error
    }

    /// What a program finds as its own name: the file's, unless it is given one.
    private var programName: String {
        ownName ?? module.split(separator: "/").last.map(String.init) ?? module
    }
}
