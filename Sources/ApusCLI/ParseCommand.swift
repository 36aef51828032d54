@_spi(ApusCLI) internal import Apus
internal import ApusCollections
internal import ApusText
internal import ArgumentParser

/// `apus parse`: text to binary.
struct ParseCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "parse",
        abstract: "Writes the binary form of a module in text form.",
        discussion: "The module is not validated; `apus validate` does that.")

    @Argument(help: "A module in text form.")
    var input: String

    @Option(name: .shortAndLong, help: "The file to write; the output if there is none.")
    var output: String?

    func run() throws {
        try Outcome.exiting {
            let text = try ByteStorage(contentsOf: input)
            do {
                try TextFormat.parseModule(text).write(toFile: output)
            } catch let error as TextError {
                Outcome.report("\(input):\(error)")
                return Outcome.failureStatus
            }
            return 0
        }
    }
}
