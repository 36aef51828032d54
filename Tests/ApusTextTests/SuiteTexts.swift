import ApusCollections
import ApusTestSupport
import ApusText
import Foundation

/// The scripts of the specification's test suite, as far as their grammar is that of the standard.
enum SuiteTexts {
    static let files: [URL] = {
        guard let shared = TestEnvironment.shared else { return [] }
        let all = TestEnvironment.files(below: shared.appending(path: "testsuite"), suffix: "wast")
        return all.filter {
            !$0.path().contains("/custom-descriptors/") && !$0.path().contains("/legacy/")
        }
    }()

    static func text(_ file: URL) throws -> ByteStorage {
        ByteStorage([UInt8](try Data(contentsOf: file)))
    }

    static func script(_ file: URL) throws -> Script { try TextFormat.parseScript(text(file)) }

    /// The modules of a script that are to be valid.
    static func modules(_ file: URL) throws -> [(line: Int, module: Script.Module)] {
        try script(file).commands.compactMap { command in
            switch command.action {
            case .module(let module), .definition(let module): (command.line, module)
            default: nil
            }
        }
    }
}
