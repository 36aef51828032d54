internal import Apus
internal import ArgumentParser

/// `apus validate`: says which modules are not valid, and why.
struct ValidateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "validate",
        abstract: "Checks modules without running them.",
        discussion: """
            Says nothing and ends with status 0 if all of them are valid; else one line for each \
            that is not says what is wrong, and at which byte, or in which line of a text.

            EXAMPLES:
              apus validate *.wasm
              apus validate --without simd --without tail-call program.wasm
            """)

    @OptionGroup var features: FeatureOptions

    @Argument(help: "WebAssembly modules, in binary or in text form.")
    var modules: [String]

    func run() throws {
        var configuration = Engine.Configuration()
        configuration.features = try features.apply(to: configuration.features)
        let engine = Engine(configuration)
        var failures = 0
        for path in modules {
            do {
                try ModuleFile(path).validate(engine)
            } catch {
                Outcome.report("\(error)")
                failures += 1
            }
        }
        if failures > 0 { throw ExitCode(Outcome.failureStatus) }
    }
}
