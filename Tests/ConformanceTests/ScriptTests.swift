import Apus
import ApusTestSupport
import Foundation
import Testing

/// The specification's test suite, converted by `Tests/Conformance/convert-suite` into the folder
/// that `APUS_SUITE` names, on Apus and on the reference interpreter.
///
/// `APUS_SUITE_TEXTS` asks for a list of the refusals whose words are not the suite's.
@Suite(.enabled(if: ScriptSuite.folder != nil))
struct ScriptTests {
    @Test(arguments: ScriptSuite.files)
    func apus(file: String) throws {
        try ScriptSuite.expect(
            file, try ScriptRunner.run(ScriptSuite.url(file), on: ApusScriptEngine()))
    }

    /// The code for processors without AVX, and relaxed instructions that agree everywhere.
    @Test(arguments: ScriptSuite.files)
    func apusWithoutAVX(file: String) throws {
        var configuration = Engine.Configuration()
        configuration.processorFeatures = []
        configuration.isRelaxedSIMDDeterministic = true
        try ScriptSuite.expect(
            file,
            try ScriptRunner.run(ScriptSuite.url(file), on: ApusScriptEngine(configuration)))
    }

    @Test(arguments: ScriptSuite.files)
    func referenceInterpreter(file: String) throws {
        let report = try ScriptRunner.run(ScriptSuite.url(file), on: ReferenceScriptEngine())
        // The interpreter has no vectors.
        try ScriptSuite.expect(
            file, report, mayLack: [Feature.simd.name, Feature.relaxedSIMD.name])
    }
}

/// The converted suite and what is known not to work in it.
enum ScriptSuite {
    static let folder = TestEnvironment.folder("APUS_SUITE")

    /// Paths of the scripts below the folder.
    static let files: [String] = {
        guard let folder else { return [] }
        return TestEnvironment.files(below: folder, suffix: "json").map {
            String($0.path().dropFirst(folder.path().count))
        }
    }()

    static func url(_ file: String) throws -> URL { try #require(folder).appending(path: file) }

    /// For each script with parts that need a later feature: how many commands may be skipped, and
    /// how many may fail because an earlier one was.
    private static let known: [String: (skipped: Int, failed: Int)] = {
        let list = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "Conformance/known-failures.txt")
        var known: [String: (skipped: Int, failed: Int)] = [:]
        for line in ((try? String(contentsOf: list, encoding: .utf8)) ?? "").split(separator: "\n")
        {
            let words = line.split(separator: " ")
            guard words.count >= 3, let skipped = Int(words[1]), let failed = Int(words[2]) else {
                continue
            }
            known[String(words[0])] = (skipped, failed)
        }
        return known
    }()

    static func expect(
        _ file: String, _ report: ScriptReport, mayLack lacking: Set<String> = []
    ) throws {
        let name = URL(filePath: file).deletingPathExtension().lastPathComponent
        let reasons = report.skipped.filter {
            $0.key != "text module" && !lacking.contains($0.key)
        }
        let skipped = reasons.values.reduce(0, +)
        if ProcessInfo.processInfo.environment["APUS_SUITE_COUNTS"] != nil {
            let counts =
                "\(report.passed) passed, \(skipped) skipped, \(report.failures.count) failed"
            print("suite: \(name): \(counts) \(reasons.keys.sorted().joined(separator: ", "))")
        }
        let allowed = known[name] ?? (0, 0)
        #expect(skipped <= allowed.skipped, "\(name) skips \(reasons)")
        for failure in report.failures.dropFirst(allowed.failed) {
            Issue.record("\(name), \(failure)")
        }
        if ProcessInfo.processInfo.environment["APUS_SUITE_TEXTS"] != nil {
            for text in report.differentTexts { print("text: \(name):\(text)") }
        }
    }
}
