import ApusTestSupport
import Foundation
import Testing

/// One program of the WASI test suite and what is to come of it.
struct SuiteCase: Sendable, CustomTestStringConvertible {
    /// The part of the JSON file beside a program that concerns its run.
    struct Expectation: Decodable {
        var args: [String]?
        var env: [String: String]?
        var dirs: [String]?
        var stdin: String?
        var stdout: String?
        var stderr: String?
        var exit_code: Int32?
    }

    let program: URL

    /// Language and name, e.g. `rust/path_link`.
    var name: String {
        let language = program.pathComponents.dropLast(3).last ?? ""
        return "\(language)/\(program.deletingPathExtension().lastPathComponent)"
    }

    var testDescription: String { name }

    /// Whether the program takes for granted that there is no input for half a second.
    var waitsForInput: Bool { name.contains("wasi_threads") && name.hasSuffix("read") }

    func expectation() throws -> Expectation {
        let file = program.deletingPathExtension().appendingPathExtension("json")
        guard FileManager.default.fileExists(atPath: file.path()) else { return Expectation() }
        return try JSONDecoder().decode(Expectation.self, from: Data(contentsOf: file))
    }

    /// Every program there is; empty without the shared data.
    static let all: [SuiteCase] = {
        guard let shared = TestEnvironment.shared else { return [] }
        let folder = shared.appending(path: "wasi-testsuite")
        return ["wasm", "wat"].flatMap { TestEnvironment.files(below: folder, suffix: $0) }
            .map { SuiteCase(program: $0) }
    }()

    /// Names of the cases that are known to fail, one a line; what follows `#` says why.
    static let knownFailures: Set<String> = {
        let file = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "known-failures.txt")
        let text = (try? String(contentsOf: file, encoding: .utf8)) ?? ""
        let names = text.split(separator: "\n").map {
            $0.prefix { $0 != "#" }.trimmingCharacters(in: .whitespaces)
        }
        return Set(names.filter { !$0.isEmpty })
    }()
}
