import Foundation
import Testing

/// `apus debug` of programs with several threads or memories, and of what is new to old modules.
@Suite struct DebugThreadTests {
    private static let threads = """
        (module
          (import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))
          (import "env" "memory" (memory 1 1 shared))
          (export "memory" (memory 0))
          (func $work (param $value i32)
            (i32.store (i32.const 16) (local.get $value))
            (i32.atomic.store (i32.const 0) (i32.const 1)))
          (func (export "wasi_thread_start") (param $number i32) (param $argument i32)
            (call $work (local.get $argument)))
          (func $wait
            (loop $again (br_if $again (i32.eqz (i32.atomic.load (i32.const 0))))))
          (func (export "_start")
            (if (i32.lt_s (call $spawn (i32.const 42)) (i32.const 0)) (then unreachable))
            (call $wait)
            (if (i32.ne (i32.load (i32.const 16)) (i32.const 43)) (then unreachable))))
        """

    @Test func allThreadsStopAndOneGoesOn() throws {
        try Command.withFolder(["threads.wat": [UInt8](Self.threads.utf8)]) { folder in
            let client = try DebugClient(["threads.wat"], in: folder)
            try client.launch([:])
            try client.request("setFunctionBreakpoints", ["breakpoints": [["name": "work"]]])
            try client.request("configurationDone")
            #expect(try client.event("thread")["threadId"] as? Int == 2)
            let stop = try client.event("stopped")
            #expect(stop["reason"] as? String == "function breakpoint")
            #expect(stop["threadId"] as? Int == 2)
            let threads = try client.request("threads")["threads"] as? [[String: Any]] ?? []
            #expect(threads.map { $0["name"] as? String } == ["main", "thread 1"])
            #expect(threads.map { $0["id"] as? Int } == [1, 2])
            // On a busy machine the other one may take its time to stop.
            while try client.stack().isEmpty { usleep(1000) }
            let names = try [1, 2].map { thread in
                try client.stack(ofThread: thread).map { String($0.prefix { $0 != ":" }) }
            }
            #expect(names[0].last == "_start")
            #expect(names[1] == ["work", "wasi_thread_start"])
            // Frames of both have numbers of their own.
            let frame = 1_000_001
            let (locals, values) = try client.scope("Wasm locals", frame: frame)
            #expect(values == ["value": "42"])
            #expect(try client.scope("Wasm locals").1 == [:])
            // The other one waits meanwhile.
            let others = try client.stack()
            let alone: [String: Any] = [
                "threadId": 2, "granularity": "instruction", "singleThread": true,
            ]
            #expect(try client.go("next", alone) == "step")
            #expect(try client.stack() == others)
            let set: [String: Any] = [
                "variablesReference": try client.scope("Wasm locals", frame: frame).0,
                "name": "value", "value": "43",
            ]
            try client.request("setVariable", set)
            #expect(throws: DebugClient.Failure.self) { try client.variables(locals + 900_000) }
            try client.request("continue", ["threadId": 2])
            #expect(try client.event("exited")["exitCode"] as? Int == 0)
            try client.request("disconnect")
            #expect(try client.leave() == 0)
        }
    }

    @Test func threadsEndWithTheirClient() throws {
        try Command.withFolder(["threads.wat": [UInt8](Self.threads.utf8)]) { folder in
            let client = try DebugClient(["threads.wat"], in: folder)
            try client.launch([:])
            try client.request("setFunctionBreakpoints", ["breakpoints": [["name": "work"]]])
            try client.request("configurationDone")
            #expect(try client.stop() == "function breakpoint")
            try client.request("disconnect")
            #expect(try client.leave() == 0)
        }
    }

    private static let memories = """
        (module
          (memory (export "memory") 1) (memory $other 2)
          (func (export "_start")
            (i32.store $other (i32.const 8) (i32.const 0x01020304))
            (i32.store (i32.const 8) (i32.const 5))
            (i32.store $other (i32.const 8) (i32.const 6))
            (if (i32.ne (i32.load $other (i32.const 12)) (i32.const 7)) (then unreachable))))
        """

