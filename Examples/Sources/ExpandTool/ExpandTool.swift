import Apus
import ApusWASI
import Foundation

/// Runs a guest on a source file and keeps what it writes: `ExpandTool GUEST SOURCE OUTPUT`.
///
/// The guest gets the source as its input. It sees no file, no variable and no clock, so that the
/// same source becomes the same code on every machine, and it has a second.
@main
struct ExpandTool {
    static func main() throws {
        let arguments = CommandLine.arguments
        guard arguments.count == 4 else { throw Failure(reason: "GUEST SOURCE OUTPUT") }
        let source = try String(contentsOf: URL(filePath: arguments[2]), encoding: .utf8)
        let output = CapturedOutput()
        let complaints = CapturedOutput()
        var wasi = WASI()
        wasi.arguments = [arguments[1]]
        wasi.standardInput = .bytes(Array(source.utf8))
        wasi.standardOutput = .capture(output)
        wasi.standardError = .capture(complaints)
        wasi.capabilities = [.arguments, .environment, .descriptors, .process]

        let engine = Engine()
        let module = try Module(engine, contentsOf: arguments[1])
        let limits = Limits(memoryBytes: 64 << 20, deadline: .seconds(1))
        guard try wasi.run(module, in: Store(engine, limits: limits)) == 0 else {
            throw Failure(reason: "\(arguments[2]): \(complaints.string)")
        }
        try output.string.write(
            to: URL(filePath: arguments[3]), atomically: true, encoding: .utf8)
    }

    /// Why there is no code.
    struct Failure: Error, CustomStringConvertible {
        var reason: String
        var description: String { reason }
    }
}
