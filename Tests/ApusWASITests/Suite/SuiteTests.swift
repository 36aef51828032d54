import Apus
import ApusOptimizer
import ApusTestSupport
import Foundation
import Testing

@testable import ApusWASI

/// The WASI test suite: each program is run with a copy of the folder it asks for, on the host's
/// file system, with both ways to keep it inside, and in memory.
@Suite(.enabled(if: TestEnvironment.shared != nil, "shared test data is missing"))
struct SuiteTests {
    enum Place: CaseIterable {
        case kernel, walker, memory
    }

    @Test(arguments: SuiteCase.all, Place.allCases)
    func program(_ suite: SuiteCase, _ place: Place) throws {
        if SuiteCase.knownFailures.contains(suite.name) {
            withKnownIssue { try run(suite, place) }
        } else {
            try run(suite, place)
        }
    }

    /// Whatever registers compiled code has its values in.
    @Test(arguments: SuiteCase.all)
    func programWithRandomRegisters(_ suite: SuiteCase) throws {
        let seed: UInt64 = 4
        try run(suite, .memory, allocationSeed: seed)
        #expect(AllocationChaos.record(ofSeed: seed).problems == [])
    }

    /// Input that comes to its end when the program has ended long since.
    private static func nothing() -> [UInt8] {
        Thread.sleep(forTimeInterval: 1)
        return []
    }

    private func run(_ suite: SuiteCase, _ place: Place, allocationSeed: UInt64? = nil) throws {
        let expectation = try suite.expectation()
        let folder = try TemporaryFolder()
        var wasi = WASI()
        wasi.sandbox.strategy = place == .walker ? .walker : .kernel
        wasi.clock = .system
        wasi.random = .system
        wasi.arguments = [suite.program.lastPathComponent] + (expectation.args ?? [])
        wasi.environment = (expectation.env ?? [:]).map { (name: $0.key, value: $0.value) }
        if let input = expectation.stdin { wasi.standardInput = .bytes([UInt8](input.utf8)) }
        if suite.waitsForInput { wasi.standardInput = .stream { _ in Self.nothing() } }
        let output = CapturedOutput()
        let errors = CapturedOutput()
        wasi.standardOutput = .capture(output)
        wasi.standardError = .capture(errors)
        for name in expectation.dirs ?? [] {
            let source = suite.program.deletingLastPathComponent().appending(path: name)
            if place == .memory {
                wasi.preopen(name, try MemoryFileSystem(copyOf: source))
                continue
            }
            let copy = folder.url.appending(path: name)
            if FileManager.default.fileExists(atPath: source.path()) {
                try FileManager.default.copyItem(at: source, to: copy)
            } else {
                try folder.makeFolder(name)
            }
            wasi.preopen(name, copy.path())
        }
        var configuration = Engine.Configuration()
        configuration.allocationSeed = allocationSeed
        // The same modules each time: once is enough.
        if allocationSeed == nil { configuration.verifiesCompilation = false }
        let engine = Engine(configuration)
        let module = try Module(engine, contentsOf: suite.program.path())
        var status: Int32?
        do {
            status = try wasi.run(module, in: Store(engine))
        } catch {
            Issue.record("\(error)\n\(errors.string)")
        }
        #expect(status == expectation.exit_code ?? 0, "\(errors.string)")
        if let expected = expectation.stdout { #expect(output.string == expected) }
        if let expected = expectation.stderr { #expect(errors.string == expected) }
    }
}
