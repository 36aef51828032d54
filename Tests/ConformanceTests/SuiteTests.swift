import Apus
import ApusCollections
import ApusFormat
import ApusScript
import ApusTestSupport
import ApusText
import Foundation
import Testing

/// The specification's test suite in its own form, on Apus.
///
/// `Tests/Conformance/suite.txt` lists the scripts with commands that need what is not there yet.
/// `APUS_SUITE_LIST=1` prints what the list would have to be.
@Suite(.enabled(if: WastSuite.folder != nil))
struct SuiteTests {
    @Test func allScripts() throws {
        let known = try WastSuite.Known()
        var passed = 0
        for file in WastSuite.files {
            let script = try TextFormat.parseScript(
                ByteStorage([UInt8](try Data(contentsOf: file.url))))
            var failures: [String] = []
            var options = ScriptRunner.Options()
            options.configuration.features = WastSuite.features(for: file.name)
            var runner = ScriptRunner(options) { failures.append($0) }
            runner.run(script, file: file.name)
            passed += runner.passed
            let reasons = runner.skipReasons.keys.sorted().joined(separator: ", ")
            if WastSuite.printsList, runner.skipped + runner.failed > 0 {
                print("suite: \(file.name) \(runner.skipped) \(runner.failed) # \(reasons)")
            }
            let (skipped, failed) = known.counts[file.name] ?? (0, 0)
            #expect(runner.skipped <= skipped, "\(file.name) skips more than before: \(reasons)")
            #expect(
                runner.failed <= failed, "\(file.name):\n\(failures.joined(separator: "\n"))")
        }
        print("suite: \(passed) assertions passed in \(WastSuite.files.count) scripts")
        #expect(passed >= known.passed, "fewer assertions pass than before")
    }

    /// The list names scripts that exist, so that it shrinks when they go.
    @Test func theListNamesScriptsThatExist() throws {
        let names = Set(WastSuite.files.map(\.name))
        #expect(try Set(WastSuite.Known().counts.keys).subtracting(names) == [])
    }
}

/// Where the scripts are and what is known of them.
enum WastSuite {
    static let folder = TestEnvironment.shared?.appending(
        path: "testsuite", directoryHint: .isDirectory)

    static let printsList = ProcessInfo.processInfo.environment["APUS_SUITE_LIST"] != nil

    /// Scripts by their names below the folder. Two proposals that are no part of the standard,
    /// the old exceptions and custom descriptors, are left out.
    static let files: [(name: String, url: URL)] = {
        guard let folder else { return [] }
        return TestEnvironment.files(below: folder, suffix: "wast").map {
            (String($0.path().dropFirst(folder.path().count)), $0)
        }.filter { name, _ in
            !name.hasPrefix("legacy/") && !name.contains("custom-descriptors/")
        }
    }()

    /// What a script was written for: all that is on by default, but the scripts of the threads
    /// proposal expect modules with several memories to be refused.
    static func features(for name: String) -> FeatureSet {
        guard name.hasPrefix("proposals/threads/") else { return .standard }
        return FeatureSet.standard.subtracting(FeatureSet(.multiMemory))
    }

    /// What `suite.txt` says: `passed N`, then lines `script skipped failed # reasons`.
    struct Known {
        var passed = 0
        var counts: [String: (skipped: Int, failed: Int)] = [:]

        init() throws {
            let list = URL(filePath: #filePath).deletingLastPathComponent()
                .deletingLastPathComponent().appending(path: "Conformance/suite.txt")
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
