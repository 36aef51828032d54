@_spi(ApusCLI) internal import Apus
internal import ApusCollections
internal import ArgumentParser

/// `apus profile`: runs a program and shows where its time went.
struct ProfileCommand: ParsableCommand, EngineOptions {
    static let configuration = CommandConfiguration(
        commandName: "profile",
        abstract: "Runs a program and writes where its time went.",
        discussion: """
            The program runs as with `apus run`. Each millisecond is noted which of its functions \
            it is in, and by whom they were called, and when it has ended, in whatever way, a page \
            with a flame graph is written, which any browser shows. A FILE that ends in .json is \
            for speedscope.app and others, one that ends in .folded or .txt has folded stacks, a \
            line for each, and - is the output. SIGINT (Ctrl-C) and SIGTERM stop the program, too; \
            the status is 130 or 143 then.

            EXAMPLES:
              apus profile program.wasm notes.txt
              apus profile --output flames.html --dir . program.wasm
              apus profile -o profile.json --every 100us program.wasm

            \(Outcome.statuses)
            """)

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("The file to write.", valueName: "FILE"), completion: .file())
    var output = "profile.html"

    @Option(
        name: .customLong("every"),
        help: ArgumentHelp(
            "The time from one look to the next: --every 100us.", valueName: "DURATION"))
    var period: TimeLimit?

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

    @Argument(
        help: "The program: a WebAssembly module, in binary or in text form, or - for the input.",
        completion: .file(extensions: moduleEndings))
    var module: String

    @Argument(
        parsing: .captureForPassthrough, help: "What the program is told.", completion: .file())
    var arguments: [String] = []

    private var file: OutputFile { OutputFile(output) }

    func validate() throws {
        try file.checkEnding(isOneOf: ["html", "htm", "json", "folded", "txt"], for: "profile")
    }

    func run() throws {
        try Outcome.exiting {
            try file.checkIsWritable()
            return 0
        }
        let profiler = Profiler(period: period?.duration ?? .milliseconds(1))
        var program = options.program(module, arguments, grants, linking, programLimits)
        program.isStoppedBySignals = true
        program.prepare = { engine in profiler.start(engine) }
        var isCompiled = false
        program.compiled = { _, _ in isCompiled = true }
        let result = Result { try program.run { try engineConfiguration() } }
        profiler.stop()
        // Of what could not run there is nothing to say, and a profile of before to lose.
        if isCompiled {
            try Outcome.exiting {
                try write(profiler.profile)
                return 0
            }
        }
        try result.get()
    }

    private func write(_ profile: Profile) throws {
        let text: String
        if output.hasSuffix(".json") {
            text = profile.speedscope
        } else if output.hasSuffix(".folded") || output.hasSuffix(".txt") {
            text = profile.foldedStacks
        } else {
            text = profile.flameGraph(title: HostText.shown(module))
        }
        try file.write(Array(text.utf8))
        Outcome.report("\(profile.sampleCountText) in \(file.shown)")
    }
}
