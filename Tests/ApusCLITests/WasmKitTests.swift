import Foundation
import Testing

/// The command under the name `wasmkit`.
struct WasmKitTests {
    private func run(_ arguments: String) throws -> Command.Outcome {
        try Command.withFolder(["echo.wat": Array(SampleModules.echo.utf8)]) { folder in
            try Command.run(
                shell: "ln -s \"$0\" wasmkit && ./wasmkit \(arguments) | tr '\\0' ' '", in: folder)
        }
    }

    @Test(arguments: [
        // What `swift run` and `swift test` call.
        ("run ./echo.wat one --two", "echo.wat one --two "),
        (
            "run echo.wat --filter f --testing-library swift-testing",
            "echo.wat --filter f --testing-library swift-testing "
        ),
        // What later versions do: the folder is the program's to use, not to see.
        (
            "run echo.wat --dir . -- --testing-library swift-testing",
            "echo.wat --testing-library swift-testing "
        ),
        // Without the mark it is the program's own.
        ("run echo.wat --dir . x", "echo.wat --dir . x "),
        // What scripts call.
        ("run --env A=1 --env=B=2 -- echo.wat b", "echo.wat b A=1 B=2 "),
        (
            "run --stack-size 65536 --disable-signpost --dir=. --compilation-mode lazy echo.wat",
            "echo.wat "
        ),
    ])
    func itsCommandLineIsUnderstood(line: String, output: String) throws {
        let outcome = try run(line)
        #expect(outcome.output == output)
        #expect(outcome.errorOutput == "")
    }

    /// Whoever passes its options to `apus run`, as SwiftPM does if a toolset names that.
    @Test func itsOptionsAreKnownByTheOwnName() throws {
        try Command.withFolder(["echo.wat": Array(SampleModules.echo.utf8)]) { folder in
            let outcome = try Command.run(
                ["run", "--stack-size", "65536", "--enable-signpost", "echo.wat"], in: folder)
            #expect(outcome.output == "echo.wat\0")
            #expect(outcome.errorOutput == "")
            let told = try Command.run(["run", "--verbose", "echo.wat"], in: folder)
            #expect(told.errorOutput.contains("statistics"))
            #expect(!(try Command.run(["help", "run"], in: folder).output.contains("signpost")))
        }
    }

    @Test func whatItDoesNotKnowIsNamed() throws {
        let outcome = try run("run --profile x echo.wat")
        #expect(outcome.output == "")
        #expect(outcome.errorOutput.contains("--profile"))
        #expect(try run("--version").output.hasPrefix("apus "))
    }
}
