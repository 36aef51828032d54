import Foundation
import Testing

/// `apus debug`, driven as an editor drives it.
@Suite struct DebugTests {
    private static let fixtures = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../../ApusDWARFTests/Fixtures").standardized

    /// A program of C with its DWARF sections: `program.c`.
    private func program(_ arguments: [String: Any] = [:]) throws -> DebugClient {
        let client = try DebugClient(in: Self.fixtures)
        try client.launch(arguments.merging(["program": "program.wasm"]) { $1 })
        return client
    }

    private func setBreakpoints(
        _ client: DebugClient, _ breakpoints: [[String: Any]]
    ) throws -> [[String: Any]] {
        let body: [String: Any] = [
            "source": ["path": "/home/somebody/src/program.c"], "breakpoints": breakpoints,
        ]
        return try client.request("setBreakpoints", body)["breakpoints"] as? [[String: Any]] ?? []
    }

    /// A library has no beginning: one of its functions is called.
    @Test func functionsOfLibraries() throws {
        let text = """
            (module (global $base (mut i32) (i32.const 0))
              (func (export "_initialize") (global.set $base (i32.const 100)))
              (func (export "add") (param i32 i32) (result i32)
                (i32.add (global.get $base) (i32.add (local.get 0) (local.get 1)))))
            """
        try Command.withFolder(["library.wat": Array(text.utf8)]) { folder in
            func outcome(_ client: DebugClient, _ launch: [String: Any]) throws -> (String, Int?) {
                try client.launch(launch)
                try client.request("configurationDone")
                let status = try client.event("exited")["exitCode"] as? Int
                return (client.output, status)
            }
            let asked = try outcome(
                DebugClient(in: folder),
                ["program": "library.wat", "invoke": "add", "args": ["2", "3"]])
            #expect(asked == ("105\n", 0))
            let named = try outcome(
                DebugClient(["--invoke", "add", "library.wat", "2", "4"], in: folder), [:])
            #expect(named == ("106\n", 0))
            let missing = try outcome(
                DebugClient(in: folder), ["program": "library.wat", "invoke": "ad"])
            #expect(missing.1 == 1 && missing.0.contains("did you mean \"add\"?"))
            let few = try outcome(
                DebugClient(in: folder), ["program": "library.wat", "invoke": "add"])
            #expect(few.1 == 1 && few.0.contains("'add' takes 2 arguments (i32 i32), not 0"))
            let stopped = try DebugClient(in: folder)
            try stopped.launch(
                [
                    "program": "library.wat", "invoke": "add", "args": ["2", "3"],
                    "stopOnEntry": true,
                ])
            try stopped.request("configurationDone")
            #expect(try stopped.stop() == "entry")
        }
    }

