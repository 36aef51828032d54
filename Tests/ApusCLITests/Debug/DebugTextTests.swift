import Foundation
import Testing

/// `apus debug` with modules in text form, and with several modules.
@Suite struct DebugTextTests {
    private static let text = """
        (module
          (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
          (memory (export "memory") 1)
          (func $double (param $value i32) (result i32)
            (local $unused i64)
            local.get $value
            i32.const 2
            i32.mul)
          (func (export "_start") (local $count i32)
            (local.set $count (call $double (i32.const 4)))
            (call $exit
              (local.get $count))))
        """

    private static let files = [
        "double.wat": text,
        "library.wat": """
        (module
          (global $calls (mut i32) (i32.const 0))
          (func (export "_initialize") (global.set $calls (i32.const 40)))
          (func $next (export "next") (result i32)
            (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
            (global.get $calls)))
        """,
        "user.wat": """
        (module
          (import "lib" "next" (func $next (result i32)))
          (import "lib" "other" (func $other))
          (func (export "f") (result i32)
            (drop (call $next))
            (call $next))
          (func (export "_start") (drop (call $next))))
        """,
    ].mapValues { [UInt8]($0.utf8) }

    private func setBreakpoints(
        _ client: DebugClient, _ source: [String: Any], _ lines: [Int]
    ) throws -> [Int?] {
        let body: [String: Any] = ["source": source, "breakpoints": lines.map { ["line": $0] }]
        let set = try client.request("setBreakpoints", body)["breakpoints"] as? [[String: Any]]
        return (set ?? []).map { $0["verified"] as? Bool == true ? $0["line"] as? Int : nil }
    }

    /// The paths of the files that frames are in.
    private func paths(_ client: DebugClient) throws -> [String?] {
        let body = try client.request("stackTrace", ["threadId": 1])
        let frames = body["stackFrames"] as? [[String: Any]] ?? []
        return frames.map { ($0["source"] as? [String: Any])?["path"] as? String }
    }

