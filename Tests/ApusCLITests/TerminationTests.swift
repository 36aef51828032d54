import Foundation
import Testing

/// Commands that have something to write when a signal ends the program that they run.
@Suite struct TerminationTests {
    /// Says that it has begun, and never ends.
    private static let forever = """
        (module
          (import "wasi_snapshot_preview1" "fd_write"
            (func $write (param i32 i32 i32 i32) (result i32)))
          (memory (export "memory") 1)
          (data (i32.const 0) "\\08\\00\\00\\00\\06\\00\\00\\00begun\\n")
          (func $compute (loop $again (br $again)))
          (func (export "_start")
            (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16)))
            (call $compute)))
        """

    @Test(arguments: ["cover", "profile"], [SIGINT, SIGTERM])
    func whatIsKnownIsWritten(_ command: String, _ number: Int32) throws {
        try Command.withFolder(["forever.wat": [UInt8](Self.forever.utf8)]) { folder in
            let process = Process()
            process.executableURL = Command.executable
            process.arguments = [
                command, "--output", command == "cover" ? "out.info" : "out.folded", "--timeout",
                "60s", "forever.wat",
            ]
            process.currentDirectoryURL = folder
            let output = Pipe()
            let errors = Pipe()
            process.standardInput = FileHandle.nullDevice
            process.standardOutput = output
            process.standardError = errors
            try process.run()
            var said = Data()
            while !said.contains(UInt8(ascii: "\n")) {
                let more = output.fileHandleForReading.availableData
                if more.isEmpty { break }
                said += more
            }
            #expect(String(decoding: said, as: UTF8.self) == "begun\n")
            // Long enough for some samples.
            usleep(100_000)
            if number == SIGINT { process.interrupt() } else { process.terminate() }
            let told = errors.fileHandleForReading.readDataToEndOfFile()
            process.waitUntilExit()
            #expect(process.terminationReason == .exit)
            #expect(process.terminationStatus == 128 + number)
            let name = number == SIGINT ? "SIGINT" : "SIGTERM"
            let text = String(decoding: told, as: UTF8.self)
            #expect(text.hasPrefix("apus: stopped by \(name)\n"), "\(text)")
            let file = command == "cover" ? "out.info" : "out.folded"
            let written = try String(contentsOf: folder.appending(path: file), encoding: .utf8)
            let expected = command == "cover" ? "FNDA:1,compute" : "compute"
            #expect(written.contains(expected), "\(written)")
        }
    }

    /// Whoever starts a command in the background may have it ignore what Ctrl-C sends.
    @Test func ignoredSignalsStayIgnored() throws {
        try Command.withFolder(["forever.wat": [UInt8](Self.forever.utf8)]) { folder in
            let outcome = try Command.run(
                shell: """
                    exec env --default-signal=CHLD sh -c '
                        trap "" INT
                        "$0" profile --output out.folded --timeout 1s forever.wat > begun &
                        until [ -s begun ]; do sleep 0.05; done
                        kill -INT $!
                        wait $!' "$0"
                    """, in: folder)
            #expect(outcome.status == 124, "\(outcome.errorOutput)")
        }
    }

    /// There is nothing to be written of a program that has not begun: its module is waited for.
    @Test(arguments: ["cover", "profile"])
    func loadingEndsAtOnce(command: String) throws {
        try Command.withFolder([:]) { folder in
            let outcome = try Command.run(
                shell: """
                    exec env --default-signal=CHLD sh -c '
                        mkfifo pipe
                        timeout --foreground --signal=KILL 30 \
                            "$0" \(command) --output out.html pipe &
                        sleep 0.5
                        kill -TERM $!
                        wait $!' "$0"
                    """, in: folder)
            #expect(outcome.status == 128 + SIGTERM, "\(outcome.errorOutput)")
        }
    }

    /// When the program has ended, there is nothing left that a signal is only for. The page is
    /// longer than what a pipe takes, and nobody reads it.
    @Test func writingEnds() throws {
        let functions = String(repeating: "(func nop)", count: 5000)
        let text = "(module (memory (export \"memory\") 1) (func (export \"_start\"))\(functions))"
        try Command.withFolder(["many.wat": [UInt8](text.utf8)]) { folder in
            let outcome = try Command.run(
                shell: """
                    mkfifo page.html
                    timeout --foreground --signal=KILL 30 \\
                        "$0" cover --output page.html many.wat &
                    exec 3< page.html
                    kill -TERM $!
                    wait $!
                    """, in: folder)
            #expect(outcome.status == 128 + SIGTERM, "\(outcome.errorOutput)")
        }
    }
}
