import Foundation
import Testing

/// Who makes a mistake is told in one line what it was and what was probably meant.
struct UsageTests {
    private static let files: [String: [UInt8]] = [
        "math.wasm": SampleModules.mathematics,
        "vector.wat": Array(
            """
            (module
              (func (export "v") (param v128) (result v128) (local.get 0))
              (func (export "r") (param externref) (result externref) (local.get 0)))
            """.utf8),
        "hello.wasm": SampleModules.hello(),
        "elf": [0x7F, 0x45, 0x4C, 0x46, 2, 1, 1, 0],
        "library.a": Array("!<arch>\nx".utf8),
        "program.wasm.gz": [0x1F, 0x8B, 8, 0],
        "empty.wasm": [],
        "zeros.bin": [1, 0, 0, 0, 0, 0, 0, 0],
        "picture.png": [0x89] + Array("PNG\r\n".utf8), "control.Z": [0x20, 0x1F, 0x9D, 0x20],
        "marked.wat": [0xEF, 0xBB, 0xBF] + Array("(module)".utf8),
    ]

    private func run(_ arguments: [String]) throws -> Command.Outcome {
        try Command.withFolder(Self.files) { try Command.run(arguments, in: $0) }
    }

    /// Files and commands may both be similar.
    @Test(arguments: [("insecs", "'insects' or 'apus inspect'?"), ("wrods", "'words'?")])
    func filesWithoutEndingsAreRecommended(name: String, says: String) throws {
        let files = ["insects": SampleModules.hello(), "words": SampleModules.hello()]
        try Command.withFolder(files) { folder in
            let outcome = try Command.run([name], in: folder)
            let reason = "No such file or directory; did you mean \(says)"
            #expect(outcome.errorOutput == "apus: \(name): \(reason)\n")
        }
    }

    /// Such a link has the name that was looked for.
    @Test func aLinkThatLeadsNowhereIsNotRecommended() throws {
        try Command.withFolder([:]) { folder in
            let link = folder.appending(path: "gone.wasm")
            try FileManager.default.createSymbolicLink(
                atPath: link.path(), withDestinationPath: "nowhere")
            for command in ["run", "validate"] {
                let outcome = try Command.run([command, "gone.wasm"], in: folder)
                #expect(outcome.errorOutput == "apus: gone.wasm: No such file or directory\n")
            }
        }
    }

