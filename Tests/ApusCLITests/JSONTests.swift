import Foundation
import Testing

/// What tools read, as `docs/json.md` describes it.
struct JSONTests {
    private static let text = """
        (module $sample
          (import "host" "f" (func $imported (param i32)))
          (memory (export "memory") 1)
          (data (i32.const 0) "x")
          (func $divide (export "divide") (param i32 i32) (result i32)
            (i32.div_s (local.get 0) (local.get 1)))
          (func (export "_start")))
        """

    private static let files: [String: [UInt8]] = [
        "a.wat": Array(text.utf8), "hello.wasm": SampleModules.hello(),
        "invalid.wasm": SampleModules.invalid, "bad.wat": Array("(module (fnc))".utf8),
        "a.wast": Array(
            """
            (module (func (export "f") (result i32) (i32.const 1)))
            (assert_return (invoke "f") (i32.const 1))
            (assert_return (invoke "f") (i32.const 2))
            """.utf8),
    ]

    /// Does `work` with what runs the command, and gives the object that it prints.
    private func inFolder(
        after first: [String] = [],
        _ work: (_ object: ([String], Int32) throws -> [String: Any]) throws -> Void
    ) throws {
        try Command.withFolder(Self.files) { folder in
            if !first.isEmpty { #expect(try Command.run(first, in: folder).status == 0) }
            try work { arguments, status in
                let outcome = try Command.run(arguments, in: folder, cache: folder)
                #expect(outcome.status == status, "\(outcome.errorOutput)")
                // One line.
                let line = try #require(outcome.output.split(separator: "\n").last)
                #expect(outcome.output == line + "\n")
                let object = try JSONSerialization.jsonObject(with: Data(line.utf8))
                return try #require(object as? [String: Any])
            }
        }
    }

    @Test func validate() throws {
        try inFolder { object in
            let files = ["a.wat", "invalid.wasm", "bad.wat", "none.wasm"]
            let report = try object(["validate", "--json"] + files, 1)
            #expect(report["invalid"] as? Int == 3)
            let modules = try #require(report["modules"] as? [[String: Any]])
            #expect(modules.map { $0["file"] as? String } == files)
            #expect(modules.map { $0["valid"] as? Bool } == [true, false, false, false])
            let errors = modules.map { $0["error"] as? [String: Any] }
            #expect(errors.map { $0?["kind"] as? String } == [nil, "invalid", "text", "file"])
            let invalid = try #require(errors[1])
            #expect((invalid["message"] as? String)?.hasPrefix("type mismatch") == true)
            #expect(invalid["offset"] as? Int ?? 0 > 8)
            #expect(invalid["function"] as? Int == 0)
            #expect(errors[2]?["line"] as? Int == 1)
            #expect(errors[2]?["column"] as? Int == 10)
            #expect((errors[3]?["text"] as? String)?.hasPrefix("none.wasm: No such file") == true)
            #expect(try object(["validate", "--json", "a.wat"], 0)["invalid"] as? Int == 0)
        }
    }

    @Test func inspectModules() throws {
        try inFolder { object in
            let report = try object(["inspect", "--json", "a.wat"], 0)
            #expect(report["kind"] as? String == "module")
            #expect(report["name"] as? String == "sample")
            let counts = try #require(report["counts"] as? [String: Int])
            #expect(counts["functions"] == 3 && counts["memories"] == 1 && counts["data"] == 1)
            let sections = try #require(report["sections"] as? [[String: Any]])
            let names = sections.compactMap { $0["name"] as? String }
            #expect(names.contains("code") && names.last == "name")
            let imports = try #require(report["imports"] as? [[String: String]])
            #expect(
                imports == [["module": "host", "name": "f", "type": "function [i32] -> []"]])
            let exports = try #require(report["exports"] as? [[String: String]])
            #expect(exports.map { $0["name"] } == ["memory", "divide", "_start"])
            let functions = try #require(report["functions"] as? [[String: Any]])
            #expect(functions.map { $0["index"] as? Int } == [1, 2])
            #expect(functions[0]["name"] as? String == "divide")
            #expect(functions[0]["type"] as? String == "[i32 i32] -> [i32]")
        }
    }

