import ApusFormat
import ApusTestSupport
import Foundation
import Testing

/// What the specification's suite says about modules, with all features that the format has,
/// whatever the compilers have.
@Suite(.enabled(if: ScriptSuite.folder != nil))
struct ValidationScriptTests {
    static let features = FeatureSet.webAssembly3.union([
        .init(.wideArithmetic), .init(.customPageSizes),
    ])

    @Test(arguments: ScriptSuite.files)
    func modulesAreAcceptedOrRefused(file: String) throws {
        let report = try ScriptRunner.run(
            ScriptSuite.url(file), on: ValidationScriptEngine(Self.features))
        // Linking and running are not tried.
        let failures = report.failures.filter {
            !$0.contains("assert_unlinkable") && !$0.contains("assert_uninstantiable")
                && !$0.contains("execution")
        }
        #expect(failures.isEmpty, "\(file): \(failures)")
        let later = [Feature.garbageCollection.name, Feature.exceptions.name, Feature.threads.name]
        let skipped = report.skipped.keys.filter {
            $0 != "execution" && $0 != "text module" && $0 != "unknown kind of value"
                && !later.contains($0)
        }
        #expect(skipped.isEmpty, "\(file): \(report.skipped)")
        if ProcessInfo.processInfo.environment["APUS_SUITE_TEXTS"] != nil {
            for text in report.differentTexts { print("text: \(file):\(text)") }
        }
    }
}
