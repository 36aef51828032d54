@_spi(ApusCLI) public import Apus
internal import ApusCollections
public import ArgumentParser

/// `apus inspect`: shows what becomes of one function.
struct InspectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Shows a function at each stage of being compiled.",
        discussion: """
            STAGE is one of: text, the function in the text format; ir, in the optimizing \
            compiler's own form, after its passes; machine, its instructions with the registers \
            they were given; assembly, the machine code that --compiler makes. Numbers behind @ \
            are offsets of WebAssembly instructions in the function's body.

            EXAMPLES:
              apus inspect program.wasm --function fib
              apus inspect program.wasm --function 12 --stage ir
              apus inspect program.wasm --function fib --compiler optimizing
            """)

    @Option(
        help: ArgumentHelp(
            "The function: its index, an export's name, or its name in the module.",
            valueName: "FUNCTION"))
    var function: String

    @Option(help: ArgumentHelp("What to show.", valueName: "STAGE"))
    var stage = ModuleInspection.Stage.assembly

    @OptionGroup var compiler: CompilerOption
    @OptionGroup var features: FeatureOptions

    @Argument(help: "A module, in binary or in text form.")
    var module: String

    func run() throws {
        try Outcome.exiting {
            var configuration = Engine.Configuration()
            configuration.features = try features.apply(to: configuration.features)
            configuration.compiler = compiler.name
            let source = try ModuleFile(module).source()
            let text = try source.locatingErrors {
                try ModuleInspection($0, configuration).text(function, at: stage)
            }
            try Array(text.utf8).write(toFile: nil)
            return 0
        }
    }
}

extension ModuleInspection.Stage: ExpressibleByArgument {}
