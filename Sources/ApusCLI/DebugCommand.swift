@_spi(ApusCLI) internal import Apus
internal import ArgumentParser

/// `apus debug`: a debug adapter.
struct DebugCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "debug",
        abstract: "Lets an editor debug a program, by the Debug Adapter Protocol.",
        discussion: """
            Editors such as VS Code start this command, and speak with it by its input and output: \
            it is a debug adapter (DAP). What the program is and what it is given, they say in \
            `launch`, with program, args, env, dirs (as --dir), stopOnEntry and sourceMap; what \
            the command line says holds where they say nothing. docs/debugging.md tells how to \
            set up an editor.

            If the module has DWARF sections, as `clang -g` writes them, there are breakpoints by \
            line, and variables with their types. If not, the module's text takes the place of a \
            source. The program's input is empty, and its output goes to the editor.

            EXAMPLES:
              apus debug
              apus debug program.wasm notes.txt
              apus debug --dir . --env LANG=C program.wasm
            """)

    @OptionGroup var grants: GrantOptions

    @Argument(
        help: "The program: a WebAssembly module, in binary or in text form.",
        completion: .file(extensions: moduleEndings))
    var module: String?

    @Argument(
        parsing: .captureForPassthrough, help: "What the program is told.", completion: .file())
    var arguments: [String] = []

    func run() throws {
        HostProcess.ignoreBrokenPipes()
        guard let inbox = DebugInbox() else {
            throw ValidationError("the system has no pipe for this")
        }
        let channel = DebugChannel(input: 0, output: 1)
        let isReading = WorkerThreads.start {
            while let message = channel.read(), let value = JSON(message) {
                // Answers to requests are nothing that is waited for here.
                if let request = DebugRequest(value) { inbox.add(request) }
            }
            inbox.end()
        }
        guard isReading else { throw ValidationError("the system has no thread for this") }
        let launch = DebugLaunch(
            module: module, arguments: arguments, grants: grants.chosen)
        DebugAdapter(channel, inbox, launch).run()
    }
}
