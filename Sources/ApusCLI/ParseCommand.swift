@_spi(ApusCLI) internal import Apus
internal import ApusCollections
internal import ApusText
internal import ArgumentParser

/// `apus parse`: text to binary.
struct ParseCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "parse",
        abstract: "Writes the binary form of a module in text form.",
        discussion: """
            The module is not validated; `apus validate` does that. A text that does not follow \
            the format is refused with its line, its column and what was expected.

            EXAMPLES:
              apus parse program.wat -o program.wasm
              apus parse program.wat | apus print -
            """)

    @Argument(help: "A module in text form.", completion: .file(extensions: ["wat"]))
    var input: String

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp(
            "The file to write; the output if there is none, or -.", valueName: "FILE"),
        completion: .file(extensions: ["wasm"]))
    var output: String?

    func run() throws {
        try Outcome.exiting {
            let file = ModuleFile(input)
            let module = try file.parsing { text in try TextFormat.parseModule(text) }
            try OutputFile(output ?? "-").write(module)
            return 0
        }
    }
}
