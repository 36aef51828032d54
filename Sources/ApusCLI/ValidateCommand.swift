internal import Apus
internal import ArgumentParser

/// `apus validate`: says which modules are not valid, and why.
struct ValidateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "validate",
        abstract: "Checks modules without running them.",
        discussion: "Says nothing and ends with status 0 if all of them are valid.")

    @Argument(help: "WebAssembly modules.")
    var modules: [String]

    func run() throws {
        let engine = Engine()
        var failures = 0
        for path in modules {
            do {
                try Module.validate(engine, contentsOf: path)
            } catch {
                Outcome.report("\(path): \(error)")
                failures += 1
            }
        }
        if failures > 0 { throw ExitCode(Outcome.failureStatus) }
    }
}
