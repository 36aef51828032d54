import Foundation
import Testing

/// `apus bench`, what it measures of processes, and with which options.
struct BenchTests {
    /// Writes a byte behind the others of the file "runs".
    private static let counter = """
        (module
          (import "bench" "start" (func $start))
          (import "wasi_snapshot_preview1" "path_open"
            (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "fd_write"
            (func $write (param i32 i32 i32 i32) (result i32)))
          (memory (export "memory") 1)
          (data (i32.const 0) "runs")
          (data (i32.const 16) "\\08\\00\\00\\00\\01\\00\\00\\00")
          (func (export "_start")
            (call $start)
            (if (call $open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 1)
                  (i64.const 64) (i64.const 64) (i32.const 1) (i32.const 32))
              (then unreachable))
            (if (call $write (i32.load (i32.const 32)) (i32.const 16) (i32.const 1) (i32.const 40))
              (then unreachable))))
        """

    private static let legacy = """
        (module (func (export "_start") (try (do) (catch_all))))
        """

    /// How often the program ran, and what was printed.
    private func runs(_ options: String...) throws -> (count: Int, output: String) {
        try Command.withFolder(["counter.wat": Array(Self.counter.utf8)]) { folder in
            let outcome = try Command.run(
                ["bench", "--dir", "."] + options + ["counter.wat"], in: folder, cache: folder)
            #expect(outcome.status == 0)
            #expect(outcome.errorOutput == "")
            // What processes keep is not the user's.
            #expect(
                !FileManager.default.fileExists(atPath: folder.appending(path: "apus").path()))
            let runs = try Data(contentsOf: folder.appending(path: "runs"))
            return (runs.count, outcome.output)
        }
    }

    /// Two here; then one that keeps its code, and each round a cold one and one that finds it.
    @Test func processesAreRunAsWell() throws {
        let both = try runs("--repeat", "2")
        #expect(both.count == 2 + 1 + 4)
        #expect(both.output.contains("\nprocess      "))
        #expect(both.output.contains("\ncached       "))
    }

    @Test(arguments: [["--no-processes"], ["--threads", "1"], ["--debuggable"]])
    func whatNoProcessCanDoIsLeftOut(options: [String]) throws {
        try Command.withFolder(["counter.wat": Array(Self.counter.utf8)]) { folder in
            let outcome = try Command.run(
                ["bench", "--dir", "."] + options + ["counter.wat"], in: folder)
            #expect(outcome.status == 0)
            #expect(!outcome.output.contains("process  "))
            let runs = try Data(contentsOf: folder.appending(path: "runs"))
            #expect(runs.count == 1)
        }
    }

    @Test(arguments: [
        ["--compiler", "baseline"], ["--check-bounds", "--unmasked"], ["--metered"],
        ["--tier-after", "5", "--no-profiles"],
        ["--without", "threads", "--env", "A=B", "--inherit-env"],
    ])
    func processesHaveTheSameOptions(options: [String]) throws {
        try Command.withFolder(["counter.wat": Array(Self.counter.utf8)]) { folder in
            let outcome = try Command.run(
                ["bench", "--dir", "."] + options + ["counter.wat"], in: folder)
            #expect(outcome.status == 0)
            #expect(outcome.output.contains("\nprocess      "))
            #expect(try Data(contentsOf: folder.appending(path: "runs")).count == 4)
        }
    }

    @Test func featuresCanBeChosen() throws {
        try Command.withFolder(["old.wat": Array(Self.legacy.utf8)]) { folder in
            let options = ["bench", "--feature", "legacy-exceptions", "old.wat"]
            #expect(try Command.run(options, in: folder).status == 0)
            for command in ["bench", "run", "validate"] {
                let outcome = try Command.run([command, "old.wat"], in: folder)
                #expect(outcome.status == 1)
                #expect(
                    outcome.errorOutput.contains(
                        "(--feature legacy-exceptions switches it on), in function 0"))
            }
        }
    }
}
