public import Apus
public import ArgumentParser

/// Who makes the code: the same option of every command that compiles.
struct CompilerOption: ParsableArguments {
    @Option(
        name: .customLong("compiler"),
        help: ArgumentHelp(
            "The compiler that makes the code: --compiler baseline.", valueName: "NAME"))
    var name = Engine.Configuration().compiler
}

extension Engine.Compiler: ExpressibleByArgument {}
