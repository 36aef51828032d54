import ApusText
import Foundation
import Testing

/// What the command's limits do to a program, and what it tells of it.
struct LimitOptionsTests {
    private static let text = """
        (module
          (memory (export "memory") 1)
          (table $t 4 funcref)
          (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
          (func (export "growTable") (param i32) (result i32)
            (table.grow $t (ref.null func) (local.get 0)))
          (func (export "forever") (loop $l (br $l)))
          (func $deep (export "deep") (param i32) (result i32)
            (if (result i32) (local.get 0)
              (then (i32.add (i32.const 1) (call $deep (i32.sub (local.get 0) (i32.const 1)))))
              (else (i32.const 0))))
          (func (export "count") (param i32) (result i32)
            (loop $l
              (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
              (br_if $l (local.get 0)))
            (i32.const 9)))
        """

    private func run(_ arguments: String...) throws -> Command.Outcome {
        let files = ["limits.wasm": try TextFormat.parseModule(Self.text)]
        return try Command.withFolder(files) { try Command.run(["run"] + arguments, in: $0) }
    }

    @Test func memoryIsBounded() throws {
        #expect(try run("--invoke", "grow", "limits.wasm", "15").output == "1\n")
        let bounded = try run("--max-memory", "1MiB", "--invoke", "grow", "limits.wasm", "16")
        #expect(bounded.output == "-1\n")
        #expect(
            try run("--max-memory=1MiB", "--invoke", "grow", "limits.wasm", "15").output == "1\n")
        let none = try run("--max-memory", "65535", "--invoke", "grow", "limits.wasm", "0")
        #expect(none.status == 1)
        #expect(
            none.errorOutput
                == "apus: linear memory of the store: 65536 exceeds the limit of 65535; "
                + "--max-memory is 65535\n")
    }

    /// A program is left at once, not after a report of a crash.
    @Test func quitSignalEndsTheProgram() throws {
        let files = ["limits.wasm": try TextFormat.parseModule(Self.text)]
        try Command.withFolder(files) { folder in
            let process = Process()
            process.executableURL = Bundle.main.bundleURL.appending(path: "apus")
            process.arguments = ["run", "--stats", "--invoke", "forever", "limits.wasm"]
            process.currentDirectoryURL = folder
            let errorOutput = Pipe()
            process.standardError = errorOutput
            // Threads of queues block all signals, and what they start does so, too.
            var set = sigset_t()
            unsafe sigemptyset(&set)
            unsafe sigaddset(&set, SIGQUIT)
            unsafe pthread_sigmask(SIG_UNBLOCK, &set, nil)
            try process.run()
            // Until it runs its guest: then it has used more time than it takes to begin.
            while try Self.ticks(of: process.processIdentifier) < 120 { usleep(10_000) }
            let start = ContinuousClock.now
            kill(process.processIdentifier, SIGQUIT)
            for _ in 0..<1500 where process.isRunning { usleep(10_000) }
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
            #expect(start.duration(to: .now) < .seconds(15))
            #expect(process.terminationReason == .uncaughtSignal)
            #expect(process.terminationStatus == SIGQUIT)
            #expect(errorOutput.fileHandleForReading.readDataToEndOfFile().isEmpty)
        }
    }

    /// Hundredths of a second that a process has used.
    private static func ticks(of process: Int32) throws -> Int {
        let text = try String(contentsOf: URL(filePath: "/proc/\(process)/stat"), encoding: .utf8)
        return Int(text.split(separator: " ")[13]) ?? 0
    }

    /// What the system refuses is an error that says how much that was.
    @Test func addressSpaceRunsOut() throws {
        let files = ["limits.wasm": try TextFormat.parseModule(Self.text)]
        let outcome = try Command.withFolder(files) { folder in
            try Command.run(
                ["run", "--invoke", "grow", "limits.wasm", "0"], in: folder,
                addressSpaceKibibytes: 4 << 20)
        }
        #expect(outcome.status == 1)
        #expect(outcome.output == "")
        let begin = "apus: address space of linear memories: the system refused 8590000128 "
        #expect(outcome.errorOutput.hasPrefix(begin))
        #expect(outcome.errorOutput.hasSuffix("; --check-bounds needs less of it\n"))
    }

    @Test func tablesAreBounded() throws {
        let bounded = try run(
            "--max-table-elements", "10", "--invoke", "growTable", "limits.wasm", "7")
        #expect(bounded.output == "-1\n")
        let allowed = try run(
            "--max-table-elements", "10", "--invoke", "growTable", "limits.wasm", "6")
        #expect(allowed.output == "4\n")
    }

    @Test func instancesAreBounded() throws {
        let none = try run("--max-instances", "0", "--invoke", "grow", "limits.wasm", "0")
        #expect(none.status == 1)
        #expect(
            none.errorOutput
                == "apus: instances of the store: 1 exceeds the limit of 0; --max-instances is 0\n")
        #expect(
            try run("--max-instances", "1", "--invoke", "grow", "limits.wasm", "0").output == "1\n")
    }

    /// The status is how many threads there were besides the first one, as `thread-spawn` allows.
    @Test func threadsAreBounded() throws {
        let text = """
            (module
              (import "env" "memory" (memory 1 1 shared))
              (import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))
              (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
              (func (export "wasi_thread_start") (param i32 i32) (loop $l (br $l)))
              (func (export "_start") (local i32)
                (loop $more
                  (br_if $more (i32.and
                    (i32.gt_s (call $spawn (i32.const 0)) (i32.const 0))
                    (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 9)))))
                (call $exit (local.get 0))))
            """
        let files = ["threads.wasm": try TextFormat.parseModule(text)]
        // Scripts have none of their own.
        let script = try Command.withFolder([:]) { folder in
            try Command.run(["wast", "--max-threads", "3", "none.wast"], in: folder)
        }
        #expect(script.status == 64)
        for (limit, status) in [("1", Int32(1)), ("3", 3), ("64", 9)] {
            let outcome = try Command.withFolder(files) { folder in
                try Command.run(["run", "--max-threads", limit, "threads.wasm"], in: folder)
            }
            #expect(outcome.status == status, "\(outcome.errorOutput)")
        }
    }

    @Test func stackIsBounded() throws {
        #expect(try run("--invoke", "deep", "limits.wasm", "5000").output == "5000\n")
        let bounded = try run("--max-stack", "64KiB", "--invoke", "deep", "limits.wasm", "5000")
        #expect(bounded.status == 134)
        #expect(
            bounded.errorOutput.hasPrefix(
                "apus: trap: call stack exhausted: --max-stack is 64KiB\n"))
        let more = try run("--max-stack", "4MiB", "--invoke", "deep", "limits.wasm", "60000")
        #expect(more.output == "60000\n")
    }

    /// The time counts from the start: what is compiled for too long is stopped like what runs.
    @Test func timeForCompilingIsBounded() throws {
        let stopped = try run("--timeout", "0.001ms", "--invoke", "forever", "limits.wasm")
        #expect(stopped.status == 124)
        #expect(
            stopped.errorOutput
                == "apus: timeout: stopped after --timeout 0.001ms, while it was compiled\n")
    }

    /// So long that the guest begins, however busy the machine is.
    @Test func timeIsBounded() throws {
        let stopped = try run("--timeout", "1s", "--invoke", "forever", "limits.wasm")
        #expect(stopped.status == 124)
        #expect(
            stopped.errorOutput.hasPrefix(
                "apus: timeout: stopped after --timeout 1s\n  at forever (module+0x"))
        #expect(
            try run("--timeout", "1h", "--invoke", "count", "limits.wasm", "5").output == "9\n")
    }

    @Test func fuelIsBounded() throws {
        let stopped = try run("--fuel", "1000", "--invoke", "forever", "limits.wasm")
        #expect(stopped.status == 134)
        #expect(stopped.errorOutput.hasPrefix("apus: trap: all fuel consumed: --fuel is 1000\n"))
        #expect(try run("--fuel=1000", "--invoke", "count", "limits.wasm", "5").output == "9\n")
    }

    /// The value that the statistics in `text` have under `name`.
    private func statistic(_ name: String, _ text: String) -> String? {
        for line in text.split(separator: "\n") where line.hasPrefix("  " + name + "  ") {
            return line.dropFirst(2 + name.count).trimmingCharacters(in: .whitespaces)
        }
        return nil
    }

    @Test func tellsWhatWasUsed() throws {
        let outcome = try run(
            "--stats", "--fuel", "1000", "--invoke", "count", "limits.wasm", "5")
        #expect(outcome.status == 0)
        #expect(outcome.output == "9\n")
        let text = outcome.errorOutput
        #expect(text.hasPrefix("apus: statistics\n"))
        #expect(statistic("fuel", text) == "31 used, 969 left")
        #expect(statistic("instances", text) == "1")
        #expect(statistic("memory", text) == "64.0 KiB, at most 64.0 KiB")
        #expect(statistic("tables", text) == "32 bytes, at most 32 bytes")
        #expect(statistic("growths", text) == "0, refused 0")
        #expect(statistic("traps", text) == "0")
        for name in ["compilation", "of it decoding", "run", "of it starting"] {
            #expect(statistic(name, text)?.hasSuffix(" ms") == true, "\(name)")
        }
        let grown = try run("--stats", "--invoke", "grow", "limits.wasm", "16")
        #expect(statistic("memory", grown.errorOutput) == "1.1 MiB, at most 1.1 MiB")
        #expect(statistic("growths", grown.errorOutput) == "1, refused 0")
        #expect(statistic("fuel", grown.errorOutput) == nil)
    }

    @Test func tellsItAfterATrapToo() throws {
        let outcome = try run("--stats", "--fuel", "1000", "--invoke", "forever", "limits.wasm")
        #expect(outcome.status == 134)
        #expect(outcome.errorOutput.hasPrefix("apus: trap: all fuel consumed: --fuel is 1000\n"))
        #expect(statistic("traps", outcome.errorOutput) == "1")
        #expect(statistic("fuel", outcome.errorOutput) == "1000 used, 0 left")
    }

    @Test(arguments: [
        ["--max-memory", "x"], ["--max-memory", "1XiB"], ["--max-memory", "-1"],
        ["--max-memory", "1e9GiB"], ["--max-instances", "-1"], ["--max-stack", "1KiB"],
        ["--max-table-elements", "-5"], ["--timeout", "soon"], ["--fuel", "-1"],
        ["--timeout", "1m30"], ["--timeout", "1x"], ["--timeout", "-1s"], ["--timeout", ""],
        ["--max-memory", "1gg"], ["--max-memory", "g"], ["--max-threads", "0"],
    ])
    func refusesWhatIsNoLimit(arguments: [String]) throws {
        let files = ["limits.wasm": try TextFormat.parseModule(Self.text)]
        let outcome = try Command.withFolder(files) { folder in
            try Command.run(
                ["run"] + arguments + ["--invoke", "grow", "limits.wasm", "0"], in: folder)
        }
        #expect(outcome.status == 64)
    }

    @Test(arguments: ["1m30s", "1h2m3s4ms5us6ns", "90", "1.5m", "2d"])
    func takesDurations(text: String) throws {
        #expect(
            try run("--timeout", text, "--invoke", "count", "limits.wasm", "5").output == "9\n")
    }

    /// Numbers that no `Double` is.
    @Test(arguments: [
        ("18446744073709551615", 9), ("9007199254740993", 9), ("18446744073709551616", nil),
        ("16777216TiB", nil), ("18014398509481983KiB", 9),
    ])
    func takesLargeSizes(text: String, output: Int?) throws {
        let outcome = try run(
            "--max-memory", text, "--invoke", "count", "limits.wasm", "5")
        #expect(outcome.output == (output.map { "\($0)\n" } ?? ""))
        #expect(outcome.status == (output == nil ? 64 : 0))
    }

    /// A pipe that nobody writes to, or nobody ends.
    @Test(arguments: ["\"$0\" run --timeout 50ms pipe", "\"$0\" run --timeout 50ms - <>pipe"])
    func stopsWaitingForTheModule(command: String) throws {
        let outcome = try Command.withFolder([:]) { folder in
            try Command.run(shell: "mkfifo pipe; " + command, in: folder)
        }
        #expect(outcome.status == 124)
        #expect(outcome.errorOutput.hasPrefix("apus: timeout: stopped after --timeout 50ms"))
    }

    @Test func stopsWaitingForScripts() throws {
        let outcome = try Command.withFolder([:]) { folder in
            let script = "mkfifo pipe; timeout 30 \"$0\" wast --timeout 50ms pipe"
            return try Command.run(shell: script, in: folder)
        }
        #expect(outcome.status == 1)
        let reason = "timeout: stopped after --timeout 50ms, while it was read"
        #expect(outcome.errorOutput == "apus: pipe: \(reason)\n")
    }

    /// One that somebody writes to in time.
    @Test func waitsForTheModule() throws {
        let files = ["limits.wasm": try TextFormat.parseModule(Self.text)]
        let outcome = try Command.withFolder(files) { folder in
            let script = """
                mkfifo pipe; (sleep 0.1; head -c 20; sleep 0.1; cat) <limits.wasm >pipe &
                "$0" run --timeout 1h --invoke count pipe 5
                """
            return try Command.run(shell: script, in: folder)
        }
        #expect(outcome.output == "9\n")
    }

    /// Each is 64 KiB or a little more: what the module has, but no page more.
    @Test(arguments: ["64k", "64K", "64KiB", "64ki", "66kB", "65536", "65536b", "0.0625m"])
    func takesSizes(text: String) throws {
        let arguments = ["--max-memory", text, "--invoke", "grow", "limits.wasm"]
        let files = ["limits.wasm": try TextFormat.parseModule(Self.text)]
        try Command.withFolder(files) { (folder: URL) throws in
            #expect(try Command.run(["run"] + arguments + ["0"], in: folder).output == "1\n")
            #expect(try Command.run(["run"] + arguments + ["1"], in: folder).output == "-1\n")
        }
        #expect(
            try run("--max-memory", "1g", "--invoke", "grow", "limits.wasm", "16383").output
                == "1\n")
    }

    /// The limits that nobody set have names, too.
    @Test func namesLimitsThatAreThere() throws {
        let outcome = try run("--invoke", "deep", "limits.wasm", "10000000")
        #expect(outcome.status == 134)
        #expect(
            outcome.errorOutput.hasPrefix(
                "apus: trap: call stack exhausted: --max-stack is 1.0 MiB\n"))
    }

    @Test func helpNamesThem() throws {
        let help = try run("--help").output
        for option in [
            "--timeout", "--fuel", "--max-memory", "--max-table-elements", "--max-instances",
            "--max-stack", "--stats",
        ] {
            #expect(help.contains(option), "\(option)")
        }
    }
}