    private static let mistakes: [(line: [String], status: Int32, says: String)] = [
        (
            ["valdiate", "math.wasm"], 1,
            "valdiate: No such file or directory; did you mean 'apus validate'?"
        ),
        (["inspct"], 1, "inspct: No such file or directory; did you mean 'apus inspect'?"),
        (
            ["frobnicate"], 1,
            "frobnicate: No such file or directory, and there is no such command; "
                + "'apus --help' lists them"
        ),
        (["hallo.wasm"], 1, "hallo.wasm: No such file or directory; did you mean 'hello.wasm'?"),
        (
            ["validate", "./maht.wasm"], 1,
            "./maht.wasm: No such file or directory; did you mean './math.wasm'?"
        ),
        (["validate", "nofile"], 1, "nofile: No such file or directory"),
        (["wast", "nofile"], 1, "nofile: No such file or directory"),
        (["run", "."], 1, ".: Is a directory"),
        (
            ["run", "elf"], 1,
            "elf: it is an ELF file (a native program or library), not a WebAssembly module"
        ),
        (
            ["validate", "library.a"], 1,
            "library.a: it is an archive of object files (a static library), "
                + "not a WebAssembly module"
        ),
        (
            ["program.wasm.gz"], 1,
            "program.wasm.gz: it is compressed with gzip, not a WebAssembly module"
        ),
        (["print", "empty.wasm"], 1, "empty.wasm: it is empty"),
        (
            ["bench", "zeros.bin"], 1,
            "zeros.bin: it is no WebAssembly module, neither in binary nor in text form"
        ),
        (
            ["run", "picture.png"], 1,
            "picture.png: it is no WebAssembly module, neither in binary nor in text form"
        ),
        (
            ["validate", "control.Z"], 1,
            "control.Z: it is no WebAssembly module, neither in binary nor in text form"
        ),
        (
            ["run", "marked.wat"], 1,
            "marked.wat:1:1: illegal character\n  \\u{feff}(module)\n  ^~~~~~~~"
        ),
        (
            ["run", "--timeot", "1s", "hello.wasm"], 64,
            "unknown option '--timeot'; did you mean '--timeout'?"
        ),
        (["run", "--bad", "hello.wasm"], 64, "unknown option '--bad'; 'apus help run' tells more"),
        (
            ["bench", "--jsn", "hello.wasm"], 64, "unknown option '--jsn'; did you mean '--json'?"
        ),
        (
            ["run", "--timeout", "soon", "hello.wasm"], 64,
            "the value 'soon' is invalid for '--timeout <DURATION>'; write 50ms, 2s or 1m30s; "
                + "'apus help run' tells more"
        ),
        (
            ["run", "--tcplisten", "80", "hello.wasm"], 64,
            "the value '80' is invalid for '--tcplisten <ADDRESS>'; write 127.0.0.1:8080; "
                + "'apus help run' tells more"
        ),
        (
            ["run", "--dir", "", "hello.wasm"], 64,
            "the value '' is invalid for '--dir <HOST[::GUEST][:ro]>'; write docs, or "
                + "docs::/docs:ro; 'apus help run' tells more"
        ),
        (
            ["run", "--max-memory", "much", "hello.wasm"], 64,
            "the value 'much' is invalid for '--max-memory <BYTES>'; write 65536, 64MiB or 1g; "
                + "'apus help run' tells more"
        ),
        (
            ["bench", "--repeat", "often", "hello.wasm"], 64,
            "the value 'often' is invalid for '--repeat <N>'; write a whole number; "
                + "'apus help bench' tells more"
        ),
        // What begins with a dash is taken for an option.
        (
            ["run", "--fuel", "-1", "hello.wasm"], 64,
            "the value '-1' is invalid for '--fuel <N>'; write a whole number; "
                + "'apus help run' tells more"
        ),
        (
            ["run", "--timeout", "-5s", "hello.wasm"], 64,
            "the value '-5s' is invalid for '--timeout <DURATION>'; write 50ms, 2s or 1m30s; "
                + "'apus help run' tells more"
        ),
        (
            ["run", "--fuel", "--json", "hello.wasm"], 64,
            "missing value for '--fuel <N>'; 'apus help run' tells more"
        ),
        (["help", "isnpect"], 64, "there is no command 'isnpect'; did you mean 'inspect'?"),
        (
            ["help", "frobnicate"], 64,
            "there is no command 'frobnicate'; 'apus --help' lists them"
        ),
        (
            ["help", "cache", "frobnicate"], 64,
            "there is no command 'frobnicate'; 'apus help cache' tells more"
        ),
        (
            ["inspect", "--stage", "ir", "math.wasm"], 64,
            "--stage goes with --function alone, and shows one function; 'apus help inspect' "
                + "tells more"
        ),
        (
            ["parse", "math.wasm"], 1,
            "math.wasm: it is in binary form already; `apus print` shows it as text"
        ),
        (
            ["parse", "elf"], 1,
            "elf: it is an ELF file (a native program or library), not a WebAssembly module"
        ),
        (
            ["wast", "math.wasm"], 1,
            "math.wasm: it is in binary form already; `apus print` shows it as text"
        ),
        (
            ["validate"], 64,
            "missing expected argument '<modules> ...'; 'apus help validate' tells more"
        ),
        (
            ["run", "--invoke", "add", "math.wasm", "1", "x"], 64,
            "argument 2 of 'add', 'x', is no i32: that is an integer, such as -7 or 0x1f, of "
                + "32 bits; 'apus help run' tells more"
        ),
        (
            ["run", "--invoke", "add", "math.wasm", "1"], 64,
            "'add' takes 2 arguments (i32 i32), not 1; 'apus help run' tells more"
        ),
        (
            ["run", "--invoke", "ad", "math.wasm"], 1,
            "math.wasm: no export is named \"ad\" (wanted a function); did you mean \"add\"?"
        ),
    ]

    @Test(arguments: mistakes.indices)
    func oneLineSaysIt(index: Int) throws {
        let mistake = Self.mistakes[index]
        let outcome = try run(mistake.line)
        #expect(outcome.errorOutput == "apus: \(mistake.says)\n")
        #expect(outcome.status == mistake.status)
        #expect(!outcome.output.contains("invalid"))
    }

