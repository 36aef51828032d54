@_spi(ApusCLI) internal import Apus
internal import ApusFormat
internal import ApusText
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
              apus validate --json *.wasm
            """)

    @OptionGroup var features: FeatureOptions

    @Flag(help: "Print what is said of all of them as one JSON object: --json.")
    var json = false

    @Argument(
        help: "WebAssembly modules, in binary or in text form.",
        completion: .file(extensions: moduleEndings))
    var modules: [String]

    func run() throws {
        var configuration = Engine.Configuration()
        configuration.features = try features.apply(to: configuration.features)
        let engine = Engine(configuration)
        var failures = 0
        var results: [JSONValue] = []
        for path in modules {
            let file = ModuleFile(path)
            do {
                try file.validate(engine)
                results.append(["file": .string(file.name), "valid": true])
            } catch {
                let shown = (error as? ModuleError).map(Outcome.hinted) ?? error
                if !json { Outcome.report("\(shown)") }
                results.append(
                    [
                        "file": .string(file.name), "valid": false, "error": Self.json(error),
                    ])
                failures += 1
            }
        }
        if json {
            let report: JSONValue = ["modules": .array(results), "invalid": .count(failures)]
            print(report.text)
        }
        if failures > 0 { throw ExitCode(Outcome.failureStatus) }
    }

    /// What is wrong, and where.
    private static func json(_ error: any Error) -> JSONValue {
        if let error = error as? ModuleError {
            return [
                "kind": .string(kind(error)), "message": .string(error.message),
                "offset": .count(error.offset), "function": .optional(error.function?.index),
                "function_name": .optional(error.function?.name),
                "line": .optional(error.place?.line), "column": .optional(error.place?.column),
                "text": .string("\(error)"),
            ]
        }
        if let error = error as? TextError {
            return [
                "kind": "text", "message": .string(error.message), "line": .count(error.line),
                "column": .count(error.column), "text": .string("\(error)"),
            ]
        }
        let kind = error is FileError ? "file" : "other"
        return ["kind": .string(kind), "message": .string("\(error)"), "text": .string("\(error)")]
    }

    private static func kind(_ error: ModuleError) -> String {
        switch error.kind {
        case .malformed: "malformed"
        case .invalid: "invalid"
        case .unsupported: "unsupported"
        case .limit: "limit"
        case .miscompiled: "miscompiled"
        case .component: "component"
        }
    }
}