    @Test func inspectArtifacts() throws {
        try inFolder(after: ["compile", "hello.wasm"]) { object in
            let report = try object(["inspect", "hello.apus", "--json"], 0)
            #expect(report["kind"] as? String == "artifact")
            #expect(report["this_build"] as? Bool == true)
            #expect((report["build"] as? String)?.count == 32)
            #expect(report["partial"] as? Bool == false)
            let checksums = try #require(report["checksums"] as? [String: String])
            #expect(checksums.keys.sorted() == ["contents", "header", "module"])
            let functions = try #require(report["functions"] as? [[String: Any]])
            let keys = [
                "body_bytes", "calls", "code_bytes", "code_offset", "index", "inlined_calls",
                "name", "traps",
            ]
            #expect(functions.allSatisfy { $0.keys.sorted() == keys } && !functions.isEmpty)
            #expect(report["bytes"] as? Int ?? 0 > report["module_bytes"] as? Int ?? .max)
        }
    }

    @Test func settings() throws {
        try inFolder { object in
            let report = try object(
                ["settings", "--json", "--pooling", "--without", "simd", "--fuel", "7"], 0)
            let features = try #require(report["features"] as? [String: Bool])
            #expect(features["simd"] == false && features["tail-call"] == true)
            #expect(report["fuel_metered"] as? Bool == true)
            let limits = try #require(report["limits"] as? [String: Any])
            #expect(limits["fuel"] as? Int == 7 && limits["timeout_ms"] is NSNull)
            let instances = try #require(report["instances"] as? [String: Any])
            let allocator = try #require(instances["allocator"] as? [String: Any])
            #expect(allocator["kind"] as? String == "pooling")
            #expect(allocator["instances"] as? Int == 100)
            let plain = try object(["settings", "--json", "--timeout", "1500ms"], 0)
            let plainLimits = try #require(plain["limits"] as? [String: Any])
            #expect(plainLimits["timeout_ms"] as? Double == 1500)
            #expect(plainLimits["threads"] as? Int == 128)
            let few = try object(["settings", "--json", "--max-threads", "3"], 0)
            #expect((few["limits"] as? [String: Any])?["threads"] as? Int == 3)
            #expect(plain["compiler"] as? String == "tiered")
            #expect((plain["cache"] as? [String: Any])?["directory"] is String)
        }
    }

    @Test func version() throws {
        try inFolder { object in
            let report = try object(["version", "--json"], 0)
            #expect((report["version"] as? String)?.contains(/^\d+\.\d+\.\d+$/) == true)
            #expect((report["build"] as? String)?.count == 32)
            let proposals = try #require(report["proposals"] as? [String: Bool])
            #expect(proposals["simd"] == true && proposals["legacy-exceptions"] == false)
            #expect(report["processor_features"] is [String: Bool])
            #expect(report["processors"] as? Int ?? 0 > 0)
            #expect(report["page_bytes"] as? Int == 4096)
            #expect((report["cache_directory"] as? String)?.hasSuffix("/apus") == true)
        }
    }

    @Test func cache() throws {
        try inFolder { object in
            let report = try object(["cache", "show", "--json"], 0)
            #expect(report["modules"] as? Int == 0 && report["bytes"] as? Int != nil)
            #expect(report["bytes_limit"] as? Int == 1 << 30)
            #expect((report["directory"] as? String)?.hasSuffix("/apus") == true)
        }
    }

