import Foundation
import Testing

/// `apus cover`, with the tools that read what it writes.
@Suite struct CoverTests {
    private static let fixtures = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "ApusDWARFTests/Fixtures")

    private static func isInstalled(_ tool: String) -> Bool {
        FileManager.default.isExecutableFile(atPath: "/usr/bin/\(tool)")
    }

    private func file(_ name: String) throws -> [UInt8] {
        Array(try Data(contentsOf: Self.fixtures.appending(path: name)))
    }

    /// Does `work` with a folder in which the fixture and its sources are.
    private func withSources(_ work: (URL) throws -> Void) throws {
        let files = try ["counted.wasm", "counted.c", "counted.h"].map { ($0, try file($0)) }
        try Command.withFolder(Dictionary(uniqueKeysWithValues: files), work)
    }

    private func text(_ name: String, in folder: URL) throws -> String {
        try String(contentsOf: folder.appending(path: name), encoding: .utf8)
    }

    private let run = ["--substitute-path", "/src=.", "--invoke", "run", "counted.wasm", "5", "0"]

    @Test func formsByEndings() throws {
        try withSources { folder in
            let outcome = try Command.run(
                ["cover", "-o", "page.html", "-o", "t.info", "-o", "c.json", "-o", "s.txt"] + run,
                in: folder)
            #expect(outcome.status == 0)
            #expect(outcome.output == "100\n")
            #expect(outcome.errorOutput.contains("of 5 functions, "))
            #expect(outcome.errorOutput.contains("branches in t.info\n"))
            #expect(try text("t.info", in: folder).hasPrefix("TN:\nSF:./counted.c\n"))
            #expect(try text("s.txt", in: folder).contains("./counted.h"))
            #expect(try text("c.json", in: folder).hasPrefix("{\"unmappedFunctions\":0"))
            let page = try text("page.html", in: folder)
            #expect(page.hasPrefix("<!DOCTYPE html>"))
            #expect(page.contains("if (index % 4 == 3) {"))
        }
    }

    /// A module in binary form, made of `text`.
    private func binary(_ text: String) throws -> [UInt8] {
        try Command.withFolder(["m.wat": Array(text.utf8)]) { folder in
            try Command.assemble("m", in: folder)
            return Array(try Data(contentsOf: folder.appending(path: "m.wasm")))
        }
    }

    /// The module's text goes into a file that nobody has named.
    @Test func whatIsThereStays() throws {
        let module = try binary(
            "(module (func (export \"_start\")) (memory (export \"memory\") 1))")
        try Command.withFolder(["m.wasm": module, "own": [1, 2, 3]]) { folder in
            let manager = FileManager.default
            let path = folder.appending(path: "m.wasm.wat").path()
            let own = folder.appending(path: "own").path()
            for isLink in [false, true] {
                if isLink {
                    try manager.createSymbolicLink(atPath: path, withDestinationPath: own)
                } else {
                    try manager.copyItem(atPath: own, toPath: path)
                }
                let outcome = try Command.run(["cover", "-o", "c.info", "m.wasm"], in: folder)
                #expect(outcome.status != 0)
                #expect(
                    outcome.errorOutput.contains("m.wasm.wat: something else is there already"))
                #expect(
                    try Data(contentsOf: folder.appending(path: "m.wasm.wat")) == Data([1, 2, 3]))
                try manager.removeItem(atPath: path)
            }
        }
    }

    @Test func formsByName() throws {
        try withSources { folder in
            let outcome = try Command.run(
                ["cover", "--format", "lcov", "--format", "html", "-o", "all"] + run, in: folder)
            #expect(outcome.status == 0)
            #expect(try text("all.info", in: folder).hasSuffix("end_of_record\n"))
            #expect(try text("all.html", in: folder).contains("</html>"))
            let summary = try Command.run(["cover", "--format", "summary"] + run, in: folder)
            #expect(summary.errorOutput.contains("all files"))
            #expect(
                try FileManager.default.contentsOfDirectory(atPath: folder.path()).count == 5)
            let plain = try Command.run(["cover"] + run, in: folder)
            #expect(plain.errorOutput.contains(" in coverage.html"))
            let wrong = try Command.run(
                ["cover", "-o", "a", "-o", "b", "--format", "lcov"] + run, in: folder)
            #expect(wrong.status == 64)
        }
    }

    @Test func sourcesThatAreWanted() throws {
        try withSources { folder in
            let options = ["cover", "-o", "s.txt", "--exclude", "./counted.h"]
            _ = try Command.run(options + run, in: folder)
            #expect(try !text("s.txt", in: folder).contains("counted.h"))
            _ = try Command.run(
                ["cover", "-o", "s.txt", "--include", "./counted.h"] + run, in: folder)
            #expect(try !text("s.txt", in: folder).contains("counted.c"))
        }
    }

    /// Whatever a program names for its sources, only files below folders that were named are read.
    @Test func otherFilesAreNotShown() throws {
        let secret = Array("top secret\n".utf8)
        try Command.withFolder(["counted.c": secret]) { outside in
            try withSources { folder in
                let options = ["cover", "--invoke", "run", "counted.wasm", "5", "0"]
                // It is found by the end of its path; what a link leads to is not below here.
                _ = try Command.run(options, in: folder)
                #expect(try text("coverage.html", in: folder).contains("index % 4"))
                try FileManager.default.removeItem(at: folder.appending(path: "counted.c"))
                try FileManager.default.createSymbolicLink(
                    at: folder.appending(path: "counted.c"),
                    withDestinationURL: outside.appending(path: "counted.c"))
                _ = try Command.run(["cover"] + run, in: folder)
                #expect(try !text("coverage.html", in: folder).contains("top secret"))
                let substituted = ["cover", "--substitute-path", "/src=\(outside.path())"]
                _ = try Command.run(substituted + options.dropFirst(), in: folder)
                #expect(try text("coverage.html", in: folder).contains("top secret"))
            }
        }
    }

    /// Programs that fail have a coverage, too, and end as they would have without.
    @Test func programsThatFail() throws {
        let programs = [
            ("trap", "(func (export \"_start\") (nop) (unreachable))", 134, []),
            (
                "exit",
                """
                (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
                (func (export "_start") (call $exit (i32.const 7)) (nop))
                """, 7, []
            ),
            ("loop", "(func (export \"_start\") (loop (br 0)))", 124, ["--timeout", "2s"]),
            ("fuel", "(func (export \"_start\") (loop (br 0)))", 134, ["--fuel", "1000"]),
        ]
        for (name, body, status, options) in programs {
            let module = "(module \(body) (memory (export \"memory\") 1))"
            let files = ["\(name).wasm": try binary(module)]
            try Command.withFolder(files) { folder in
                let arguments = ["cover", "-o", "c.info"] + options + ["\(name).wasm"]
                let outcome = try Command.run(arguments, in: folder)
                #expect(outcome.status == status, "\(name): \(outcome.errorOutput)")
                let trace = try text("c.info", in: folder)
                #expect(trace.contains("SF:\(name).wasm.wat\n"), "\(name)")
                #expect(trace.contains("FNDA:1,_start"), "\(name): \(trace)")
                #expect(try text("\(name).wasm.wat", in: folder).contains("(func "))
                if name == "exit" {
                    // It may be replaced, but nothing that is somebody else's.
                    #expect(try Command.run(arguments, in: folder).status == status)
                    // What comes behind the call was never run.
                    #expect(trace.contains(",0\n"), "\(trace)")
                }
            }
        }
        let missing = try Command.withFolder([:]) {
            try Command.run(["cover", "nothing.wasm"], in: $0)
        }
        #expect(missing.status == 1 && !missing.errorOutput.contains("coverage.html"))
    }

    /// Modules that a program imports from are covered as well.
    @Test func preloadedModules() throws {
        let files = [
            "main.wat": """
            (module (import "env" "f" (func $f)) (func (export "run") (call $f)))
            """,
            "env.wat": "(module (func $f (export \"f\")) (func $g (export \"g\")))",
        ].mapValues { Array($0.utf8) }
        try Command.withFolder(files) { folder in
            let outcome = try Command.run(
                [
                    "cover", "-o", "c.txt", "--preload", "env=env.wat", "--invoke", "run",
                    "main.wat",
                ],
                in: folder)
            #expect(outcome.status == 0, "\(outcome.errorOutput)")
            let summary = try text("c.txt", in: folder)
            #expect(summary.contains("env.wat") && summary.contains("main.wat"))
            #expect(!summary.contains(".wat.wat"))
        }
    }

    // MARK: Modules as text

    private static let counted = """
        (module
          (func $f (param i32) (result i32)
            (if (result i32) (i32.eqz (local.get 0))
              (then (i32.const 1))
              (else (i32.div_u (i32.const 10)
                (i32.sub (local.get 0) (i32.const 3))))))
          (func (export "run") (param i32) (result i32)
            (call $f (local.get 0)))
          (func $never nop)
        )

        """

    /// Lines with their counts, as a tracefile and as a page have them.
    private func lines(_ name: String, in folder: URL) throws -> (lcov: [String], page: [String]) {
        _ = try Command.run(
            ["cover", "-o", "c.info", "-o", "c.html", "--invoke", "run", name, "0"], in: folder)
        let trace = try text("c.info", in: folder).split(separator: "\n")
        let counted =
            #/
            <tr\ id="f0l(\d+)"\ class="(?:hit|miss|part)"><td\ class="number">\d+
            <td\ class="count">(\d+)
            /#
        let rows = try text("c.html", in: folder).matches(of: counted)
        return (
            trace.filter { $0.hasPrefix("DA:") }.map { String($0.dropFirst(3)) },
            rows.map { "\($0.output.1),\($0.output.2)" }
        )
    }

    /// Of a module in text form the lines are those of the very file; nothing is written beside it.
    @Test func linesOfTexts() throws {
        try Command.withFolder(["m.wat": Array(Self.counted.utf8)]) { folder in
            let (trace, page) = try lines("m.wat", in: folder)
            #expect(trace == ["2,1", "3,1", "4,1", "5,0", "6,0", "7,1", "8,1", "9,0"])
            #expect(page == trace)
            let whole = try text("c.info", in: folder)
            #expect(whole.hasPrefix("TN:\nSF:m.wat\nFN:2,f\nFN:7,run\nFN:9,never\n"))
            #expect(whole.contains("BRDA:3,0,0,1\nBRDA:3,0,1,0\n"))
            #expect(try text("c.html", in: folder).contains("(else (i32.div_u (i32.const 10)"))
            let names = try FileManager.default.contentsOfDirectory(atPath: folder.path())
            #expect(names.sorted() == ["c.html", "c.info", "m.wat"])
        }
    }

    /// Of one in binary form that names no sources they are those of its text, which is written
    /// beside the tracefile; the page leaves out what was never called.
    @Test func linesOfModulesWithoutSources() throws {
        try Command.withFolder(["m.wasm": binary(Self.counted)]) { folder in
            let (trace, page) = try lines("m.wasm", in: folder)
            let printed = try text("m.wasm.wat", in: folder).split(
                separator: "\n", omittingEmptySubsequences: false)
            let shown = trace.compactMap { line -> String? in
                let parts = line.split(separator: ",")
                let number = Int(parts[0]) ?? 0
                return "\(parts[1]) \(printed[number - 1].drop { $0 == " " })"
            }
            #expect(
                shown == [
                    "1 (func $f (type 0) (param i32) (result i32)", "1 local.get 0", "1 i32.eqz",
                    "1 if (result i32)", "1 i32.const 1", "0 i32.const 10", "0 local.get 0",
                    "0 i32.const 3", "0 i32.sub", "0 i32.div_u",
                    "1 (func (;1;) (type 0) (param i32) (result i32)", "1 local.get 0", "1 call $f",
                    "0 (func $never (type 1)", "0 nop",
                ])
            #expect(page == Array(trace.dropLast(2)))
        }
    }

    // MARK: Tools

    @Test(.enabled(if: isInstalled("genhtml") && isInstalled("lcov"), "lcov is not installed"))
    func tracefilesAreRead() throws {
        try withSources { folder in
            let script = """
                set -e
                for kind in 0 1; do
                  "$0" cover -o $kind.info --substitute-path /src=. \
                    --invoke run counted.wasm 5 $kind
                done
                lcov --rc lcov_branch_coverage=1 -a 0.info -a 1.info -o both.info
                lcov --rc lcov_branch_coverage=1 --summary both.info
                genhtml --branch-coverage both.info -o pages
                """
            let outcome = try Command.run(shell: script, in: folder)
            #expect(outcome.status == 0, "\(outcome.errorOutput)")
            let merged = try text("both.info", in: folder)
            #expect(merged.contains("FNDA:2,run\n"), "\(merged)")
            #expect(merged.contains("DA:33,10\n"), "\(merged)")
            #expect(outcome.output.contains("functions..: 80.0% (4 of 5 functions)"))
            let pages = FileManager.default.enumerator(atPath: folder.path() + "/pages")
            #expect(pages?.contains { "\($0)".hasSuffix("counted.c.gcov.html") } == true)
        }
    }

    /// The page as a browser has it after loading.
    private func document(_ page: String, in folder: URL) throws -> String {
        let script = """
            timeout 60 chromium --headless --no-sandbox --disable-gpu --dump-dom \
            --user-data-dir="$PWD/profile" "file://$PWD/\(page)" > dom.html 2> /dev/null
            """
        _ = try Command.run(shell: script, in: folder)
        return try text("dom.html", in: folder)
    }

    @Test(.enabled(if: isInstalled("chromium"), "there is no browser"))
    func browsersShowPages() throws {
        try withSources { folder in
            _ = try Command.run(["cover"] + run, in: folder)
            let document = try document("coverage.html", in: folder)
            #expect(document.contains("<title>Coverage of counted.wasm</title>"))
            // The browser has completed the rows: line 33 has been run five times.
            let row = document.firstRange(of: "id=\"f0l33\" class=\"hit\"")
            let rest = row.map { document[$0.upperBound...].prefix(200) } ?? ""
            #expect(rest.contains("<td class=\"count\">5</td>"), "\(rest)")
            #expect(rest.contains("if (index % 4 == 3) {"), "\(rest)")
        }
    }

    /// The flame graph draws itself.
    @Test(.enabled(if: isInstalled("chromium"), "there is no browser"))
    func browsersDrawFlameGraphs() throws {
        try withSources { folder in
            let options = ["profile", "--every", "100us", "--invoke", "run"]
            _ = try Command.run(options + ["counted.wasm", "3000000", "0"], in: folder)
            let document = try document("profile.html", in: folder)
            #expect(document.contains("role=\"treeitem\""))
            #expect(document.contains(">run</div>"))
        }
    }
}
