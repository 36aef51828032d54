import Foundation
import Testing

/// What tools that know native code only make of guests: the real ones, where they are installed.
@Suite struct NativeToolTests {
    /// The folder with modules that have debugging information.
    private static var fixtures: URL {
        URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "ApusDWARFTests/Fixtures")
    }

    private static func isInstalled(_ tool: String) -> Bool {
        FileManager.default.isExecutableFile(atPath: "/usr/bin/\(tool)")
    }

    /// A file of the fixtures.
    private func bytes(_ name: String) throws -> [UInt8] {
        Array(try Data(contentsOf: Self.fixtures.appending(path: name)))
    }

    /// The output of a script of the shell in `folder`, to which the command is `$0`. Shells and
    /// debuggers wait for a signal that Foundation keeps from processes it starts.
    private func run(_ script: String, _ arguments: [String] = [], in folder: URL) throws -> String
    {
        let outer = """
            script=$1; shift
            exec env --default-signal=CHLD sh -c "$script" "$0" "$@"
            """
        return try Command.run(shell: outer, [script] + arguments, in: folder).output
    }

    // MARK: Backtraces

    @Test(arguments: [4, 5], ["baseline", "optimizing", "tiered"])
    func backtracesHaveLines(version: Int, compiler: String) throws {
        let name = "inlined-\(version).wasm"
        try Command.withFolder([name: bytes(name)]) { folder in
            let outcome = try Command.run(
                ["run", "--compiler", compiler, "--invoke", "run", name, "-16", "1"],
                in: folder)
            #expect(outcome.status == 134)
            #expect(outcome.errorOutput.contains("  at element at /src/inlined.c:3:12 (inlined)\n"))
            #expect(outcome.errorOutput.contains(") at /src/inlined.c:13:18\n"))
        }
    }

    /// A module whose function `f` traps, and which says that its source map is called `map`.
    private func module(withMap map: String) -> [UInt8] {
        let title = "sourceMappingURL"
        let contents =
            [UInt8(title.utf8.count)] + Array(title.utf8) + [UInt8(map.utf8.count)]
            + Array(map.utf8)
        return [0, 0x61, 0x73, 0x6D, 1, 0, 0, 0] + [1, 4, 1, 0x60, 0, 0] + [3, 2, 1, 0]
            + [7, 5, 1, 1, 0x66, 0, 0] + [10, 5, 1, 3, 0, 0, 0x0B]
            + [0, UInt8(contents.count)] + contents
    }

    @Test func sourceMapsBesideModules() throws {
        let map = Array(#"{"version":3,"sources":["a.ts"],"mappings":"AAOE"}"#.utf8)
        let files = [
            "near.wasm": module(withMap: "map.json"), "far.wasm": module(withMap: "../map.json"),
            "map.json": map,
        ]
        try Command.withFolder(files) { folder in
            let near = try Command.run(["run", "--invoke", "f", "near.wasm"], in: folder)
            #expect(near.errorOutput.contains(" at a.ts:8:3\n"))
            let inner = folder.appending(path: "inner")
            try FileManager.default.createDirectory(at: inner, withIntermediateDirectories: true)
            try Data(files["far.wasm"] ?? []).write(to: inner.appending(path: "far.wasm"))
            let far = try Command.run(["run", "--invoke", "f", "inner/far.wasm"], in: folder)
            #expect(far.status == 134)
            #expect(!far.errorOutput.contains("a.ts"))
        }
    }

    /// A module must not have its host wait for somebody to write to a pipe.
    @Test(.timeLimit(.minutes(1)), arguments: ["run", "cover", "explore"])
    func sourceMapsAreNoPipes(command: String) throws {
        try Command.withFolder(["piped.wasm": module(withMap: "pipe")]) { folder in
            let script = """
                mkfifo pipe && exec timeout 30 "$0" "$@"
                """
            let call = command == "explore" ? ["-o", "-"] : ["--invoke", "f"]
            let outcome = try Command.run(
                shell: script, [command] + call + ["piped.wasm"], in: folder)
            #expect(outcome.status == (command == "explore" ? 0 : 134))
        }
    }

    // MARK: Debuggers

    /// What GDB says to `commands` about a program that is run with `options`.
    private func debug(
        _ module: String, _ commands: [String], _ options: [String] = [],
        calledWith values: [String] = ["5"]
    ) throws -> String {
        var arguments = ["--batch", "--nx", "--quiet"]
        let start = ["set breakpoint pending on", "set confirm off", "set style enabled off"]
        for command in start + commands { arguments += ["--eval-command", command] }
        arguments += ["--args", Command.executable.path(), "run", "--debug"] + options
        arguments += ["--invoke", "run", module] + values
        return try Command.withFolder([module: bytes(module)]) { folder in
            // Its complaints about Swift's own debugging information are long.
            let script = "exec gdb \"$@\" 2> /dev/null"
            return try run(script, arguments, in: folder)
        }
    }

    @Test(.enabled(if: isInstalled("gdb"), "GDB is not installed"), arguments: [4, 5])
    func debuggersStepThroughSources(version: Int) throws {
        let output = try debug(
            "variables-\(version).wasm",
            [
                "break variables.c:11", "run", "backtrace 2", "print product", "print factor",
                "print size", "finish", "next", "info locals", "print scale",
                "set var total = 1000",
                "print total", "print apus_memory[(unsigned) last]", "step", "step", "step",
                "backtrace 1", "delete", "continue",
            ])
        #expect(output.contains("Breakpoint 1, area (size="), "\(output)")
        #expect(output.contains("variables.c:11"), "\(output)")
        #expect(output.contains("#1 ") && output.contains("in run (count=5) at "), "\(output)")
        for value in [
            "$1 = 12", "$2 = 0", "$3 = {x = 3, y = 4}", "half = 0.5", "index = 0",
            "size = {x = 3, y = 4}", version == 4 ? "= 10\n" : "$4 = ", "= 1000\n", "= 4 '\\004'",
        ] {
            #expect(output.contains(value), "\(value): \(output)")
        }
        // 1000 in place of 0, then 1, 2, 3 and 4 times 3 * 5, 3 * 6, 3 * 7 and 3 * 8, and 5.
        #expect(output.contains("\n1215\n"), "\(output)")
    }

    @Test(.enabled(if: isInstalled("gdb"), "GDB is not installed"))
    func debuggersSeeWhereGuestsWereCalled() throws {
        let output = try debug(
            "variables-5.wasm", ["break area", "run", "backtrace"])
        #expect(output.contains("apus entry"), "\(output)")
        #expect(output.contains("_main ()"), "\(output)")
    }

    /// Code of the other compiler, and code that is made when it is called.
    @Test(
        .enabled(if: isInstalled("gdb"), "GDB is not installed"),
        arguments: ["optimizing"])
    func debuggersKnowFunctions(compiler: String) throws {
        let output = try debug(
            "inlined-5.wasm", ["break sum", "run", "backtrace 2"], ["--compiler", compiler],
            calledWith: ["0", "5"])
        #expect(output.contains("Breakpoint 1, "), "\(output)")
        #expect(output.contains("#1 ") && output.contains("in run "), "\(output)")
    }

    /// LLDB reads what GDB does, and has its own mind about some of it.
    @Test(.enabled(if: isInstalled("lldb"), "LLDB is not installed"), arguments: [4, 5])
    func lldbStepsThroughSources(version: Int) throws {
        let name = "variables-\(version).wasm"
        var arguments = ["--batch", "--no-lldbinit"]
        for command in [
            "settings set use-color false", "breakpoint set -f variables.c -l 11", "run",
            "thread backtrace -c 2", "frame variable", "finish", "next", "frame variable",
            "expression total = 1000", "frame variable total", "step", "breakpoint delete -f",
            "continue",
        ] {
            arguments += ["--one-line", command]
        }
        arguments += ["--", Command.executable.path(), "run", "--debug", "--invoke", "run", name]
        let output = try Command.withFolder([name: bytes(name)]) { folder in
            try run("exec lldb \"$@\" 2> /dev/null", arguments + ["5"], in: folder)
        }
        for text in [
            "stop reason = breakpoint 1.1",
            "`area(size=(x = 3, y = 4), factor=0) at variables.c:11", "frame #1: ",
            "`run(count=5) at variables.c:21", "(int) product = 12",
            "(double) half = 0.5", "stop reason = step out", "stop reason = step over",
            "(int) total = 1000", "stop reason = step in", "1215",
        ] {
            #expect(output.contains(text), "\(text): \(output)")
        }
    }

    // MARK: perf

    /// What is at `$1` in a script that has run the command with `options`, whose number is `$!`.
    private func file(of options: String, at path: String) throws -> String {
        let name = "variables-4.wasm"
        return try Command.withFolder([name: bytes(name)]) { folder in
            let script = """
                "$0" run \(options) --invoke run \(name) 3 > /dev/null & wait $!
                cat "\(path)"; rm -f "\(path)"
                """
            return try run(script, in: folder)
        }
    }

    @Test(arguments: ["baseline", "tiered"])
    func mapsForPerf(compiler: String) throws {
        let map = try file(of: "--perf map --compiler \(compiler)", at: "/tmp/perf-$!.map")
        let lines = map.split(separator: "\n")
        for name in [" run", " area", " apus entry [i32] -> [i32]"] {
            let line = lines.first { $0.hasSuffix(name) }
            let fields = line?.split(separator: " ").prefix(2).map { UInt($0, radix: 16) }
            #expect(fields?.count == 2 && fields?.contains(nil) == false, "\(name): \(map)")
        }
    }

    @Test func dumpsForPerf() throws {
        let dump = try file(of: "--perf jitdump", at: "jit-$!.dump")
        #expect(dump.contains("DTiJ"))
        #expect(dump.contains("area\0"))
        #expect(dump.contains("/src/variables.c"))
    }

    /// Each line has the name of its file: with a long one there are fewer lines.
    @Test func dumpsAreBounded() throws {
        let loads = String(repeating: "(local.set 0 (i32.load (local.get 0)))", count: 300)
        let text = """
            (module (memory 1) (func (export "run") (param i32) \(loads))
              (@custom "sourceMappingURL" "\\08long.map"))
            """
        let lines = Array(repeating: "CACA", count: 2000).joined(separator: ",")
        let name = String(repeating: "x", count: 4000)
        let map = #"{"version":3,"sources":["\#(name)"],"names":[],"mappings":"AAAA,\#(lines)"}"#
        let files = ["long.wat": Array(text.utf8), "long.map": Array(map.utf8)]
        let output = try Command.withFolder(files) { folder in
            let script = """
                "$0" run --perf jitdump --invoke run long.wat 3 & wait $!
                grep -ac xxxx "jit-$!.dump"; wc -c < "jit-$!.dump"; rm -f "jit-$!.dump"
                """
            return try run(script, in: folder)
        }
        let counts = output.split(separator: "\n").compactMap { Int($0) }
        try #require(counts.count == 2)
        // There are some.
        #expect(counts[0] > 0 && counts[1] > 20_000)
        #expect(counts[1] < 400_000)
    }

    /// Whether perf may look at a process of ours here.
    private static let canRecord: Bool = {
        guard isInstalled("perf") else { return false }
        let folder = FileManager.default.temporaryDirectory
        let script = "perf record -e cpu-clock -o /dev/null true > /dev/null 2>&1; echo $?"
        return (try? Command.run(shell: script, in: folder).output) == "0\n"
    }()

    /// Goes round as often as it is told.
    private static let spin = Array(
        """
        (module (func $spin (export "run") (param i32)
          (loop (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))))
        """.utf8)

    /// perf finds names by itself.
    @Test(.enabled(if: canRecord, "perf may not look at processes here"))
    func perfKnowsFunctions() throws {
        let output = try Command.withFolder(["spin.wat": Self.spin]) { folder in
            let script = """
                perf record -q -e cpu-clock -F 5000 -o perf.data \
                "$0" run --perf map --compiler baseline --invoke run spin.wat 500000000 2> /dev/null
                perf script -i perf.data -F ip,sym 2> /dev/null | grep -c ' spin$'
                """
            return try run(script, in: folder)
        }
        #expect(Int(output.dropLast()) ?? 0 > 20, "\(output)")
    }

    /// perf makes files of what is in a dump, with names.
    @Test(
        .enabled(if: canRecord && isInstalled("readelf"), "perf may not look at processes here"))
    func perfTakesDumps() throws {
        let name = "inlined-5.wasm"
        let output = try Command.withFolder([name: bytes(name)]) { folder in
            let script = """
                perf record -q -e cpu-clock -F 5000 -k mono -o perf.data "$0" run --perf jitdump \
                --compiler optimizing --invoke run \(name) 0 16000 > /dev/null 2>&1
                perf inject --jit -i perf.data -o perf.jit.data 2> /dev/null
                for file in jitted-*.so; do readelf --symbols --debug-dump=line "$file"; done
                """
            return try run(script, in: folder)
        }
        #expect(output.contains(" sum\n") && output.contains(" run\n"), "\(output)")
        #expect(output.contains("inlined.c"), "\(output)")
    }

    // MARK: Profiles

    @Test(arguments: ["flames.html", "profile.json", "stacks.folded"])
    func profiles(output: String) throws {
        try Command.withFolder(["spin.wat": Self.spin]) { folder in
            // Long enough for some samples.
            let outcome = try Command.run(
                [
                    "profile", "--output", output, "--every", "200us", "--invoke", "run",
                    "spin.wat", "300000000",
                ], in: folder)
            #expect(outcome.status == 0)
            #expect(outcome.output.isEmpty)
            #expect(outcome.errorOutput.contains(" in \(output)\n"))
            let text = try String(contentsOf: folder.appending(path: output), encoding: .utf8)
            switch output.suffix(4) {
            case "html": #expect(text.hasPrefix("<!DOCTYPE html>"))
            case "json": #expect(text.contains("speedscope.app/file-format-schema.json"))
            default: #expect(text.contains("spin"), "\(text)")
            }
        }
    }

    /// A program that fails is profiled, too, and ends as it would have without.
    @Test func profilesOfProgramsThatTrap() throws {
        let name = "inlined-5.wasm"
        try Command.withFolder([name: bytes(name)]) { folder in
            let outcome = try Command.run(
                ["profile", "--invoke", "run", name, "-16", "1"], in: folder)
            #expect(outcome.status == 134)
            #expect(outcome.errorOutput.contains("out of bounds memory access"))
            #expect(
                FileManager.default.fileExists(
                    atPath: folder.appending(path: "profile.html").path()))
        }
    }
}
