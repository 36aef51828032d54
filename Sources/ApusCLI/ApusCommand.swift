internal import ArgumentParser

/// The command `apus`.
@main
struct ApusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "apus",
        abstract: "Runs WebAssembly programs as native code.",
        usage: """
            apus run [--dir HOST[::GUEST]]… [--env KEY=VALUE]… [--invoke NAME] [--stats]
                     [--raw-terminal]
                     [--timeout DURATION] [--fuel N] [--max-memory BYTES] … MODULE [ARGUMENTS…]
            apus MODULE [ARGUMENTS…]
            apus validate MODULE…
            apus bench MODULE [--json] [--repeat N] [--threads N]
            apus inspect MODULE --function FUNCTION [--stage STAGE]
            apus wast SCRIPT…
            apus parse TEXT [-o MODULE]
            apus print MODULE [-o TEXT]
            """,
        discussion: """
            A program sees nothing of this machine that you do not hand to it: no files but those \
            under the folders you name, no environment but the variables you write. Its input, \
            output and error output are yours.

            EXAMPLES:
              apus hello.wasm                          run a program
              apus run --dir . cat.wasm notes.txt      let it see this folder
              apus run --dir ~/photos::/in --env LANG=C convert.wasm /in/a.png
              apus run --invoke add math.wasm 2 3      call one exported function
              apus run --timeout 2s --max-memory 64MiB --stats untrusted.wasm
              apus validate *.wasm                     check modules without running them
              apus bench program.wasm                  where does the time go?
              apus inspect math.wasm --function add    what becomes of it?
              apus help run                            all about one command

            EXIT STATUS:
              the program's own; 134 when it traps, with a backtrace on the error output;
              64 when the command line makes no sense; 1 for anything else, with one line.
            """,
        version: "0.1.0",
        subcommands: [
            RunCommand.self, ValidateCommand.self, BenchCommand.self, InspectCommand.self,
            WastCommand.self, ParseCommand.self, PrintCommand.self,
        ],
        defaultSubcommand: RunCommand.self)

    static func main() {
        StandardStreams.complete()
        main(nil)
    }
}
