internal import Apus
internal import ApusWASI
internal import ArgumentParser

/// `apus run`: runs a program, or calls one function that a module exports.
struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Runs a program (this is what happens without a subcommand).",
        discussion: """
            All that follows MODULE goes to the program, dashes or not. With --invoke the \
            arguments are the function's: integers (decimal or 0x…) and floats, and its results \
            are printed one per line.

            EXAMPLES:
              apus run --dir . --env LANG=C program.wasm --verbose notes.txt
              apus run --timeout 2s program.wasm
              apus run --compiler optimizing program.wasm
              apus run --invoke add math.wat 2 3

            EXIT STATUS:
              the program's own; 134 when it traps, with a backtrace on the error output; 1 when \
            it cannot be run at all.
            """)

    @OptionGroup var grants: Grants

    @Option(help: ArgumentHelp("Call this export instead of the program.", valueName: "NAME"))
    var invoke: String?

    @Flag(
        help: ArgumentHelp(
            "Let the terminal obey all that the program writes.",
            discussion: """
                Without this, colours and moving within its own lines pass; other control \
                sequences are shown, not obeyed.
                """))
    var rawTerminal = false

    @OptionGroup(title: "Limits") var limits: LimitOptions

    @Flag(help: "Say afterwards, on the error output, what the program took.")
    var stats = false

    @Flag(help: "Take instances from a pool whose memory is reserved at the start.")
    var pooling = false

    @OptionGroup var compiler: CompilerOption

    @Argument(help: "The program: a WebAssembly module, in binary or in text form.")
    var module: String

    @Argument(parsing: .captureForPassthrough, help: "What the program is told.")
    var arguments: [String] = []

    func run() throws {
        let report = RunReport()
        try Outcome.exiting {
            try execute(report)
        } finally: {
            if stats, let text = report.text { Outcome.report(text) }
        }
    }

    /// Runs the program and returns its exit status.
    private func execute(_ report: RunReport) throws -> Int32 {
        var configuration = Engine.Configuration()
        configuration.compiler = compiler.name
        limits.apply(to: &configuration)
        if pooling { configuration.allocator = .pooling(.init(instances: 100)) }
        let start = ContinuousClock.now
        let engine = Engine(configuration)
        let compiled = try Module(
            engine, contentsOf: module, deadline: limits.deadline(since: start))
        let store = Store(engine)
        report.begin(compiled, store)
        limits.limit(store, since: start)
        var wasi = WASI()
        wasi.grant(grants)
        wasi.inheritStreams()
        wasi.filtersTerminalOutput = !rawTerminal
        guard let invoke else {
            wasi.arguments = [programName] + arguments
            return try wasi.run(compiled, in: store)
        }
        wasi.arguments = [programName]
        var linker = Linker(engine)
        try wasi.define(in: &linker)
        return try wasi.status {
            let instance = try linker.instantiate(compiled, in: store)
            if invoke != "_initialize" { try wasi.initialize(instance) }
            let function = try instance.function(invoke)
            let values = try FunctionArguments.values(arguments, for: function.type)
            for result in try function.call(values) { print(FunctionArguments.text(result)) }
        }
    }

    /// What a program finds as its own name: the file's.
    private var programName: String {
        module.split(separator: "/").last.map(String.init) ?? module
    }
}

extension WASI {
    /// Hands over what the command line grants, and what every program may have: the time and
    /// chance.
    mutating func grant(_ grants: Grants) {
        clock = .system
        random = .system
        for directory in grants.directories { preopen(directory.guest, directory.host) }
        for variable in grants.variables { environment.append((variable.key, variable.value)) }
    }
}
