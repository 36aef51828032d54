import ApusCollections
import ApusFormat
import ApusIR
import ApusTestSupport
import ApusText
import Foundation
import Testing

@testable import ApusOptimizer

/// The verifier over all that the translator makes of the specification suite's modules and of
/// generated ones, and over what each pass makes of that.
@Suite struct VerifiedTranslationTests {
    /// Scripts whose grammar is that of the standard.
    static let scripts: [URL] = {
        guard let shared = TestEnvironment.shared else { return [] }
        let all = TestEnvironment.files(below: shared.appending(path: "testsuite"), suffix: "wast")
        return all.filter {
            !$0.path().contains("/custom-descriptors/") && !$0.path().contains("/legacy/")
        }
    }()

    @Test(.enabled(if: !scripts.isEmpty))
    func suite() throws {
        var count = 0
        for file in Self.scripts {
            let text = ByteStorage([UInt8](try Data(contentsOf: file)))
            for command in try TextFormat.parseScript(text).commands {
                let module: Script.Module
                switch command.action {
                case .module(let value), .definition(let value): module = value
                default: continue
                }
                guard let bytes = try? module.bytes() else { continue }
                count += try verify(bytes, "\(file.lastPathComponent):\(command.line)")
            }
        }
        // Else the suite is not the one that was meant.
        #expect(count > 8000)
    }

    @Test func generatedModules() throws {
        var count = 0
        for seed in 0..<TestEnvironment.number("APUS_DIFFERENTIAL", standard: 100) {
            count += try verify(GeneratedModule(seed: UInt64(seed)).bytes, "seed \(seed)")
        }
        #expect(count > 100)
    }

    /// Verifies the functions of a module and returns how many there were. Modules that are not
    /// valid, or use what is not there, have none.
    private func verify(_ bytes: [UInt8], _ name: String) throws -> Int {
        guard var functions = try? ModuleFunctions(bytes) else { return 0 }
        var verifier = Verifier()
        var passes = Passes(isVerified: true)
        do {
            let count = try functions.forEach { index, function in
                #expect(verifier.verify(function) == [], "\(name), function \(index)")
                passes.run(&function)
                let faults = passes.verification.faults
                #expect(faults == [], "\(name), function \(index)")
            }
            #expect(count == functions.module.bodies.count, "\(name): something was left out")
            return count
        } catch is ModuleError {
            return 0
        }
    }
}
