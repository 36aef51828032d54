@_spi(ApusCLI) public import Apus
internal import ApusCollections
public import ArgumentParser

/// `apus inspect`: shows what is in a file, or what becomes of one function.
struct InspectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Shows what is in a module, or a function at each stage of being compiled.",
        discussion: """
            Without --function it lists what the file has: of a module its sections, imports, \
            exports and functions; of one that `apus compile` has made, whoever has made it, its \
            header, its sections, and the functions with the sizes of their code. --disassemble \
            shows the code in such a file.

            With --function, STAGE is one of: text, the function in the text format; ir, in the \
            optimizing compiler's own form, after its passes; machine, its instructions with the \
            registers they were given; assembly, the machine code that --compiler makes. Numbers \
            behind @ are offsets of WebAssembly instructions in the function's body.

            EXAMPLES:
              apus inspect program.wasm
              apus inspect program.apus --json
              apus inspect program.apus --disassemble --function fib
              apus inspect program.wasm --function fib
              apus inspect program.wasm --function 12 --stage ir
              apus inspect program.wasm --function fib --compiler optimizing
            """)

    @Option(
        help: ArgumentHelp(
            "The function: its index, an export's name, or its name in the module.",
            valueName: "FUNCTION"))
    var function: String?

    @Option(help: ArgumentHelp("What to show of it, else assembly.", valueName: "STAGE"))
    var stage: ModuleInspection.Stage?

    @Flag(help: "Show the machine code in a compiled module: --disassemble.")
    var disassemble = false

    @Flag(help: "Print what there is as one JSON object instead: --json.")
    var json = false

    @OptionGroup var compiler: CompilerOption
    @OptionGroup var features: FeatureOptions

    @Argument(
        help: "A module, in binary or in text form, or a compiled one.",
        completion: .file(extensions: moduleEndings))
    var module: String

    func validate() throws {
        if stage != nil, function == nil || disassemble {
            throw ValidationError("--stage goes with --function alone, and shows one function")
        }
        guard json, function != nil || disassemble else { return }
        throw ValidationError(
            "--json lists a file; it goes with neither --function nor "
                + "--disassemble")
    }

    func run() throws {
        try Outcome.exiting {
            try Array(text().utf8).write(toFile: nil)
            return 0
        }
    }

    private func text() throws -> String {
        let file = ModuleFile(module)
        let contents = try file.contents()
        let isCompiled = ArtifactListing.isCompiled(contents)
        if isCompiled, disassemble || function == nil {
            return try file.naming {
                let listing = try ArtifactListing(contents)
                if disassemble { return try listing.disassembly(of: function) }
                let report = ArtifactReport(listing, file: file.name)
                return report.text(asJSON: json)
            }
        }
        if disassemble {
            throw ValidationError("--disassemble shows the code in a compiled module")
        }
        var configuration = Engine.Configuration()
        configuration.features = try features.apply(to: configuration.features)
        configuration.liftSizeLimits()
        let source = try ModuleSource(contents, named: file.name)
        guard let function else {
            let report = ModuleReport(
                try Module(Engine(configuration), source), file: file.name)
            return report.text(asJSON: json)
        }
        configuration.compiler = compiler.name
        return try source.locatingErrors {
            try ModuleInspection($0, configuration).text(function, at: stage ?? .assembly)
        }
    }
}

extension ModuleInspection.Stage: ExpressibleByArgument {}
