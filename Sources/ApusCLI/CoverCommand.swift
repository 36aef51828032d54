@_spi(ApusCLI) internal import Apus
internal import ApusFormat
internal import ArgumentParser

/// `apus cover`: runs a program and shows which of its code was run, and how often.
struct CoverCommand: ParsableCommand, EngineOptions {
    static let configuration = CommandConfiguration(
        commandName: "cover",
        abstract: "Runs a program and writes which of its code was run.",
        discussion: """
            The program runs as with `apus run`, in code that counts how often each of its parts \
            is run. When it has ended, in whatever way, the coverage is written: of lines, \
            functions and branches of its sources if it has DWARF sections or a source map, of its \
            own file if that is in text form, else of itself printed as text. A FILE that ends in \
            .info is for lcov and genhtml, one that ends in \
            .json for programs, one that ends in .txt is a table, and one in .html is a page for a \
            browser, as is the output (-). Sources are shown that are below the current folder, \
            the program's, or one that --substitute-path names. SIGINT (Ctrl-C) and SIGTERM stop \
            the program, too; the status is 130 or 143 then.

            EXAMPLES:
              apus cover tests.wasm
              apus cover --dir . -o page.html -o tracefile.info tests.wasm --verbose
              apus cover --substitute-path /src=. --exclude /usr --format summary tests.wasm
              apus cover -o a.info tests.wasm one; apus cover -o b.info tests.wasm two
                lcov -a a.info -a b.info -o both.info; genhtml both.info -o pages

            \(Outcome.statuses)
            """)

    @OptionGroup(title: "Coverage") var output: CoverageOutputOptions
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

    func validate() throws { try output.validate() }

    func run() throws {
        try Outcome.exiting {
            try output.checkAreWritable()
            return 0
        }
        var program = options.program(module, arguments, grants, linking, programLimits)
        program.isStoppedBySignals = true
        var modules: [(name: String, module: Module)] = []
        program.compiled = { file, module in
            modules.append((file.path == "-" ? "module" : file.ownName, module))
        }
        let result = Result {
            try program.run {
                var configuration = try engineConfiguration()
                configuration.countsCoverage = true
                return configuration
            }
        }
        if !modules.isEmpty {
            try Outcome.exiting {
                try output.write(modules, of: ModuleFile(module))
                return 0
            }
        }
        try result.get()
    }
}
