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
            `launch`, with program, invoke (as --invoke), args, env, dirs (as --dir), preload and \
            unknownImports (as the options), stdin (a file), stopOnEntry and sourceMap; what the \
            command line says holds where they say nothing. docs/debugging.md tells how to set up \
            an editor.

            With --listen an editor connects to a port of this machine, once. Then the program's \
            input is the command's.

            If the module has DWARF sections, as `clang -g` writes them, there are breakpoints by \
            line, and variables with their types. With a source map, or for a module in text form, \
            there are lines; if not, the module printed as text takes the place of a source. The \
            program's output goes to the editor.

            EXAMPLES:
              apus debug
              apus debug program.wasm notes.txt
              apus debug --dir . --env LANG=C program.wasm
              apus debug --listen 127.0.0.1:4711 program.wasm
              apus debug --invoke add math.wasm 2 3
              apus debug --preload env=library.wat program.wat
            """)

    @Option(
        help: ArgumentHelp(
            "Wait until an editor connects to ADDRESS: --listen 127.0.0.1:4711.",
            discussion: """
                Only addresses of this machine: 127.0.0.1, [::1] or localhost. Port 0 stands for \
                any that is free; which one is said on the error output.
                """,
            valueName: "ADDRESS"))
    var listen: ListeningSocket?

    @Option(
        help: ArgumentHelp(
            "Call this export instead of the program, after _initialize: --invoke add.",
            discussion: "The arguments are the function's, and its results are output.",
            valueName: "NAME"))
    var invoke: String?

    @OptionGroup var grants: GrantOptions
    @OptionGroup var linking: LinkOptions
    @OptionGroup var features: FeatureOptions

    @Argument(
        help: "The program: a WebAssembly module, in binary or in text form.",
        completion: .file(extensions: moduleEndings))
    var module: String?

    @Argument(
        parsing: .captureForPassthrough, help: "What the program is told.", completion: .file())
    var arguments: [String] = []

    func validate() throws {
        guard let listen, !listen.isLocal else { return }
        throw ValidationError("--listen takes addresses of this machine only, such as 127.0.0.1:0")
    }

    func run() throws {
        HostProcess.ignoreBrokenPipes()
        var launch = DebugLaunch(
            module: module, arguments: arguments, grants: grants.chosen)
        launch.invoke = invoke
        launch.linking = linking.chosen
        launch.features = try features.apply(to: launch.features)
        try Outcome.exiting {
            var channel = DebugChannel(input: 0, output: 1)
            if let listen {
                let connection = try listen.connection(for: "--listen")
                channel = DebugChannel(input: connection, output: connection)
                launch.input = .inherited
            }
            try DebugAdapter(channel, launch).run()
            return 0
        }
    }
}
