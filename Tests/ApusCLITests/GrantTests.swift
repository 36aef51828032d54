import Foundation
import Testing

/// What programs are given: arguments, variables, folders, sockets.
struct GrantTests {
    /// Ends with what `path_open` says when it is to make a file in the first folder.
    private static let create = """
        (module
          (import "wasi_snapshot_preview1" "path_open"
            (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
          (memory (export "memory") 1)
          (data (i32.const 0) "made")
          (func (export "_start")
            (call $exit (call $open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 4)
              (i32.const 1) (i64.const 64) (i64.const 0) (i32.const 0) (i32.const 16)))))
        """

    /// Accepts a connection at the first socket and writes to it.
    private static let serve = """
        (module
          (import "wasi_snapshot_preview1" "sock_accept"
            (func $accept (param i32 i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "fd_write"
            (func $write (param i32 i32 i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
          (memory (export "memory") 1)
          (data (i32.const 0) "\\20\\00\\00\\00\\05\\00\\00\\00")
          (data (i32.const 32) "hello")
          (func (export "_start")
            (if (call $accept (i32.const 3) (i32.const 0) (i32.const 16))
              (then (call $exit (i32.const 9))))
            (call $exit (call $write
              (i32.load (i32.const 16)) (i32.const 0) (i32.const 1) (i32.const 24)))))
        """

    /// What the shell script prints, in a folder with the programs, zeros as vertical bars.
    private func shell(_ script: String) throws -> String {
        let files = [
            "echo.wat": Array(SampleModules.echo.utf8), "create.wat": Array(Self.create.utf8),
        ]
        return try Command.withFolder(files) { folder in
            let outcome = try Command.run(shell: script, in: folder)
            return (outcome.output + outcome.errorOutput).replacing("\0", with: "|")
        }
    }

