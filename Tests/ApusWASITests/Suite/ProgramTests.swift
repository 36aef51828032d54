import Apus
import ApusOptimizer
import ApusTestSupport
import Foundation
import Testing

@testable import ApusWASI

/// One recorded program of real toolchains.
struct ProgramCase: Decodable, Sendable, CustomTestStringConvertible {
    struct Expectation: Decodable {
        /// The exit status; nil if the program traps.
        var exit: Int32?
        var stdoutBytes: Int

        enum CodingKeys: String, CodingKey {
            case exit
            case stdoutBytes = "stdout_bytes"
        }

        init(from decoder: any Decoder) throws {
            let values = try decoder.container(keyedBy: CodingKeys.self)
            stdoutBytes = try values.decode(Int.self, forKey: .stdoutBytes)
            if let word = try? values.decode(String.self, forKey: .exit), word == "trap" { return }
            exit = try values.decode(Int32.self, forKey: .exit)
        }
    }

    var name: String
    var dirs: [[String]]
    var argv: [String]
    var expected: Expectation
    /// Whether it takes little time, or some.
    var tier: String
    /// What it needs besides the first version of WebAssembly.
    var features: [String]
    /// The file, if any, that it reads from standard input.
    var stdin: String?
    /// What is replaced before comparing, where the output is not the same each time.
    var filters: [[String]]?

    var testDescription: String { name }

    var folder: URL? { Self.cases?.appending(path: name, directoryHint: .isDirectory) }

    private static var cases: URL? {
        TestEnvironment.shared?.appending(path: "programs/cases", directoryHint: .isDirectory)
    }

    /// `output` without what is not the same each time.
    func filtered(_ output: [UInt8]) throws -> String {
        try (filters ?? []).reduce(String(decoding: output, as: UTF8.self)) { text, filter in
            text.replacing(try Regex(filter[0]), with: filter[1])
        }
    }

    private static let missing: Set = ["gc"]

    /// All that need no feature that is missing.
    static let all: [ProgramCase] = {
        guard let cases else { return [] }
        return TestEnvironment.files(below: cases, suffix: "json").compactMap { file in
            guard let data = try? Data(contentsOf: file),
                let found = try? JSONDecoder().decode(ProgramCase.self, from: data)
            else { return nil }
            return missing.isDisjoint(with: found.features) ? found : nil
        }
    }()

    /// Those that were granted a folder.
    static let withFolders = all.filter { !$0.dirs.isEmpty }

    /// Those that take little time; all with `APUS_RANDOM_PROGRAMS=1`.
    static let withRandomRegisters = all.filter {
        $0.tier == "quick" || TestEnvironment.number("APUS_RANDOM_PROGRAMS", standard: 0) > 0
    }
}

/// Programs of real toolchains with every folder in memory.
@Suite(.enabled(if: TestEnvironment.shared != nil, "shared test data is missing"))
struct ProgramTests {
    @Test(arguments: ProgramCase.withFolders)
    func runsInMemory(_ program: ProgramCase) throws { try run(program) }

    /// Whatever registers compiled code has its values in.
    @Test(arguments: ProgramCase.withRandomRegisters)
    func runsWithRandomRegisters(_ program: ProgramCase) throws {
        let seed: UInt64 = 5
        try run(program, allocationSeed: seed)
        #expect(AllocationChaos.record(ofSeed: seed).problems == [])
    }

    /// What was compiled before does the same, and is not compiled again.
    @Test(arguments: ProgramCase.withRandomRegisters)
    func runsFromTheCache(_ program: ProgramCase) throws {
        let folder = FileManager.default.temporaryDirectory
            .appending(path: "apus-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let cache = Cache(directory: folder.path())
        #expect(try !run(program, cache: cache).isPrecompiled)
        #expect(try run(program, cache: cache).isPrecompiled)
    }

    @discardableResult
    private func run(
        _ program: ProgramCase, allocationSeed: UInt64? = nil, cache: Cache? = nil
    ) throws -> Module.Statistics {
        let folder = try #require(program.folder)
        let output = CapturedOutput()
        let errors = CapturedOutput()
        var wasi = WASI()
        wasi.arguments = ["module.wasm"] + program.argv
        wasi.standardOutput = .capture(output)
        wasi.standardError = .capture(errors)
        if let name = program.stdin {
            let input = try Data(contentsOf: folder.appending(path: name))
            wasi.standardInput = .bytes([UInt8](input))
        }
        if !program.dirs.isEmpty {
            let files = try MemoryFileSystem(
                copyOf: folder.appending(path: "files"), clock: .simulated())
            for directory in program.dirs { wasi.preopen(directory[1], files) }
        }
        var configuration = Engine.Configuration()
        configuration.allocationSeed = allocationSeed
        configuration.cache = cache
        let engine = Engine(configuration)
        let module = try Module(engine, contentsOf: folder.path() + "module.wasm")
        if let status = program.expected.exit {
            #expect(try wasi.run(module, in: Store(engine)) == status, "\(errors.string)")
        } else {
            #expect(throws: Trap.self) { try wasi.run(module, in: Store(engine)) }
        }
        let expected = try [UInt8](Data(contentsOf: folder.appending(path: "expected.stdout")))
        var found = output.bytes
        if program.expected.stdoutBytes > expected.count {
            // Only the start of it was kept.
            #expect(found.count == program.expected.stdoutBytes)
            found = Array(found.prefix(expected.count))
        }
        #expect(try program.filtered(found) == program.filtered(expected))
        return module.statistics
    }

    @Test func thereAreSuchPrograms() {
        #expect(ProgramCase.withFolders.count >= 9)
        #expect(ProgramCase.withRandomRegisters.count >= 11)
    }
}