    @Test func bench() throws {
        try inFolder { object in
            let report = try object(["bench", "hello.wasm", "--json"], 0)
            for key in ["decode_ms", "compile_ms", "instantiate_us", "execute_ms", "processor_ms"] {
                #expect(report[key] as? Double != nil, "\(key)")
            }
            #expect(report["module_bytes"] as? Int == SampleModules.hello().count)
            let tiers = try #require(report["tiers"] as? [String: Any])
            #expect(tiers["compiled_functions"] as? Int ?? 0 > 0)
            let plain = try object(["bench", "hello.wasm", "--json", "--compiler", "baseline"], 0)
            #expect(plain["tiers"] == nil && plain["code_bytes"] as? Int ?? 0 > 0)
            let times = [
                "process_cold_ms", "process_cold_processor_ms", "process_cached_ms",
                "process_cached_processor_ms",
            ]
            for key in times { #expect(report[key] as? Double ?? -1 >= 0, "\(key)") }
            let none = try object(["bench", "hello.wasm", "--json", "--no-processes"], 0)
            for key in times { #expect(none[key] == nil, "\(key)") }
        }
    }

    @Test func optimizations() throws {
        let text = """
            (module
              (func $twice (param i32) (result i32) (i32.add (local.get 0) (local.get 0)))
              (func (export "_start") (local i32)
                (loop $l
                  (drop (call $twice (local.get 0)))
                  (local.set 0 (i32.add (local.get 0) (i32.const 1)))
                  (br_if $l (i32.lt_u (local.get 0) (i32.const 1000))))))
            """
        try Command.withFolder(["hot.wat": Array(text.utf8)]) { folder in
            let outcome = try Command.run(
                ["run", "--stats", "--json", "--tier-after", "10", "hot.wat"], in: folder)
            let object = try JSONSerialization.jsonObject(with: Data(outcome.errorOutput.utf8))
            let report = try #require(object as? [String: Any])
            let tiers = try #require(report["tiers"] as? [String: Any])
            let made = try #require(tiers["optimizations"] as? [[String: Any]])
            let hot = try #require(made.first { $0["loop"] is Int })
            #expect(hot["function"] as? Int == 1 && hot["name"] as? String == "_start")
            #expect(hot["succeeded"] as? Bool == true && hot["ms"] as? Double ?? -1 >= 0)
            #expect(hot["hot_callees"] as? Int != nil)
            #expect(hot["cause"] as? String == "long_call" && hot["cause_loop"] is NSNull)
            // The function itself was hot for its rounds.
            let round = try #require(made.first { $0["cause"] as? String == "rounds" })
            #expect(round["function"] as? Int == 1 && round["loop"] is NSNull)
            #expect(round["cause_loop"] as? Int == hot["loop"] as? Int)
        }
    }

    @Test func runStatistics() throws {
        try Command.withFolder(Self.files) { folder in
            let outcome = try Command.run(
                ["run", "--stats", "--json", "--fuel", "1000000", "hello.wasm"], in: folder)
            #expect(outcome.output == "hello\n" && outcome.status == 0)
            let object = try JSONSerialization.jsonObject(with: Data(outcome.errorOutput.utf8))
            let report = try #require(object as? [String: Any])
            #expect(report["instances"] as? Int == 1)
            #expect(report["precompiled"] as? Bool == false)
            #expect(report["fuel_used"] as? Int ?? 0 > 0)
            #expect(report["memory_bytes"] as? Int == 65_536)
            #expect(report["run_ms"] as? Double ?? 0 > 0)
            // A program that traps has statistics, too, behind what is said of the trap.
            let trap = try Command.run(
                ["run", "--stats", "--json", "--fuel", "1", "hello.wasm"], in: folder)
            #expect(trap.status == 134)
            let last = try #require(trap.errorOutput.split(separator: "\n").last)
            let counts = try JSONSerialization.jsonObject(with: Data(last.utf8)) as? [String: Any]
            #expect(counts?["traps"] as? Int == 1)
            #expect(try Command.run(["run", "--json", "hello.wasm"], in: folder).status == 64)
        }
    }

    @Test func scripts() throws {
        try inFolder { object in
            let report = try object(["wast", "--json", "a.wast", "none.wast"], 1)
            #expect(report["passed"] as? Int == 2)
            #expect(report["failed"] as? Int == 1)
            #expect(report["skipped"] as? Int == 0)
            let failures = try #require(report["failures"] as? [String])
            #expect(failures == ["a.wast:3: f returned [i32(1)], expected [i32(2)]"])
            #expect((report["unreadable"] as? [String])?.count == 1)
            let skipping = try object(
                ["wast", "--json", "--without", "multi-value", "a.wast"], 1)
            #expect(skipping["skip_reasons"] is [String: Int])
        }
    }
}