    /// Bytes that are not UTF-8 arrive as they are, and so does what stands for such bytes inside.
    @Test func passesBytes() throws {
        let script = #"""
            "$0" run --env "$(printf 'A\303=\377x')" echo.wat "$(printf 'a\200\303\251')" \
              "$(printf '\364\217\276\200')" | od -An -v -tx1 | tr -d ' \n'
            """#
        let name = "6563686f2e77617400"
        #expect(try shell(script) == name + "6180c3a900" + "f48fbe8000" + "41c33dff7800")
    }

    @Test func passesVariables() throws {
        #expect(
            try shell(#""$0" run --env A=1 --env B=x=y --env A=2 echo.wat"#)
                == "echo.wat|A=2|B=x=y|")
        #expect(try shell(#"A=5 "$0" run --env A --env NONE echo.wat"#) == "echo.wat|A=5|")
        #expect(try shell(#"env -i A=5 "$0" run echo.wat"#) == "echo.wat|")
        #expect(
            try shell(#"env -i A=5 B=6 "$0" run --inherit-env echo.wat"#) == "echo.wat|A=5|B=6|")
        #expect(
            try shell(#"env -i A=5 B=6 "$0" run --inherit-env --env A=7 --env C=8 echo.wat"#)
                == "echo.wat|A=7|B=6|C=8|")
        // An equals sign with an accent over it is one still.
        #expect(
            try shell(#""$0" run --env "$(printf 'A=\314\201')" echo.wat"#) == "echo.wat|A=\u{301}|"
        )
    }

    @Test func namesThemselves() throws {
        #expect(try shell(#""$0" run --argv0 ls echo.wat -l"#) == "ls|-l|")
        #expect(try shell(#""$0" run --argv0 '' echo.wat"#) == "|")
    }

    @Test func readsTheModuleFromTheInput() throws {
        #expect(try shell(#"cat echo.wat | "$0" run - a b"#) == "-|a|b|")
        #expect(try shell(#""$0" - a < echo.wat"#) == "-|a|")
        #expect(try shell(#""$0" parse echo.wat | "$0" run --argv0 x -"#) == "x|")
        #expect(try shell(#""$0" validate - < echo.wat && echo good"#) == "good\n")
        #expect(try shell(#"echo '(modul)' | "$0" run -"#).hasPrefix("apus: standard input:1:"))
        #expect(try shell(#""$0" run - < /dev/null"#) == "apus: standard input: it is empty\n")
    }

    @Test func foldersCanBeReadOnly() throws {
        // notcapable, and success.
        #expect(
            try shell(#""$0" run --dir .::/d:ro create.wat; echo $?; ls made"#).hasPrefix("76\n"))
        #expect(try shell(#""$0" run --dir .:ro create.wat; echo $?"#) == "76\n")
        #expect(try shell(#""$0" run --dir .::/d create.wat; echo $?; ls made"#) == "0\nmade\n")
        #expect(try shell(#""$0" run --dir .:rw create.wat; echo $?; ls made"#) == "0\nmade\n")
        #expect(
            try shell(#"mkdir a:ro; "$0" run --dir a:ro:rw create.wat; echo $?; ls a:ro"#)
                == "0\nmade\n")
        #expect(
            try shell(#""$0" run --dir none::/ create.wat; echo $?"#)
                == "1\napus: --dir none: No such file or directory\n")
    }

    /// Names of files and folders that are not UTF-8.
    @Test func takesPathsThatAreBytes() throws {
        let made = #"""
            d="$(printf 'a\377')"; mkdir "$d"
            "$0" run --dir "$d::/d" create.wat; echo $?; ls "$d"
            rm "$d/made"; "$0" run --max-memory 1MiB --dir "$d" create.wat; echo $?; ls "$d"
            """#
        #expect(try shell(made) == "0\nmade\n0\nmade\n")
        #expect(
            try shell(#""$0" run --dir "$(printf 'b\377::/')" create.wat; echo $?"#)
                == "1\napus: --dir b\u{FFFD}: No such file or directory\n")
        let written = #"""
            f="$(printf 'c\377')"
            "$0" parse echo.wat -o "$f.wasm" && "$0" run --argv0 x "$f.wasm"; ls "$f.wasm" | wc -c
            "$0" compile "$f.wasm"; ls | grep -c apus
            """#
        #expect(
            try shell(written)
                == "x|8\n0\napus: c\u{FFFD}.apus: the path of a compiled module has to be UTF-8\n")
    }

    @Test func benchSeesNoFolder() throws {
        let failed = try shell(#""$0" bench create.wat; ls made"#)
        // badf: there is no third descriptor.
        #expect(failed.contains("apus: the program ended with status 8\n"))
        #expect(try shell(#""$0" bench --dir . create.wat > out && ls made"#) == "made\n")
    }

    @Test func serversListen() throws {
        try Command.withFolder(["serve.wat": Array(Self.serve.utf8)]) { folder in
            let process = Process()
            process.executableURL = Command.executable
            process.arguments = [
                "run", "--timeout", "30s", "--tcplisten", "127.0.0.1:0", "serve.wat",
            ]
            process.currentDirectoryURL = folder
            let errors = Pipe()
            process.standardError = errors
            try process.run()
            let line = String(
                decoding: errors.fileHandleForReading.availableData, as: UTF8.self)
            let port = try #require(UInt16(line.split(separator: ":").last?.dropLast() ?? ""))
            #expect(line == "apus: listening on 127.0.0.1:\(port)\n")
            let received = try Command.run(
                shell: "exec 3<>/dev/tcp/127.0.0.1/\(port) && cat <&3", in: folder, bash: true)
            #expect(received.output == "hello")
            process.waitUntilExit()
            #expect(process.terminationStatus == 0)
        }
    }

    @Test(arguments: ["127.0.0.1", ":80", "::1:80", "127.0.0.1:99999", "[]:1"])
    func refusesWhatIsNoAddress(address: String) throws {
        try Command.withFolder([:]) { folder in
            let outcome = try Command.run(["run", "--tcplisten", address, "x.wasm"], in: folder)
            #expect(outcome.status == 64)
        }
    }

    @Test func saysWhyThereIsNoSocket() throws {
        try Command.withFolder(["serve.wat": Array(Self.serve.utf8)]) { folder in
            let outcome = try Command.run(
                ["run", "--tcplisten", "192.0.2.1:80", "serve.wat"], in: folder)
            #expect(outcome.status == 1)
            #expect(outcome.errorOutput.hasPrefix("apus: --tcplisten 192.0.2.1:80: "))
            #expect(outcome.errorOutput.filter { $0 == "\n" }.count == 1)
        }
    }
}