    @Test func linesVariablesAndSteps() throws {
        let client = try program()
        let set = try setBreakpoints(client, [["line": 33], ["line": 1000]])
        #expect(set.map { $0["verified"] as? Bool } == [true, false])
        #expect(set[0]["line"] as? Int == 33)
        try client.request("configurationDone")
        #expect(try client.stop() == "breakpoint")
        #expect(try client.stack() == ["sum:33", "start:46"])
        let (locals, values) = try client.scope("Locals")
        #expect(values["index"] == "0")
        #expect(values["product"] == "2")
        let (_, globals) = try client.scope("Globals", frame: 2)
        #expect(globals["total"] == "0")
        #expect(
            try client.evaluate("points[1]")
                == "{x = 2, y = 2, color = green (5), low = 0, high = 9}")
        #expect(try client.evaluate("all->x + all[2].x") == "4")
        #expect(try client.evaluate("points[1].color == 5 && product != 3") == "1")
        // Another product makes another sum: 40 + 4 + 6.
        let setTo = try client.request(
            "setVariable", ["variablesReference": locals, "name": "product", "value": "30 + 10"])
        #expect(setTo["value"] as? String == "40")
        #expect(try client.go("next") == "step")
        #expect(try client.stack() == ["sum:31", "start:46"])
        #expect(try client.evaluate("result") == "40")
        #expect(try client.go("continue") == "breakpoint")
        _ = try setBreakpoints(client, [])
        #expect(try client.go("stepOut") == "step")
        #expect(try client.stack() == ["start:46"])
        #expect(try client.go("next") == "step")
        #expect(try client.stack() == ["start:47"])
        #expect(try client.go("stepIn") == "step")
        #expect(try client.stack() == ["say:24", "start:47"])
        #expect(try client.evaluate("text").hasSuffix("\"done\\n\""))
        try client.request("continue", ["threadId": 1])
        #expect(try client.event("exited")["exitCode"] as? Int == 50)
        _ = try client.event("terminated")
        #expect(client.output == "hello\ndone\n")
        try client.request("disconnect")
        #expect(try client.leave() == 0)
    }

    @Test func conditionsHitCountsAndLogPoints() throws {
        let client = try program()
        _ = try setBreakpoints(
            client,
            [
                ["line": 33, "condition": "index == 1"],
                ["line": 32, "hitCondition": "3"],
                ["line": 35, "logMessage": "result is {result}"],
            ])
        try client.request("configurationDone")
        #expect(try client.stop() == "breakpoint")
        #expect(try client.evaluate("index") == "1")
        #expect(try client.go("continue") == "breakpoint")
        #expect(try client.stack().first == "sum:32")
        #expect(try client.evaluate("index") == "2")
        try client.request("continue", ["threadId": 1])
        #expect(try client.event("exited")["exitCode"] as? Int == 12)
        #expect(client.console == "result is 12\n")
    }

    @Test func functionsDataAndMemory() throws {
        let client = try program()
        let set = try client.request(
            "setFunctionBreakpoints", ["breakpoints": [["name": "say"], ["name": "nobody"]]])
        let functions = set["breakpoints"] as? [[String: Any]] ?? []
        #expect(functions.map { $0["verified"] as? Bool } == [true, false])
        try client.request("configurationDone")
        #expect(try client.stop() == "function breakpoint")
        #expect(try client.stack() == ["say:24", "start:45"])
        try client.request("setFunctionBreakpoints", ["breakpoints": []])
        let info = try client.request("dataBreakpointInfo", ["name": "total", "frameId": 2])
        let identity = try #require(info["dataId"] as? String)
        let data = try client.request(
            "setDataBreakpoints", ["breakpoints": [["dataId": identity]]])
        #expect((data["breakpoints"] as? [[String: Any]])?.first?["verified"] as? Bool == true)
        #expect(try client.go("continue") == "data breakpoint")
        // Before what comes next.
        #expect(try client.stack() == ["start:47"])
        #expect(try client.evaluate("total") == "12")
        let address = try client.evaluate("&total")
        let read = try client.request(
            "readMemory", ["memoryReference": address, "offset": 0, "count": 4])
        #expect(read["data"] as? String == "DAAAAA==")
        // 100, for which the program traps.
        try client.request(
            "writeMemory", ["memoryReference": address, "data": "ZAAAAA=="])
        try client.request("setDataBreakpoints", ["breakpoints": []])
        #expect(try client.go("continue") == "exception")
        #expect(try client.stack() == ["start:48"])
        let exception = try client.request("exceptionInfo", ["threadId": 1])
        #expect(exception["description"] as? String == "unreachable")
        try client.request("continue", ["threadId": 1])
        #expect(try client.event("exited")["exitCode"] as? Int == 134)
        _ = try client.event("terminated")
        #expect(client.output.contains("unreachable"))
    }

    private static let text = """
        (module
          (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
          (memory (export "memory") 1)
          (global $limit (mut i64) (i64.const 7))
          (func $double (param $value i32) (result i32)
            local.get $value
            i32.const 2
            i32.mul)
          (func (export "_start") (local $count i32)
            (local.set $count (call $double (i32.const 4)))
            (call $exit (local.get $count))))
        """

    @Test func modulesWithoutSources() throws {
        try Command.withFolder(["double.wat": [UInt8](Self.text.utf8)]) { folder in
            try Command.assemble("double", in: folder)
            let client = try DebugClient(["double.wasm"], in: folder)
            try client.launch(["stopOnEntry": true])
            try client.request("configurationDone")
            #expect(try client.stop() == "entry")
            let source = try client.request("source", ["sourceReference": 1])
            let lines = try #require(source["content"] as? String).split(separator: "\n")
            let line = try #require(lines.firstIndex { $0.contains("i32.mul") }) + 1
            #expect(try client.stack().first?.hasPrefix("_start:") == true)
            let set = try client.request(
                "setBreakpoints",
                ["source": ["sourceReference": 1], "breakpoints": [["line": line]]])
            let breakpoint = try #require((set["breakpoints"] as? [[String: Any]])?.first)
            #expect(breakpoint["line"] as? Int == line)
            #expect(try client.go("continue") == "breakpoint")
            #expect(try client.stack().first == "double:\(line)")
            #expect(try client.scope("Wasm locals").1 == ["value": "4"])
            #expect(try client.scope("Wasm operands").1 == ["operand0": "4", "operand1": "2"])
            #expect(try client.scope("Wasm globals").1 == ["limit": "7"])
            #expect(try client.scope("Wasm memories").1 == ["memory0": "65536 bytes"])
            let (operands, _) = try client.scope("Wasm operands")
            try client.request(
                "setVariable",
                ["variablesReference": operands, "name": "operand1", "value": "limit"])
            let reference = try #require(breakpoint["instructionReference"] as? String)
            let code = try client.request(
                "disassemble",
                [
                    "memoryReference": reference, "instructionOffset": -2, "instructionCount": 4,
                ])
            let instructions = code["instructions"] as? [[String: Any]] ?? []
            #expect(
                instructions.map { $0["instruction"] as? String }
                    == ["local.get $value", "i32.const 2", "i32.mul", "end"])
            #expect(try client.go("stepOut", ["granularity": "instruction"]) == "step")
            #expect(try client.stack().first?.hasPrefix("_start:") == true)
            try client.request("continue", ["threadId": 1])
            #expect(try client.event("exited")["exitCode"] as? Int == 28)
        }
    }

    private static let forever = """
        (module (memory (export "memory") 1) (func (export "_start") (loop $l (br $l))))
        """

    @Test func pausesAndEnds() throws {
        try Command.withFolder(["forever.wat": [UInt8](Self.forever.utf8)]) { folder in
            let client = try DebugClient(in: folder)
            try client.launch(["program": "forever.wat"])
            try client.request("configurationDone")
            // Between two instructions of it.
            #expect(try client.request("threads")["threads"] != nil)
            try client.request("pause", ["threadId": 1])
            #expect(try client.stop() == "pause")
            #expect(try client.stack().count == 1)
            try client.request("continue", ["threadId": 1])
            try client.request("terminate")
            _ = try client.event("terminated")
            try client.request("disconnect")
            #expect(try client.leave() == 0)
            // One that just goes away.
            let other = try DebugClient(["forever.wat"], in: folder)
            try other.launch([:])
            try other.request("configurationDone")
            #expect(try other.leave() == 0)
        }
    }

    @Test func whatMakesNoSenseIsRefused() throws {
        let client = try program(["stopOnEntry": true])
        func refusal(_ command: String, _ arguments: [String: Any] = [:]) -> String {
            do {
                try client.request(command, arguments)
                return ""
            } catch {
                return "\(error)"
            }
        }
        #expect(refusal("continue").contains("not stopped"))
        #expect(refusal("stackTrace").contains("not stopped"))
        try client.request("configurationDone")
        #expect(try client.stop() == "entry")
        #expect(refusal("nonsense").contains("nonsense"))
        #expect(refusal("attach").contains("launched"))
        #expect(refusal("launch").contains("launched"))
        #expect(refusal("scopes", ["frameId": 99]).contains("99"))
        #expect(refusal("scopes", ["frameId": -1]) != "")
        #expect(refusal("scopes", ["frameId": Int.min]) != "")
        #expect(refusal("variables", ["variablesReference": Int.min]) != "")
        let far = Int.max
        let scopes = try client.request("scopes", ["frameId": 1])["scopes"] as? [[String: Any]]
        let reference = try #require(scopes?.first?["variablesReference"] as? Int)
        let none = try client.request(
            "variables", ["variablesReference": reference, "start": far, "count": far])
        #expect((none["variables"] as? [Any])?.isEmpty == true)
        for line in [far, Int.min] { _ = try setBreakpoints(client, [["line": line]]) }
        #expect(refusal("variables", ["variablesReference": 12345]).contains("12345"))
        #expect(refusal("variables", ["variablesReference": "x"]) != "")
        #expect(refusal("evaluate", ["expression": "((((1"]) != "")
        #expect(refusal("evaluate", ["expression": String(repeating: "(", count: 4000)]) != "")
        #expect(refusal("evaluate") != "")
        #expect(refusal("readMemory", ["memoryReference": "zz", "count": 1]) != "")
        for data in ["!", "A", "AAA", "AA=A", "====", "AAAA="] {
            #expect(refusal("writeMemory", ["memoryReference": "0x0", "data": data]) != "")
        }
        #expect(refusal("source", ["sourceReference": 7]).contains("7"))
        #expect(refusal("source") != "")
        #expect(refusal("source", ["source": ["sourceReference": 1], "sourceReference": 1]) == "")
        #expect(refusal("writeMemory", ["memoryReference": "0x7fffffff", "data": "AAAA"]) != "")
        let read = try client.request(
            "readMemory",
            ["memoryReference": "0x7fffffffffffffff", "offset": -1, "count": 1 << 40])
        #expect(read["data"] as? String == "")
        let code = try client.request(
            "disassemble",
            ["memoryReference": "0x7fffffffffffffff", "instructionCount": 1 << 40])
        #expect((code["instructions"] as? [Any])?.count == 10_000)
        let data = try client.request(
            "setDataBreakpoints",
            ["breakpoints": [["dataId": "99999999999:4"], ["dataId": ""], [:]]])
        let set = data["breakpoints"] as? [[String: Any]] ?? []
        #expect(set.map { $0["verified"] as? Bool } == [false, false, false])
        #expect(try client.leave() == 0)
    }

    /// What comes behind `terminate` is answered, whether or not the guest has ended by then.
    @Test func nothingIsAskedOfAGuestThatEnds() throws {
        let commands = [
            "stackTrace", "scopes", "variables", "evaluate", "exceptionInfo", "continue", "next",
        ]
        for command in commands {
            let client = try program(["stopOnEntry": true])
            try client.request("configurationDone")
            #expect(try client.stop() == "entry")
            try client.send("terminate")
            let asked = try (0..<20).map { _ in try client.send(command, ["threadId": 1]) }
            for number in asked {
                #expect(throws: DebugClient.Failure.self) { try client.answer(to: number) }
            }
            // It is there still: nobody had to end it.
            #expect(try client.request("threads")["threads"] != nil)
            try client.request("disconnect")
            #expect(try client.leave() == 0)
        }
    }

    /// A client that wants a program to run, and nothing else, says so.
    @Test func runsWithoutStopping() throws {
        let client = try program(["noDebug": true, "stopOnEntry": true])
        _ = try setBreakpoints(client, [["line": 33]])
        try client.request("configurationDone")
        #expect(try client.event("exited")["exitCode"] as? Int == 12)
        _ = try client.event("terminated")
        try client.request("disconnect")
        #expect(try client.leave() == 0)
    }

    /// A program that runs may be told to stop for some bytes no more.
    @Test func watchedBytesAreGivenUpWhileItRuns() throws {
        try Command.withFolder(["forever.wat": [UInt8](Self.forever.utf8)]) { folder in
            let client = try DebugClient(in: folder)
            try client.launch(["program": "forever.wat", "stopOnEntry": true])
            try client.request("configurationDone")
            #expect(try client.stop() == "entry")
            func set(_ names: [String]) throws -> [Bool?] {
                let body = try client.request(
                    "setDataBreakpoints", ["breakpoints": names.map { ["dataId": $0] }])
                let set = body["breakpoints"] as? [[String: Any]] ?? []
                return set.map { $0["verified"] as? Bool }
            }
            #expect(try set(["0:16:4", "0:32:4"]) == [true, true])
            try client.request("continue", ["threadId": 1])
            #expect(try set(["0:32:4", "0:48:4"]) == [true, false])
            #expect(try set([]) == [])
            #expect(try set(["0:32:4"]) == [false])
            try client.request("disconnect")
            #expect(try client.leave() == 0)
        }
    }

    /// The last one is what a page in a browser can send to a port.
    @Test(arguments: [
        "nonsense", "Content-Length: -5\r\n\r\n", "Content-Length: 99999999999999\r\n\r\n{}",
        "Content-Length: 99999999999999999999999\r\n\r\n{}", "Content-Length: 3\r\n\r\n{{{",
        "Content-Length: 0\r\n\r\n", "\r\n\r\n", String(repeating: "x", count: 10_000),
        "Content-Length: 8000\r\n\r\n" + String(repeating: "[", count: 8000),
        "POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}",
    ])
    func whatIsNoMessageEndsIt(_ text: String) throws {
        let client = try DebugClient(in: Self.fixtures)
        let next = #"{"seq":1,"type":"request","command":"initialize"}"#
        try client.send(raw: text + "Content-Length: \(next.utf8.count)\r\n\r\n\(next)")
        #expect(throws: DebugClient.Failure.self) { try client.answer(to: 1) }
        #expect(try client.leave() == 0)
    }

    /// A client need not wait for a program that is being read.
    @Test(arguments: ["disconnect", "terminate", ""])
    func clientsLeaveWhileAProgramIsRead(_ command: String) throws {
        try Command.withFolder([:]) { folder in
            _ = try Command.run(shell: "mkfifo pipe.wasm", in: folder)
            let client = try DebugClient(in: folder)
            try client.request("initialize")
            try client.send("launch", ["program": "pipe.wasm"])
            if !command.isEmpty { try client.request(command) }
            if command == "terminate" {
                _ = try client.event("terminated")
                #expect(throws: DebugClient.Failure.self) { try client.request("threads") }
                try client.request("disconnect")
            }
            #expect(try client.leave() == 0)
        }
    }

    @Test func programsThatAreNotThere() throws {
        let client = try DebugClient(in: Self.fixtures)
        try client.request("initialize")
        #expect(throws: DebugClient.Failure.self) {
            try client.request("launch", ["program": "nothing.wasm"])
        }
        #expect(throws: DebugClient.Failure.self) { try client.request("launch") }
        #expect(throws: DebugClient.Failure.self) { try client.request("configurationDone") }
        try client.request("disconnect")
        #expect(try client.leave() == 0)
    }
}
