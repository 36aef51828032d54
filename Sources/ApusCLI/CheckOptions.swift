internal import Apus
internal import ArgumentParser

/// Options that say how code keeps to its memories: the same of every command that runs programs.
struct CheckOptions: ParsableArguments {
    @Flag(
        help: ArgumentHelp(
            "Compare every address with its memory's size instead of reserving address space: "
                + "--check-bounds."))
    var checkBounds = false

    @Flag(
        help: ArgumentHelp(
            "Do not mask addresses that are compared, against what a processor does before it "
                + "knows better: --unmasked."))
    var unmasked = false

    /// The options once more, as a command line has them.
    var arguments: [String] {
        (checkBounds ? ["--check-bounds"] : []) + (unmasked ? ["--unmasked"] : [])
    }

    func apply(to configuration: inout Engine.Configuration) {
        configuration.alwaysChecksBounds = checkBounds
        configuration.masksCheckedAccesses = !unmasked
    }
}