    @Test func linesOfTheVeryFile() throws {
        try Command.withFolder(Self.files) { folder in
            let client = try DebugClient(["double.wat"], in: folder)
            try client.launch([:])
            let path = folder.appending(path: "double.wat").path()
            // Where there is no code the next line counts, of locals, too.
            let set = try setBreakpoints(client, ["path": path], [7, 3, 5, 99])
            #expect(set == [7, 4, 6, nil])
            #expect(try setBreakpoints(client, ["path": path], [7]) == [7])
            try client.request("configurationDone")
            #expect(try client.stop() == "breakpoint")
            #expect(try client.stack() == ["double:7", "_start:10"])
            let paths = try paths(client)
            #expect(paths.allSatisfy { $0?.hasPrefix("/") == true })
            #expect(paths.allSatisfy { $0?.hasSuffix("/double.wat") == true })
            #expect(try client.evaluate("value * 3") == "12")
            #expect(try client.scope("Wasm locals").1["value"] == "4")
            let scopes = try client.request("scopes", ["frameId": 1])["scopes"]
            let names = (scopes as? [[String: Any]] ?? []).compactMap { $0["name"] as? String }
            #expect(names == ["Wasm locals", "Wasm operands", "Wasm globals", "Wasm memories"])
            #expect(try client.go("next") == "step")
            #expect(try client.stack() == ["double:8", "_start:10"])
            #expect(try client.go("stepOut") == "step")
            #expect(try client.stack() == ["_start:10"])
            #expect(try client.go("next") == "step")
            #expect(try client.stack() == ["_start:12"])
            #expect(try client.go("next") == "step")
            #expect(try client.stack() == ["_start:11"])
            try client.request("continue", ["threadId": 1])
            #expect(try client.event("exited")["exitCode"] as? Int == 8)
            let sources = try client.request("loadedSources")["sources"] as? [[String: Any]]
            #expect(
                sources?.compactMap { $0["path"] as? String } == paths.prefix(1).compactMap { $0 })
        }
    }

    /// A program may import from other modules, which are debugged like itself.
    @Test func preloadedModules() throws {
        try Command.withFolder(Self.files) { folder in
            let client = try DebugClient(
                ["--preload", "lib=library.wat", "--unknown-imports", "trap", "user.wat"],
                in: folder)
            try client.launch(["invoke": "f"])
            let path = folder.appending(path: "library.wat").path()
            #expect(try setBreakpoints(client, ["path": path], [5]) == [5])
            let functions = try client.request(
                "setFunctionBreakpoints", ["breakpoints": [["name": "_initialize"]]])
            let reference = (functions["breakpoints"] as? [[String: Any]])?.first?[
                "instructionReference"]
            #expect((reference as? String)?.hasPrefix("0x1000000") == true)
            try client.request("configurationDone")
            #expect(try client.stop() == "function breakpoint")
            #expect(try client.stack() == ["_initialize:3"])
            #expect(try client.go("continue") == "breakpoint")
            #expect(try client.stack() == ["next:5", "f:5"])
            #expect(
                try paths(client).map { $0?.split(separator: "/").last }
                    == ["library.wat", "user.wat"])
            #expect(try client.scope("Wasm globals").1 == ["calls": "40"])
            #expect(try client.go("stepOut") == "step")
            #expect(try client.stack() == ["f:5"])
            #expect(try client.go("continue") == "breakpoint")
            #expect(try client.stack() == ["next:5", "f:6"])
            try client.request("continue", ["threadId": 1])
            #expect(try client.event("exited")["exitCode"] as? Int == 0)
            #expect(client.output == "42\n")
        }
    }

    /// Of modules without sources each has a text of its own.
    @Test func textsOfSeveralModules() throws {
        try Command.withFolder(Self.files) { folder in
            for name in ["library", "user"] { try Command.assemble(name, in: folder) }
            let client = try DebugClient(in: folder)
            try client.launch([
                "program": "user.wasm", "preload": ["lib=library.wasm"], "unknownImports": "trap",
            ])
            let source = try client.request("source", ["sourceReference": 2])
            let lines = try #require(source["content"] as? String).split(separator: "\n")
            let line = try #require(lines.firstIndex { $0.contains("i32.add") }) + 1
            #expect(try setBreakpoints(client, ["sourceReference": 2], [line]) == [line])
            try client.request("configurationDone")
            #expect(try client.stop() == "breakpoint")
            #expect(try client.stack().first == "next:\(line)")
            let body = try client.request("stackTrace", ["threadId": 1])
            let frames = body["stackFrames"] as? [[String: Any]] ?? []
            let sources = frames.compactMap { $0["source"] as? [String: Any] }
            #expect(sources.compactMap { $0["name"] as? String } == ["lib.wat", "module.wat"])
            #expect(sources.compactMap { $0["sourceReference"] as? Int } == [2, 1])
            let place = try #require(frames.first?["instructionPointerReference"] as? String)
            let code = try client.request(
                "disassemble",
                ["memoryReference": place, "instructionOffset": -1, "instructionCount": 3])
            let instructions = code["instructions"] as? [[String: Any]] ?? []
            #expect(
                instructions.map { $0["instruction"] as? String }
                    == ["i32.const 1", "i32.add", "global.set $calls"])
            #expect(instructions.dropFirst().first?["address"] as? String == place)
            let next = try #require(instructions.last?["address"] as? String)
            try client.request(
                "setInstructionBreakpoints", ["breakpoints": [["instructionReference": next]]])
            #expect(try client.go("continue") == "instruction breakpoint")
            #expect(try client.stack().first == "next:\(line + 1)")
            try client.request("continue", ["threadId": 1])
            #expect(try client.event("exited")["exitCode"] as? Int == 0)
        }
    }

    @Test func whatCannotBePreloaded() throws {
        try Command.withFolder(Self.files) { folder in
            func refusal(_ launch: [String: Any]) throws -> String {
                let client = try DebugClient(in: folder)
                try client.request("initialize")
                do {
                    try client.request("launch", launch.merging(["program": "user.wat"]) { $1 })
                    return ""
                } catch {
                    return "\(error)"
                }
            }
            #expect(try refusal(["preload": ["lib"]]).contains("'lib' is no NAME=MODULE"))
            #expect(try refusal(["preload": [1]]) != "")
            #expect(try refusal(["preload": ["lib=none.wat"]]).contains("none.wat"))
            #expect(try refusal(["unknownImports": "maybe"]).contains("'maybe'"))
            let client = try DebugClient(["user.wat"], in: folder)
            try client.launch([:])
            try client.request("configurationDone")
            #expect(try client.event("exited")["exitCode"] as? Int == 1)
            #expect(client.output.contains("--preload lib=MODULE would give it"))
        }
    }
}
