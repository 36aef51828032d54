@_spi(ApusCLI) internal import Apus
internal import ArgumentParser

/// The command `apus`.
@main
struct ApusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "apus",
        abstract: "Runs WebAssembly programs as native code.",
        usage: """
            apus run [--dir HOST[::GUEST][:ro]]… [--env KEY[=VALUE]]… [--inherit-env]
                     [--argv0 NAME] [--raw-terminal] [--invoke NAME] [--preload NAME=MODULE]…
                     [--timeout DURATION] [--fuel N] [--max-memory BYTES] [--stats]
                     … MODULE [ARGUMENTS…]
            apus MODULE [ARGUMENTS…]
            apus profile [-o FILE] … MODULE [ARGUMENTS…]
            apus cover [-o FILE]… [--format FORM]… … MODULE [ARGUMENTS…]
            apus debug [--dir HOST[::GUEST][:ro]]… [--env KEY[=VALUE]]… [MODULE [ARGUMENTS…]]
            apus compile MODULE [-o FILE] [--target TARGET]
            apus validate MODULE…
            apus bench MODULE [--json] [--repeat N] [--threads N]
            apus explore MODULE [-o FILE] [--function FUNCTION]…
            apus inspect MODULE [--json] [--disassemble] [--function FUNCTION [--stage STAGE]]
            apus wast SCRIPT…
            apus parse TEXT [-o MODULE]
            apus print MODULE [-o TEXT]
            apus cache show|clear
            apus settings [--json]
            apus version [--verbose] [--json]
            apus completions bash|zsh|fish
            """,
        discussion: """
            A program sees nothing of this machine that you do not hand to it: no files but those \
            under the folders you name, no environment but the variables you write. Its input, \
            output and error output are yours. A MODULE is a file in binary or in text form, one \
            that `apus compile` has made (*.apus), or - for the input. What is compiled is kept \
            for the next time, see `apus cache`.

            EXAMPLES:
              apus hello.wasm                          run a program
              apus run --dir . cat.wasm notes.txt      let it see this folder
              apus run --dir ~/photos::/in:ro --env LANG convert.wasm /in/a.png
              apus run --invoke add math.wasm 2 3      call one exported function
              apus run --timeout 2s --max-memory 64MiB --stats untrusted.wasm
              apus compile big.wasm -o big.apus        once, so that it starts at once
              apus profile -o flames.html program.wasm where does its time go?
              apus cover -o coverage.html tests.wasm   which of its code was run?
              apus debug program.wasm                  speak with an editor that debugs it
              apus validate *.wasm                     check modules without running them
              apus bench program.wasm                  how long does each step take?
              apus inspect program.wasm                what is in it?
              apus inspect math.wasm --function add    what becomes of it?
              apus explore program.wasm                all of that on a page, for a browser
              apus settings                            what does it use of this machine?
              apus help run                            all about one command

            \(Outcome.statuses)
            """,
        version: "apus \(version)",
        subcommands: [
            RunCommand.self, ProfileCommand.self, CoverCommand.self, DebugCommand.self,
            CompileCommand.self, ValidateCommand.self, BenchCommand.self,
            InspectCommand.self, ExploreCommand.self, WastCommand.self, ParseCommand.self,
            PrintCommand.self,
            CacheCommand.self,
            SettingsCommand.self, VersionCommand.self, CompletionsCommand.self,
        ],
        defaultSubcommand: RunCommand.self)

    static let version = "0.1.0"

    /// The subcommands' names.
    static var subcommands: [String] { configuration.subcommands.map { $0._commandName } }

    /// Refuses help about what is no command, for which the parser gives that about all.
    private static func checkHelp(_ arguments: [String]) throws {
        guard arguments.first == "help" else { return }
        var command: any ParsableCommand.Type = Self.self
        for name in arguments.dropFirst() where !name.hasPrefix("-") && name != "help" {
            let commands = command.configuration.subcommands
            guard let next = commands.first(where: { $0._commandName == name }) else {
                let similar = SimilarNames.near(name, among: commands.map { $0._commandName }).first
                throw ValidationError(
                    "there is no command '\(name)'"
                        + (similar.map { "; did you mean '\($0)'?" } ?? ""))
            }
            command = next
        }
    }

    /// Less stack than Swift's library takes without asking.
    private static let leastStackBytes: UInt64 = 64 << 10

    /// Why the system does not give the process what every command needs; nil if it does.
    private static func lackOfSystem(_ commandLine: [String]) -> String? {
        if let limit = HostProcess.stackLimit, limit < leastStackBytes {
            return "the stack is too small: it needs 64 KiB (ulimit -s 64)"
        }
        // Swift's library reads it from a file.
        if commandLine.isEmpty {
            return "the command line cannot be read from /proc/self/cmdline"
        }
        return nil
    }

    static func main() {
        StandardStreams.complete()
        HostProcess.ignoreSizeLimits()
        let commandLine = HostProcess.commandLine
        if let reason = lackOfSystem(commandLine) {
            Outcome.report(reason)
            HostProcess.end(Outcome.failureStatus)
        }
        var arguments = WasmKitCommandLine.arguments(of: commandLine)
        if arguments.first == "-V" { arguments = ["--version"] }
        do {
            try checkHelp(arguments)
            if let quick = QuickCommandLine(arguments) { return try quick.run() }
            var command = try parseAsRoot(arguments)
            try command.run()
            Outcome.succeed()
        } catch {
            Outcome.exit(error, arguments)
        }
    }
}
