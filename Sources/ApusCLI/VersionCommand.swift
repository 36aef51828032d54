internal import ArgumentParser

/// `apus version`: the same as `apus --version`, for those who look for it here; and all that makes
/// this build on this machine differ from others.
struct VersionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "version",
        abstract: "Prints the version, and what this build and this machine can do.",
        discussion: """
            With --verbose: which build this is, which proposals are on, who compiles, what of \
            the processor is used, what the system allows, and where compiled programs are kept. \
            Whoever reports a fault should add it.

            EXAMPLES:
              apus version --verbose
              apus version --json
            """)

    @Flag(name: .shortAndLong, help: "Print all there is to say: --verbose.")
    var verbose = false

    @Flag(help: "Print all of it as one JSON object: --json.")
    var json = false

    func run() throws {
        if json { return print(VersionReport().json.text) }
        print("apus \(ApusCommand.version)")
        if verbose { print(VersionReport().text) }
    }
}
