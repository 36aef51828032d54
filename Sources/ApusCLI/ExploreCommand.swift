@_spi(ApusCLI) internal import Apus
internal import ApusCollections
internal import ApusFormat
internal import ArgumentParser

/// `apus explore`: writes a page with all that becomes of functions.
struct ExploreCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explore",
        abstract: "Writes a page with functions from text to machine code, side by side.",
        discussion: """
            The page needs nothing but a browser. It shows what `apus inspect` shows one by one: \
            the text of each function, what the optimizing compiler makes of it, and the machine \
            code of both compilers, with the same colour for lines that belong together. If the \
            module says which lines of which source files it comes from, and these are below this \
            folder, below the module's, or below one named with --sources, they are shown, too; \
            others are not read, nor files or folders whose names begin with a dot, for a module \
            may name any path. The source of a module in text form that names no other is that \
            text.

            EXAMPLES:
              apus explore program.wasm
              apus explore -o page.html --function fib --function 12 program.wasm
              apus explore --sources ~/src/project program.wasm
              apus explore --limit 64MiB --target x86-64-v2 large.wasm
            """)

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("The file to write; - is the output.", valueName: "FILE"),
        completion: .file(extensions: ["html"]))
    var output = "explore.html"

    @Option(
        name: .customLong("function"),
        help: ArgumentHelp(
            "A function to show: its index, an export's name, or its name in the module; may be "
                + "repeated. Without it, all are shown as far as the limit allows.",
            valueName: "FUNCTION"))
    var functions: [String] = []

    @Option(
        help: ArgumentHelp(
            "About how large the page may become: --limit 64MiB.", valueName: "BYTES"))
    var limit: ByteCount?

    @Option(
        help: ArgumentHelp(
            "A folder with sources: --sources ~/src/project; may be repeated.",
            valueName: "FOLDER"),
        completion: .directory)
    var sources: [String] = []

    @Flag(help: "Read no sources: --no-sources.")
    var noSources = false

    @Option(help: ArgumentHelp("The processors that code is for.", valueName: "TARGET"))
    var target = ProcessorTarget.native

    @OptionGroup var checks: CheckOptions
    @OptionGroup var features: FeatureOptions

    @Argument(
        help: "A module, in binary or in text form.", completion: .file(extensions: moduleEndings))
    var module: String

    private var outputFile: OutputFile { OutputFile(output) }

    func validate() throws {
        try outputFile.checkEnding(isOneOf: ["html", "htm"], for: "explore")
    }

    func run() throws {
        try Outcome.exiting {
            try outputFile.checkIsWritable()
            var configuration = Engine.Configuration()
            configuration.features = try features.apply(to: configuration.features)
            configuration.processorFeatures = target.features
            checks.apply(to: &configuration)
            var options = Exploration.Options()
            if !functions.isEmpty { options.functions = functions }
            if let limit { options.bytesLimit = Int(clamping: limit.bytes) }
            let file = ModuleFile(module)
            if !noSources {
                let folders = SourceFolders(named: sources, besides: file)
                options.readSource = { folders.contents(of: $0) }
                options.readSourceMap = { file.sourceMap(named: $0) }
            }
            let exploration = try Exploration(file.source(), configuration, options)
            try outputFile.write(Array(exploration.page(title: file.ownName).utf8))
            report(exploration)
            return 0
        }
    }

    private func report(_ exploration: Exploration) {
        let shown = exploration.functions.count
        let output = PrintableText.path(outputFile.shown)
        var line = "\(shown) function\(shown == 1 ? "" : "s") in \(output)"
        if shown < exploration.requestedCount {
            line += ", of \(exploration.requestedCount): --function chooses others, --limit "
            line += "allows more"
        }
        Outcome.report(line)
    }
}
