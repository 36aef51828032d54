import ApusCollections
import ApusFormat
import ApusScript
import ApusTestSupport
import ApusText
import Foundation

/// Where the specification's scripts are, and what is known of them.
enum WastSuite {
    static let folder = TestEnvironment.shared?.appending(
        path: "testsuite", directoryHint: .isDirectory)

    static let mode = ProcessInfo.processInfo.environment["APUS_SUITE"]
    static let isWhole = ProcessInfo.processInfo.environment["APUS_SUITE"] == "all"
    static let printsList = ProcessInfo.processInfo.environment["APUS_SUITE_LIST"] != nil
    private static let printsTexts = ProcessInfo.processInfo.environment["APUS_SUITE_TEXTS"] != nil

    /// Scripts by their names below the folder, read once for all tests. A proposal that is no part
    /// of the standard, custom descriptors, is left out.
    static let scripts = Result {
        try files().map { file in
            let text = ByteStorage([UInt8](try Data(contentsOf: file.url)))
            return (name: file.name, script: try TextFormat.parseScript(text))
        }
    }

    static func files() -> [(name: String, url: URL)] {
        guard let folder else { return [] }
        return TestEnvironment.files(below: folder, suffix: "wast").map {
            (String($0.path().dropFirst(folder.path().count)), $0)
        }.filter { name, _ in
            !name.contains("custom-descriptors/")
        }
    }

    /// What a script was written for: all that is on by default, but the scripts of the threads
    /// proposal expect modules with several memories to be refused.
    static func features(for name: String) -> FeatureSet {
        if name.hasPrefix("legacy/") {
            return FeatureSet.standard.union(FeatureSet(.legacyExceptions))
        }
        guard name.hasPrefix("proposals/threads/") else { return .standard }
        return FeatureSet.standard.subtracting(FeatureSet(.multiMemory))
    }

    /// How one script went.
    struct Outcome {
        var name: String
        var passed = 0
        var skipped = 0
        var reasons: Set<String> = []
        var failures: [String] = []
    }

    /// Runs every script on an engine of its own, shows each outcome to `check`, prints and
    /// returns the sum.
    static func run<Engine: ScriptEngine>(
        _ title: String, on makeEngine: (_ script: String) -> Engine, check: (Outcome) -> Void
    ) throws -> Outcome {
        var sum = Outcome(name: title)
        let scripts = try scripts.get()
        for (name, script) in scripts {
            var outcome = Outcome(name: name)
            var runner = ScriptRunner(makeEngine(name)) { outcome.failures.append($0) }
            runner.run(script, file: name)
            outcome.passed = runner.passed
            outcome.skipped = runner.skipped
            outcome.reasons = Set(runner.skipReasons.keys)
            check(outcome)
            sum.passed += outcome.passed
            sum.skipped += outcome.skipped
            sum.failures += outcome.failures
            if printsTexts { printTexts(name, script, makeEngine(name)) }
        }
        print(
            "suite: \(title): \(sum.passed) passed, \(sum.failures.count) failed,",
            "\(sum.skipped) skipped in \(scripts.count) scripts")
        return sum
    }

    private static func printTexts(_ name: String, _ script: Script, _ engine: some ScriptEngine) {
        var runner = ScriptRunner(engine) {
            if $0.contains("refused with") { print("text: \($0)") }
        }
        runner.strictMessages = true
        runner.run(script, file: name)
    }

    /// What `suite.txt` says: `passed N`, then lines `script skipped failed # reasons`.
    struct Known {
        var passed = 0
        var counts: [String: (skipped: Int, failed: Int)] = [:]

        init() throws {
            let list = URL(filePath: #filePath).deletingLastPathComponent()
                .deletingLastPathComponent().deletingLastPathComponent()
                .appending(path: "Conformance/suite.txt")
            for line in try String(contentsOf: list, encoding: .utf8).split(separator: "\n") {
                let words = line.split(separator: " ")
                if words.first == "passed", words.count > 1 {
                    passed = Int(words[1]) ?? 0
                } else if words.count > 2, let skipped = Int(words[1]), let failed = Int(words[2]) {
                    counts[String(words[0])] = (skipped, failed)
                }
            }
        }
    }
}
