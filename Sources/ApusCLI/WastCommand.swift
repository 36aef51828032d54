@_spi(ApusCLI) internal import Apus
internal import ApusFormat
internal import ApusScript
internal import ApusText
internal import ArgumentParser

/// `apus wast`: runs scripts of the specification's test suite.
struct WastCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "wast",
        abstract: "Runs scripts of the specification's test suite.",
        discussion: """
            Prints a line for each assertion that fails, then how many passed, failed and were \
            skipped because they need a feature that is off or not there. The status is 0 if none \
            failed.

            A script's heap has at most 1GiB, unless --max-heap says otherwise: an array that is \
            larger traps with "allocation size too large".

            EXAMPLES:
              apus wast testsuite/i32.wast
              apus wast --show-skipped testsuite/*.wast
              apus wast --without multi-memory testsuite/proposals/threads/imports.wast
              apus wast --max-memory 8GiB --timeout 1m large.wast
              apus wast --json testsuite/*.wast
            """)

    @OptionGroup var features: FeatureOptions

    @OptionGroup(title: "Limits of each script") var limits: LimitOptions

    @OptionGroup var compiler: CompilerOption

    @Flag(help: "Refusals must be in the script's words, not only of its kind.")
    var strictMessages = false

    @Flag(help: "Print what was skipped, by reason.")
    var showSkipped = false

    @Flag(help: "Print the outcome as one JSON object: --json.")
    var json = false

    @Argument(help: "Scripts.", completion: .file(extensions: ["wast"]))
    var scripts: [String]

    /// What a script's heap may have unless told otherwise: a script that makes an array of as many
    /// elements as there can be is to see a trap, and not to take all of the machine's memory.
    private static var heap: ByteCount? { ByteCount(argument: "1GiB") }

    func run() throws {
        var configuration = Engine.Configuration()
        configuration.features = try features.apply(to: configuration.features)
        compiler.apply(to: &configuration)
        var limits = limits.chosen
        limits.maxHeap = limits.maxHeap ?? Self.heap
        limits.apply(to: &configuration)
        configuration.limits.deadline = limits.timeout?.duration
        let failures = ScriptFailures()
        var runner = ScriptRunner(ApusScriptEngine(configuration)) { [json] line in
            if json { failures.lines.append(line) } else { print(line) }
        }
        runner.strictMessages = strictMessages
        var unreadable = 0
        for path in scripts {
            let file = ModuleFile(path)
            do {
                let deadline = limits.deadline(since: .now)
                let script = try file.parsing(until: deadline) { text in
                    try TextFormat.parseScript(text)
                }
                runner.run(script, file: file.name)
            } catch let error as TextError {
                if json { failures.unreadable.append("\(error)") } else { print("\(error)") }
                unreadable += 1
            } catch {
                let reason = Self.reason(error, file, limits)
                if json { failures.unreadable.append(reason) } else { Outcome.report(reason) }
                unreadable += 1
            }
        }
        let skipped = runner.skipReasons.sorted { $0.key < $1.key }
        if json {
            print(failures.json(runner.passed, runner.failed, runner.skipped, skipped).text)
        } else {
            if showSkipped {
                for (reason, count) in skipped { print("skipped \(count): \(reason)") }
            }
            print("\(runner.passed) passed, \(runner.failed) failed, \(runner.skipped) skipped")
        }
        if runner.failed + unreadable > 0 { throw ExitCode(Outcome.failureStatus) }
    }

    /// Why a script cannot be read.
    private static func reason(
        _ error: any Error, _ file: ModuleFile, _ limits: ProgramLimits
    ) -> String {
        guard error is CompilationDeadlineError, let timeout = limits.timeout else {
            return "\(error)"
        }
        let name = PrintableText.path(file.name)
        return "\(name): timeout: stopped after --timeout \(timeout.text), while it was read"
    }
}

/// What was said of scripts that failed.
private final class ScriptFailures {
    /// A line for each assertion.
    var lines: [String] = []
    /// Why scripts could not be read.
    var unreadable: [String] = []

    func json(
        _ passed: Int, _ failed: Int, _ skipped: Int, _ reasons: [(key: String, value: Int)]
    ) -> JSONValue {
        [
            "passed": .count(passed), "failed": .count(failed), "skipped": .count(skipped),
            "failures": .strings(lines), "unreadable": .strings(unreadable),
            "skip_reasons": .object(reasons.map { ($0.key, .count($0.value)) }),
        ]
    }
}