    @Test func namesThatAreNotUTF8() throws {
        let outcome = try Command.withFolder(Self.files) { folder in
            try Command.run(
                shell: #""$0" run --invoke "$(printf 'ad\377')" math.wasm"#, in: folder)
        }
        #expect(outcome.errorOutput.contains("no export is named \"ad\u{FFFD}\" (wanted"))
    }

    @Test(arguments: [["-V"], ["--version"], ["version"]])
    func versions(arguments: [String]) throws {
        let outcome = try run(arguments)
        #expect(outcome.status == 0)
        #expect(outcome.output.wholeMatch(of: /apus \d+\.\d+\.\d+\n/) != nil)
        #expect(outcome.errorOutput == "")
    }

    @Test(arguments: [
        ("0x1f", "0x0000000000000000000000000000001f"),
        ("258", "0x00000000000000000000000000000102"),
        ("i32x4:1,2,3,-4", "0xfffffffc000000030000000200000001"),
        ("i8x16:0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,255", "0xff0e0d0c0b0a09080706050403020100"),
        ("i16x8:1,2,3,4,5,6,7,-1", "0xffff0007000600050004000300020001"),
        ("i64x2:-1,0x10", "0x0000000000000010ffffffffffffffff"),
        ("f32x4:1,-0,inf,0.5", "0x3f0000007f800000800000003f800000"),
        ("f64x2:1,2", "0x40000000000000003ff0000000000000"),
    ])
    func vectors(text: String, printed: String) throws {
        let arguments = ["run", "--invoke", "v", "vector.wat"]
        #expect(try run(arguments + [text]).output == printed + "\n")
        #expect(try run(arguments + [printed]).output == printed + "\n")
    }

    @Test(arguments: [
        "i32x4:1,2,3", "i32x4:1,2,3,4,5", "i8x16:256", "x", "", "i32x4:", "i9x9:1", "0x",
        "0x100000000000000000000000000000000", "i8x16:0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,256",
    ])
    func refusesOtherVectors(text: String) throws {
        #expect(try run(["run", "--invoke", "v", "vector.wat", text]).status == 64)
    }

    @Test func references() throws {
        #expect(try run(["run", "--invoke", "r", "vector.wat", "null"]).output == "null\n")
        #expect(try run(["run", "--invoke", "r", "vector.wat", "1"]).status == 64)
    }

    @Test func helpSaysHowItEnds() throws {
        for arguments in [["--help"], ["help", "run"]] {
            let help = try run(arguments).output
            let start = try #require(help.range(of: "EXIT STATUS:"))
            let lines = help[start.upperBound...].split(separator: "\n").prefix(7)
            // A line that was too wide goes on at the margin.
            #expect(lines.allSatisfy { $0.hasPrefix("  ") }, "\(lines)")
            for status in ["124  ", "134  ", "64   ", "1    "] {
                #expect(help.contains("\n  \(status)"), "\(status)")
            }
        }
    }

    /// Each option has an example, in its own line or below.
    @Test func optionsHaveExamples() throws {
        let help = try run(["help", "run"]).output
        for option in [
            "--dir", "--env", "--inherit-env", "--tcplisten", "--argv0", "--invoke", "--preload",
            "--unknown-imports", "--timeout", "--fuel", "--max-memory", "--max-table-elements",
            "--max-instances", "--max-memories", "--max-tables", "--max-threads", "--max-stack",
            "--pooling",
            "--check-bounds", "--unmasked", "--compiler", "--feature", "--without",
            "--stats",
        ] {
            #expect(help.contains(option), "\(option)")
        }
    }

    @Test func showsSettings() throws {
        let plain = try run(["settings"])
        #expect(plain.status == 0)
        for text in [
            "tiered (chosen)", "on demand", "memories          4.0 GiB", "SIGURG",
            "found and used", "without end", "the system", "left to the processor",
            "2GiB before each memory", "addresses that are compared are masked",
            "written in order", "threads           128, the first",
            "half of what the thread has left", "32 for each byte",
        ] {
            #expect(plain.output.contains(text), "\(text)")
        }
        let other = try run([
            "settings", "--compiler", "baseline", "--pooling", "--max-memory", "1g", "--without",
            "simd", "--fuel", "77", "--timeout", "1m30s", "--check-bounds", "--unmasked",
            "--without", "bulk-memory-operations", "--max-memories", "3", "--max-tables", "4",
            "--max-threads", "5",
        ])
        for text in [
            "baseline (chosen)", "a pool of 100", "memories          1.0 GiB", "77", "1m30s",
            "compared with the memory's size", "none; memories reserve",
            "addresses that are compared are not", "checked all at once",
            "their number      3", "their number      4", "threads           5, the first",
        ] {
            #expect(other.output.contains(text), "\(text)")
        }
        let off = other.output.split(separator: "\n").first { $0.contains("features off") }
        #expect(off?.contains(" simd") == true)
        #expect(try run(["settings", "--timout", "1s"]).status == 64)
    }
}
