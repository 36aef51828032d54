import Foundation
import Testing

/// What passes between the command and whoever started it besides text.
struct ProcessTests {
    private static func exiting(_ status: String) -> [UInt8] {
        let text = """
            (module
              (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
              (memory (export "memory") 1)
              (func (export "_start") (call $exit (i32.const \(status)))))
            """
        return [UInt8](text.utf8)
    }

    /// The system hands on eight bits. A failure stays one.
    @Test(arguments: [
        ("0", Int32(0)), ("1", 1), ("255", 255), ("-1", 255), ("257", 1), ("256", 1), ("1024", 1),
        ("-256", 1), ("0x80000000", 1), ("0xffffff00", 1),
    ])
    func failuresStayFailures(_ status: String, _ expected: Int32) throws {
        let outcome = try Command.withFolder(["exit.wat": Self.exiting(status)]) { folder in
            try Command.run(["exit.wat"], in: folder)
        }
        #expect(outcome.status == expected)
        let isLost = ["256", "1024", "-256", "0x80000000", "0xffffff00"].contains(status)
        let lines = outcome.errorOutput.split(separator: "\n")
        #expect(lines.count == (isLost ? 1 : 0))
        if status == "1024" { #expect(outcome.errorOutput.contains("1024")) }
    }

    /// Makes the file "out", writes to descriptors 1 and 2, and stops.
    private static let writer = """
        (module
          (import "wasi_snapshot_preview1" "path_open"
            (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "fd_write"
            (func $write (param i32 i32 i32 i32) (result i32)))
          (memory (export "memory") 1)
          (data (i32.const 0) "out")
          (data (i32.const 16) "\\00\\00\\00\\00\\03\\00\\00\\00")
          (func (export "_start")
            (if (call $open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 3) (i32.const 1)
                (i64.const 64) (i64.const 0) (i32.const 0) (i32.const 8))
              (then (return)))
            (drop (call $write (i32.const 1) (i32.const 16) (i32.const 1) (i32.const 8)))
            (drop (call $write (i32.const 2) (i32.const 16) (i32.const 1) (i32.const 8)))
            unreachable))
        """

    /// Who asks for a report and has no room for it is told that there is none.
    @Test(arguments: [
        "version --verbose", "settings --json", "validate --json exit.wat", "wast --json a.wast",
        "bench exit.wat", "print exit.wat", "inspect exit.wat", "run --invoke f number.wat",
        "--help", "help run", "--version",
    ])
    func whatIsPrintedAndLostIsAFailure(_ arguments: String) throws {
        let files = [
            "exit.wat": Self.exiting("0"), "a.wast": [UInt8]("(module)".utf8),
            "number.wat": [UInt8]("(module (func (export \"f\") (result i32) i32.const 7))".utf8),
        ]
        let outcome = try Command.withFolder(files) { folder in
            try Command.run(shell: "exec \"$0\" \(arguments) > /dev/full", in: folder)
        }
        #expect(outcome.status == 1)
        #expect(outcome.errorOutput == "apus: standard output: No space left on device\n")
        let written = try Command.withFolder(files) { folder in
            try Command.run(shell: "exec \"$0\" \(arguments)", in: folder)
        }
        #expect(written.status == 0 && !written.output.isEmpty && written.errorOutput.isEmpty)
    }

    /// What is asked for and cannot be written has failed, and so has what cannot be read.
    @Test(arguments: [
        "print exit.wat >&-", "settings >&-", "version >&-", "wast a.wast >&-", "--help >&-",
        "profile -o - exit.wat >&-", "parse - <&-",
    ])
    func closedStreamsAreSaid(_ arguments: String) throws {
        let files = ["exit.wat": Self.exiting("0"), "a.wast": [UInt8]("(module)".utf8)]
        let outcome = try Command.withFolder(files) { folder in
            try Command.run(shell: "\"$0\" \(arguments)", in: folder)
        }
        #expect(outcome.status == 1)
        let stream = arguments.hasSuffix("<&-") ? "input" : "output"
        #expect(outcome.errorOutput == "apus: standard \(stream): Bad file descriptor\n")
    }

    /// What the command opens is not taken for a stream that it was started without: nothing is
    /// written into the program's file, and its folder is not its input.
    @Test(arguments: ["1>&- 2>&-", "0<&- 1>&- 2>&-", "0<&- 2>&-", "0<&-", "2>&-"])
    func closedStreamsStayClosed(_ closing: String) throws {
        try Command.withFolder(["writer.wat": [UInt8](Self.writer.utf8)]) { folder in
            let process = Process()
            process.executableURL = URL(filePath: "/bin/sh")
            let command = Bundle.main.bundleURL.appending(path: "apus").path()
            let script = "\"$0\" run --dir . writer.wat \(closing)"
            process.arguments = ["-c", script, command]
            process.currentDirectoryURL = folder
            process.standardInput = FileHandle.nullDevice
            process.standardOutput = FileHandle.nullDevice
            process.standardError = FileHandle.nullDevice
            try process.run()
            process.waitUntilExit()
            #expect(process.terminationStatus == 134)
            let written = try Data(contentsOf: folder.appending(path: "out"))
            #expect(written.isEmpty)
        }
    }
}
