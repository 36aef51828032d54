@_spi(ApusCLI) internal import Apus
internal import ApusCollections
internal import ApusText
internal import ArgumentParser

/// `apus print`: binary to text.
struct PrintCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "print",
        abstract: "Writes the text form of a module.",
        discussion: """
            Parsing the text gives the same module again, names and custom sections included. \
            Nothing is validated.

            EXAMPLES:
              apus print program.wasm
              apus print program.wasm -o program.wat
            """)

    @Argument(
        help: "A module, in binary or in text form.", completion: .file(extensions: moduleEndings))
    var input: String

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp(
            "The file to write; the output if there is none, or -.", valueName: "FILE"),
        completion: .file(extensions: ["wat"]))
    var output: String?

    func run() throws {
        try Outcome.exiting {
            let source = try ModuleFile(input).source()
            let text = try source.locatingErrors { try TextFormat.print($0) }
            try OutputFile(output ?? "-").write(Array(text.utf8))
            return 0
        }
    }
}
