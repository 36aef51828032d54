internal import ArgumentParser

/// The option that bounds a program's threads, for commands whose guests may have some.
struct ThreadLimitOption: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The most threads it may have, the first one included: --max-threads 8.",
            valueName: "N"))
    var maxThreads: Int?

    func validate() throws {
        if let maxThreads, maxThreads < 1 {
            throw ValidationError("--max-threads needs a number of at least 1")
        }
    }
}
