import ApusC
import ApusText
import Foundation
import Testing

/// The example programs of the standard, which every implementation of it has to run.
@Suite(
    .enabled(if: NativeProgram.compiler != nil, "there is no C compiler"),
    .enabled(if: NativeProgram.examples != nil, "APUS_SHARED has no wasm-c-api"))
struct StandardExampleTests {
    /// What the last lines say of those that say something that matters.
    private static let ends = [
        "callback": "> 49\nShutting down...\nDone.\n", "threads": "Waiting for thread: 9\n",
        "finalize": "Live count 0\nShutting down...\nDone.\n",
        "trap": "callback abort\n",
    ]

    /// The module of the example at `path`. That of one is older than the standard's binary format.
    private static func module(_ path: URL) throws -> Data {
        if path.lastPathComponent != "hostref" {
            return try Data(contentsOf: path.appendingPathExtension("wasm"))
        }
        let text = try String(contentsOf: path.appendingPathExtension("wat"), encoding: .utf8)
        return Data(
            try TextFormat.parseModule(
                text.replacingOccurrences(of: "(ref.null)", with: "(ref.null extern)")))
    }

    @Test(arguments: [
        "callback", "finalize", "global", "hello", "hostref", "memory", "multi", "reflect",
        "serialize", "start", "table", "threads", "trap",
    ])
    func runs(_ name: String) throws {
        let examples = try #require(NativeProgram.examples)
        try NativeProgram.withFolder { folder in
            try Self.module(examples.appending(path: name))
                .write(to: folder.appending(path: "\(name).wasm"))
            // Of our header, not of the one that may lie beside the examples.
            let built = try NativeProgram.build(
                examples.appending(path: "\(name).c"), in: folder, isOurs: false)
            let outcome = try NativeProgram.run(built)
            #expect(outcome.status == 0, "\(outcome.output)\n\(outcome.errorOutput)")
            #expect(!outcome.output.contains("Error"), "\(outcome.output)")
            let end = Self.ends[name] ?? "Done.\n"
            let found =
                name == "trap" ? outcome.output.contains(end) : outcome.output.hasSuffix(end)
            #expect(found, "\(outcome.output)")
        }
    }
}
