@_spi(ApusCLI) internal import Apus
internal import ApusCollections
internal import ApusText
internal import ArgumentParser

/// `apus print`: binary to text.
struct PrintCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "print",
        abstract: "Writes the text form of a module.",
        discussion: "The text is parsed to the same module again. Nothing is validated.")

    @Argument(help: "A module in binary form.")
    var input: String

    @Option(name: .shortAndLong, help: "The file to write; the output if there is none.")
    var output: String?

    func run() throws {
        try Outcome.exiting {
            let text = try TextFormat.print(try ByteStorage(contentsOf: input))
            try Array(text.utf8).write(toFile: output)
            return 0
        }
    }
}
