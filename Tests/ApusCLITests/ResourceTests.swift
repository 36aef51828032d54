import Foundation
import Testing

/// What a guest asks for in numbers alone costs the host nothing.
struct ResourceTests {
    /// Asks for 2 GiB, or millions of things, in each way the WASI has; writes a byte; waits for
    /// its input to end.
    private static let greedy = """
        (module
          (import "wasi_snapshot_preview1" "fd_read"
            (func $read (param i32 i32 i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "fd_write"
            (func $write (param i32 i32 i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "fd_pread"
            (func $pread (param i32 i32 i32 i64 i32) (result i32)))
          (import "wasi_snapshot_preview1" "fd_readdir"
            (func $readdir (param i32 i32 i32 i64 i32) (result i32)))
          (import "wasi_snapshot_preview1" "fd_prestat_dir_name"
            (func $name (param i32 i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "path_readlink"
            (func $readlink (param i32 i32 i32 i32 i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "path_symlink"
            (func $symlink (param i32 i32 i32 i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "path_open"
            (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "poll_oneoff"
            (func $poll (param i32 i32 i32 i32) (result i32)))
          (memory (export "memory") 32768)
          (data (i32.const 256) "x")
          (func $check (param i32 i32)
            (if (i32.ne (local.get 0) (local.get 1)) (then unreachable)))
          (func (export "_start")
            ;; One piece that takes nearly all there is.
            (i32.store (i32.const 0) (i32.const 65536))
            (i32.store (i32.const 4) (i32.const 0x7ffe0000))
            (call $check (i32.const 0) (call $open (i32.const 3) (i32.const 0) (i32.const 256)
              (i32.const 1) (i32.const 0) (i64.const -1) (i64.const -1) (i32.const 0)
              (i32.const 64)))
            (call $check (i32.const 0)
              (call $read (i32.const 4) (i32.const 0) (i32.const 1) (i32.const 64)))
            (call $check (i32.const 5) (i32.load (i32.const 64)))
            (call $check (i32.const 0) (call $pread (i32.const 4) (i32.const 0) (i32.const 1)
              (i64.const 0) (i32.const 64)))
            (call $check (i32.const 0) (call $readdir (i32.const 3) (i32.const 65536)
              (i32.const 0x7ffe0000) (i64.const 0) (i32.const 64)))
            (call $check (i32.const 0) (call $name (i32.const 3) (i32.const 65536)
              (i32.const 0x7ffe0000)))
            ;; inval: no link.
            (call $check (i32.const 28) (call $readlink (i32.const 3) (i32.const 256)
              (i32.const 1) (i32.const 65536) (i32.const 0x7ffe0000) (i32.const 64)))
            ;; nametoolong.
            (call $check (i32.const 37) (call $symlink (i32.const 65536) (i32.const 0x7ffe0000)
              (i32.const 3) (i32.const 256) (i32.const 1)))
            (call $check (i32.const 37) (call $open (i32.const 3) (i32.const 0)
              (i32.const 65536) (i32.const 0x7ffe0000) (i32.const 0) (i64.const -1) (i64.const -1)
              (i32.const 0) (i32.const 64)))
            ;; inval: more subscriptions than a guest can have descriptors.
            (call $check (i32.const 28) (call $poll (i32.const 65536) (i32.const 65536)
              (i32.const 0x2000000) (i32.const 64)))
            ;; inval: 16 million pieces, more than a call of the system takes.
            (call $check (i32.const 28) (call $write (i32.const 1) (i32.const 0x10000000)
              (i32.const 0x1000000) (i32.const 64)))
            (i32.store (i32.const 0) (i32.const 256))
            (i32.store (i32.const 4) (i32.const 1))
            (call $check (i32.const 0)
              (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 64)))
            (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 64)))))
        """

    @Test func greedLeavesTheHostSmall() throws {
        let files = ["greedy.wat": Array(Self.greedy.utf8), "x": Array("small".utf8)]
        try Command.withFolder(files) { folder in
            let process = Process()
            process.executableURL = Bundle.main.bundleURL.appending(path: "apus")
            process.arguments = ["run", "--dir", ".", "greedy.wat"]
            process.currentDirectoryURL = folder
            let (input, output, errors) = (Pipe(), Pipe(), Pipe())
            process.standardInput = input
            process.standardOutput = output
            process.standardError = errors
            try process.run()
            let first = output.fileHandleForReading.availableData
            let peak = try? Self.peakKilobytes(process.processIdentifier)
            try input.fileHandleForWriting.close()
            process.waitUntilExit()
            let text = errors.fileHandleForReading.readDataToEndOfFile()
            #expect(process.terminationStatus == 0, "\(String(decoding: text, as: UTF8.self))")
            #expect(first == Data("x".utf8))
            #expect(try #require(peak) < 128 << 10)
        }
    }

    /// The most memory that a process has had at once.
    private static func peakKilobytes(_ process: Int32) throws -> Int {
        let status = try String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
        let words = line?.split { $0 == " " || $0 == "\t" } ?? []
        return try #require(words.count == 3 ? Int(words[1]) : nil)
    }

    /// The system's own programs run with less stack than Swift's library takes.
    @Test(arguments: [32, 48])
    func tooLittleStackIsSaid(_ kibibytes: Int) throws {
        try Command.withFolder([:]) { folder in
            let outcome = try Command.run(
                shell: "ulimit -s \(kibibytes) && exec \"$0\" version", in: folder)
            #expect(outcome.status == 1)
            #expect(outcome.output == "")
            #expect(outcome.errorOutput.hasPrefix("apus: the stack is too small"))
        }
    }
}
