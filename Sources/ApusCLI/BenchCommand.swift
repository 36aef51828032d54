@_spi(ApusCLI) internal import Apus
internal import ApusLocks
internal import ApusWASI
internal import ArgumentParser

/// `apus bench`: measures where a program's time goes.
struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measures how long a program takes to compile, start and run.",
        discussion: """
            A program that imports bench.start and bench.end and calls them around its work is \
            timed between the two, any other as a whole. What it writes is thrown away. Arguments \
            that begin with a dash go after --.

            Then it is run as `apus run` does, in processes of its own: with nothing compiled \
            before, and with what an earlier run has kept, in a folder that goes afterwards. Such \
            a process is measured from before it is there until it is gone. --no-processes leaves \
            that out, as do the input (-) and options that `apus run` has not, or that one \
            process alone can obey: --threads, --debuggable and --tcplisten.

            EXAMPLES:
              apus bench program.wasm
              apus bench program.wasm --json --repeat 5 --threads 1
              apus bench program.wasm --compiler optimizing --phases
              apus bench --dir . program.wasm input.txt
              apus bench --feature legacy-exceptions --no-processes old.wasm
            """)

    @OptionGroup var grants: GrantOptions

    @Flag(help: "Print one JSON object instead of a table.")
    var json = false

    @Option(
        name: .customLong("repeat"),
        help: ArgumentHelp("Measure this often and print medians.", valueName: "N"))
    var repetitions = 1

    @Option(help: ArgumentHelp("Compile on this many threads.", valueName: "N"))
    var threads: Int?

    @OptionGroup var compiler: CompilerOption
    @OptionGroup var checks: CheckOptions
    @OptionGroup var features: FeatureOptions

    @Flag(help: "Do not run the program in processes of its own: --no-processes.")
    var noProcesses = false

    @Flag(
        help: ArgumentHelp(
            "Show what each phase of compiling took, on all threads together."))
    var phases = false

    @Flag(help: "Count fuel, of which there is enough.")
    var metered = false

    @Flag(help: "Have code look before each instruction whether to stop, as `apus debug` does.")
    var debuggable = false

    @Argument(
        help: "The program: a WebAssembly module.", completion: .file(extensions: moduleEndings))
    var module: String

    @Argument(help: "What the program is told.", completion: .file())
    var arguments: [String] = []

    func validate() throws {
        if repetitions < 1 { throw ValidationError("--repeat needs a number of at least 1") }
        if let threads, threads < 1 {
            throw ValidationError("--threads needs a number of at least 1")
        }
    }

    func run() throws {
        try Outcome.exiting {
            var samples: [BenchSample] = []
            for _ in 0..<repetitions { samples.append(try measure()) }
            let usesMarks = samples.contains(where: \.usesMarks)
            let processes = try processes(usingMarks: usesMarks)?.measure(repetitions) ?? []
            let report = BenchReport(samples, processes)
            print(json ? report.json.text : report.table)
            return 0
        }
    }

    /// What is measured of whole processes; nil: nothing.
    private func processes(usingMarks: Bool) -> ProcessBench? {
        if noProcesses || debuggable || threads != nil || !grants.sockets.isEmpty { return nil }
        if module == "-" { return nil }
        // A command line without options is understood sooner: what is usual is not said.
        var options = grants.arguments + compiler.arguments + checks.arguments
        options += features.arguments + (metered ? ["--fuel", "\(UInt64.max)"] : [])
        if usingMarks { options += ["--unknown-imports", "default"] }
        let path = module.hasPrefix("-") ? "./" + module : module
        return ProcessBench(arguments: options + [path] + arguments)
    }

    private func measure() throws -> BenchSample {
        var configuration = Engine.Configuration()
        compiler.apply(to: &configuration)
        configuration.features = try features.apply(to: configuration.features)
        configuration.compilationThreads = threads
        configuration.isFuelMetered = metered
        configuration.isDebuggable = debuggable
        configuration.measuresPhases = phases
        checks.apply(to: &configuration)
        let engine = Engine(configuration)
        let compiled = try ModuleFile(module).compile(engine)

        var wasi = WASI()
        try wasi.grant(grants.chosen)
        wasi.argumentBytes = (["bench"] + arguments).map(HostText.bytes)
        wasi.standardOutput = .discard
        wasi.standardError = .discard
        let marks = Marks()
        var linker = Linker(engine)
        try wasi.define(in: &linker)
        linker.define("bench", "start") { marks.start() }
        linker.define("bench", "end") { marks.end() }

        let clock = ContinuousClock()
        let instantiateStart = clock.now
        let store = Store(engine)
        if metered { store.fuel = .max }
        let instance = try linker.instantiate(compiled, in: store)
        let instantiateTime = instantiateStart.duration(to: clock.now)

        let start = try instance.function("_start", as: (() -> Void).self)
        let executeStart = clock.now
        let processorStart = HostProcess.processorTime
        let status = try wasi.status { try start() }
        let wholeTime = executeStart.duration(to: clock.now)
        let processorTime = HostProcess.processorTime - processorStart
        if status != 0 { throw ProgramFailure(status: status) }
        return BenchSample(
            module: compiled.statistics, instantiateTime: instantiateTime,
            executeTime: marks.total ?? wholeTime, processorTime: processorTime,
            tiers: TierReport(compiled),
            usesMarks: compiled.imports.contains { $0.module == "bench" })
    }
}

/// A program that was to be measured said that it failed.
struct ProgramFailure: Error, CustomStringConvertible {
    var status: Int32
    var description: String { "the program ended with status \(status)" }
}

/// The time between a program's calls of `bench.start` and `bench.end`.
private final class Marks: Sendable {
    private let state = SystemMutex<(started: ContinuousClock.Instant?, total: Duration?)>(
        (nil, nil))

    func start() {
        state.withLock { state in state.started = .now }
    }

    func end() {
        let now = ContinuousClock.now
        state.withLock { state in
            guard let started = state.started.take() else { return }
            state.total = (state.total ?? .zero) + started.duration(to: now)
        }
    }

    var total: Duration? { state.withLock { state in state.total } }
}
