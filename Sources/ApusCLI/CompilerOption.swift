public import Apus
public import ArgumentParser

/// Who makes the code: the same option of every command that compiles.
struct CompilerOption: ParsableArguments {
    @Option(
        name: .customLong("compiler"),
        help: ArgumentHelp(
            "The compiler that makes the code: --compiler baseline.", valueName: "NAME"))
    var name = Engine.Configuration().compiler

    @Option(
        help: ArgumentHelp(
            """
            Compile a function anew after so many calls and rounds of loops, at once and in the \
            same way each time: --compiler tiered --tier-after 100. Without it, when it pays, \
            beside the program.
            """, valueName: "COUNT"))
    var tierAfter: Int?

    @Flag(
        name: .customLong("no-profiles"),
        help: """
            Do not let optimized code depend on what other code has counted: which functions are \
            called where, and how often.
            """)
    var ignoresProfiles = false

    /// The options once more, as a command line has them, but for what is usual.
    var arguments: [String] {
        let isUsual = name == Engine.Configuration().compiler
        return (isUsual ? [] : ["--compiler=" + name.rawValue])
            + (tierAfter.map { ["--tier-after=\($0)"] } ?? [])
            + (ignoresProfiles ? ["--no-profiles"] : [])
    }

    /// Sets the compiler of an engine.
    func apply(to configuration: inout Engine.Configuration) {
        configuration.compiler = name
        configuration.tiering.threshold = tierAfter
        configuration.tiering.isSynchronous = tierAfter != nil
        configuration.tiering.usesProfiles = !ignoresProfiles
    }
}

extension Engine.Compiler: ExpressibleByArgument {}
