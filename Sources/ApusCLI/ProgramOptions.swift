internal import ArgumentParser

/// The options of commands that run a program, whatever else they do. They name the groups of an
/// engine, of what is granted and of what is linked themselves: the parser's time doubles with each
/// level of groups in groups.
struct ProgramOptions: ParsableArguments {
    @Option(
        name: .customLong("argv0"),
        help: ArgumentHelp(
            "What the program finds as its own name, else the file's: --argv0 ls.",
            valueName: "NAME"))
    var ownName: String?

    @Option(
        help: ArgumentHelp(
            "Call this export instead of the program, after _initialize: --invoke add.",
            discussion: "With an empty NAME the arguments are the program's.", valueName: "NAME"))
    var invoke: String?

    @Flag(
        help: ArgumentHelp(
            "Let the terminal obey all that the program writes.",
            discussion: """
                Without this, colours and moving within its own lines pass; other control \
                sequences are shown, not obeyed.
                """))
    var rawTerminal = false

    /// The program that `module` is, which is told `arguments`.
    func program(
        _ module: String, _ arguments: [String], _ grants: GrantOptions, _ linking: LinkOptions,
        _ limits: ProgramLimits
    ) -> Program {
        var program = Program(module, arguments)
        program.grants = grants.chosen
        program.ownName = ownName
        program.invoke = invoke
        program.filtersTerminalOutput = !rawTerminal
        program.linking = linking.chosen
        program.limits = limits
        return program
    }
}