    @Test func severalMemories() throws {
        try Command.withFolder(["memories.wat": [UInt8](Self.memories.utf8)]) { folder in
            let client = try DebugClient(["memories.wat"], in: folder)
            try client.launch(["stopOnEntry": true])
            try client.request("configurationDone")
            #expect(try client.stop() == "entry")
            #expect(
                try client.scope("Wasm memories").1
                    == ["memory0": "65536 bytes", "memory1": "131072 bytes"])
            let info = try client.request(
                "dataBreakpointInfo", ["name": "1:0x8", "asAddress": true, "bytes": 4])
            let identity = try #require(info["dataId"] as? String)
            try client.request("setDataBreakpoints", ["breakpoints": [["dataId": identity]]])
            func bytes() throws -> [String?] {
                try ["0x8", "1:0x8"].map { place in
                    let body: [String: Any] = ["memoryReference": place, "count": 4]
                    return try client.request("readMemory", body)["data"] as? String
                }
            }
            #expect(try client.go("continue") == "data breakpoint")
            #expect(try bytes() == ["AAAAAA==", "BAMCAQ=="])
            // Writing to the first memory is none.
            #expect(try client.go("continue") == "data breakpoint")
            #expect(try bytes() == ["BQAAAA==", "BgAAAA=="])
            try client.request(
                "writeMemory", ["memoryReference": "1:0x8", "offset": 4, "data": "BwAAAA=="])
            try client.request("setDataBreakpoints", ["breakpoints": []])
            #expect(throws: DebugClient.Failure.self) {
                try client.request("readMemory", ["memoryReference": "2:0x8", "count": 4])
            }
            try client.request("continue", ["threadId": 1])
            #expect(try client.event("exited")["exitCode"] as? Int == 0)
        }
    }

    private static let legacy = """
        (module
          (tag $number (param i32))
          (memory (export "memory") 1)
          (func $throw (param $value i32) (throw $number (local.get $value)))
          (func (export "_start") (local $caught i32)
            try
              i32.const 7
              call $throw
            catch $number
              local.set $caught
            end
            (if (i32.ne (local.get $caught) (i32.const 8)) (then unreachable))))
        """

    @Test func legacyExceptions() throws {
        try Command.withFolder(["legacy.wat": [UInt8](Self.legacy.utf8)]) { folder in
            try Command.assemble("legacy", in: folder)
            let client = try DebugClient(
                ["--feature", "legacy-exceptions", "legacy.wasm"], in: folder)
            try client.launch([:])
            let source = try client.request("source", ["sourceReference": 1])
            let lines = try #require(source["content"] as? String).split(separator: "\n")
            let call = try #require(lines.firstIndex { $0.contains("call $throw") }) + 1
            let line = try #require(lines.firstIndex { $0.contains("local.set $caught") }) + 1
            let set = try client.request(
                "setBreakpoints",
                [
                    "source": ["sourceReference": 1],
                    "breakpoints": [["line": call], ["line": line]],
                ])
            let breakpoints = set["breakpoints"] as? [[String: Any]] ?? []
            #expect(breakpoints.map { $0["verified"] as? Bool } == [true, true])
            #expect(breakpoints.map { $0["line"] as? Int } == [call, line])
            try client.request("configurationDone")
            #expect(try client.stop() == "breakpoint")
            #expect(try client.stack() == ["_start:\(call)"])
            #expect(try client.scope("Wasm operands").1 == ["operand0": "7"])
            #expect(try client.go("continue") == "breakpoint")
            #expect(try client.stack() == ["_start:\(line)"])
            let (operands, values) = try client.scope("Wasm operands")
            #expect(values["operand0"] == "7")
            try client.request(
                "setVariable",
                ["variablesReference": operands, "name": "operand0", "value": "8"])
            try client.request("continue", ["threadId": 1])
            #expect(try client.event("exited")["exitCode"] as? Int == 0)
        }
    }

    /// Ends with the number of bytes that it can read.
    private static let reader = """
        (module
          (import "wasi_snapshot_preview1" "fd_read"
            (func $read (param i32 i32 i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
          (memory (export "memory") 1)
          (data (i32.const 0) "\\40\\00\\00\\00\\40\\00\\00\\00")
          (func (export "_start")
            (if (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 16))
              (then unreachable))
            (call $exit (i32.load (i32.const 16)))))
        """

    private static let readerFiles = [
        "reader.wat": [UInt8](reader.utf8), "input": [UInt8]("eleven byte".utf8),
    ]

    @Test func input() throws {
        try Command.withFolder(Self.readerFiles) { folder in
            let client = try DebugClient(["reader.wat"], in: folder)
            try client.launch(["stdin": "input"])
            try client.request("configurationDone")
            #expect(try client.event("exited")["exitCode"] as? Int == 11)
            let other = try DebugClient(["reader.wat"], in: folder)
            try other.launch(["stdin": "nothing"])
            try other.request("configurationDone")
            #expect(try other.event("exited")["exitCode"] as? Int == 1)
            #expect(other.output.contains("nothing"))
        }
    }

    /// Whose input nobody writes to, so that it waits for ever.
    @Test func programsThatHang() throws {
        try Command.withFolder(Self.readerFiles) { folder in
            // SAFETY: the text is lent for the call.
            let status = unsafe mkfifo(folder.appending(path: "pipe").path(), 0o600)
            #expect(status == 0)
            let client = try DebugClient(["reader.wat"], in: folder)
            try client.launch(["stdin": "pipe"])
            try client.request("configurationDone")
            // It is still there for its client.
            #expect(try client.request("threads")["threads"] != nil)
            try client.request("disconnect")
            #expect(try client.leave() == 0)
        }
    }

    @Test func clientsThatConnect() throws {
        try Command.withFolder(Self.readerFiles) { folder in
            let client = try DebugClient(listening: ["reader.wat"], input: "three", in: folder)
            try client.launch(["stopOnEntry": true])
            try client.request("configurationDone")
            #expect(try client.stop() == "entry")
            try client.request("continue", ["threadId": 1])
            #expect(try client.event("exited")["exitCode"] as? Int == 5)
            try client.request("disconnect")
            #expect(try client.leave() == 0)
            let other = try Command.run(
                ["debug", "--listen", "192.0.2.1:80", "reader.wat"], in: folder)
            #expect(other.status == 64)
        }
    }
}
