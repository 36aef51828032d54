internal import Apus
internal import ArgumentParser

/// `apus run`: runs a program, or calls one function that a module exports.
struct RunCommand: ParsableCommand, EngineOptions {
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
              apus run --stats --json program.wasm 2> stats.json
              apus run --compiler baseline --without simd program.wasm
              apus run --invoke add math.wat 2 3
              apus run --preload env=library.wasm --unknown-imports trap program.wasm
              apus run --perf jitdump program.wasm
              gdb --args apus run --debug program.wasm
              apus run --tcplisten 127.0.0.1:8080 server.wasm
              apus parse program.wat | apus run - notes.txt

            \(Outcome.statuses)
            """)

    @OptionGroup var grants: GrantOptions
    @OptionGroup var options: ProgramOptions
    @OptionGroup var linking: LinkOptions
    @OptionGroup(title: "Limits") var limits: LimitOptions
    @OptionGroup(title: "Limits") var threads: ThreadLimitOption
    @OptionGroup var pooling: PoolingOption
    @OptionGroup var cache: CacheOption
    @OptionGroup var checks: CheckOptions
    @OptionGroup var compiler: CompilerOption
    @OptionGroup var features: FeatureOptions
    @OptionGroup var tools: NativeToolOptions

    @Flag(help: "Say afterwards, on the error output, what the program took: --stats.")
    var stats = false

    @Flag(help: "With --stats: say it as one JSON object, the last line of the error output.")
    var json = false

    // What SwiftPM and others pass to `wasmkit run`, whatever that is called.
    @Option(name: .customLong("stack-size"), help: .private)
    var stackSize: UInt64?

    @Flag(help: .private)
    var verbose = false

    @Flag(inversion: .prefixedEnableDisable, help: .private)
    var signpost = false

    @Argument(
        help: "The program: a WebAssembly module, in binary or in text form, or - for the input.",
        completion: .file(extensions: moduleEndings))
    var module: String

    @Argument(
        parsing: .captureForPassthrough, help: "What the program is told.", completion: .file())
    var arguments: [String] = []

    func validate() throws {
        if json, !stats, !verbose { throw ValidationError("--json goes with --stats") }
    }

    mutating func run() throws {
        if let stackSize, limits.maxStack == nil {
            limits.maxStack = WasmKitCommandLine.stack(stackSize)
        }
        var program = options.program(module, arguments, grants, linking, programLimits)
        program.statistics = stats || verbose ? (json ? .json : .text) : nil
        try program.run { try engineConfiguration() }
    }
}
