import Foundation
import Testing

@testable import Apus

/// How often code has been run.
@Suite struct CoverageTests {
    private static var engine: Engine { engine { _ in } }

    private static func engine(_ change: (inout Engine.Configuration) -> Void) -> Engine {
        var configuration = Engine.Configuration()
        configuration.countsCoverage = true
        change(&configuration)
        return Engine(configuration)
    }

    /// What the module that `text` is has counted after these calls, each with its arguments.
    private func coverage(
        _ text: String, _ calls: [(String, [Value])], _ engine: Engine = engine
    ) throws -> Coverage {
        let module = try Module(engine, text: text)
        let instance = try Linker(engine).instantiate(module, in: Store(engine))
        for (name, arguments) in calls {
            do {
                _ = try instance.function(name).call(arguments)
            } catch is Trap {
            } catch is WasmException {
            }
        }
        return try #require(module.coverage(named: "test"))
    }

    /// The lines that are counted, with their counts before them, and behind them the counts of
    /// their branches' ways.
    private func listing(_ coverage: Coverage) throws -> String {
        let file = try #require(coverage.files.first)
        let text = try #require(file.text).split(
            separator: "\n", omittingEmptySubsequences: false)
        return file.lines.map { line in
            let source = text[line.number - 1].drop { $0 == " " }
            let ways = file.branches.filter { $0.line == line.number }.map { " ;; \($0.counts)" }
            return "\(line.count) \(source)\(ways.joined())"
        }.joined(separator: "\n")
    }

    // MARK: By text

    @Test func loopsAndConditions() throws {
        let text = """
            (module
              (func (export "run") (param $n i32) (result i32) (local $odd i32)
                (loop $next
                  (if (i32.and (local.get $n) (i32.const 1))
                    (then (local.set $odd (i32.add (local.get $odd) (i32.const 1))))
                    (else (nop)))
                  (if (i32.eqz (local.get $n)) (then (return (local.get $odd))))
                  (local.set $n (i32.sub (local.get $n) (i32.const 1)))
                  (br_if $next (i32.ge_s (local.get $n) (i32.const 2))))
                (local.get $odd)))
            """
        let found = try coverage(text, [("run", [.i32(6)]), ("run", [.i32(0)])])
        #expect(try listing(found).hasPrefix("2 (func "))
        let lines = try listing(found).split(separator: "\n").dropFirst()
        #expect(
            lines.joined(separator: "\n") == """
                2 loop $next
                6 local.get $n
                6 i32.const 1
                6 i32.and
                6 if ;; [2, 4]
                2 local.get $odd
                2 i32.const 1
                2 i32.add
                2 local.set $odd
                4 nop
                6 local.get $n
                6 i32.eqz
                6 if ;; [1, 5]
                1 local.get $odd
                1 return
                5 local.get $n
                5 i32.const 1
                5 i32.sub
                5 local.set $n
                5 local.get $n
                5 i32.const 2
                5 i32.ge_s
                5 br_if $next ;; [4, 1]
                1 local.get $odd
                """)
        #expect(found.lineShare.total == found.lineShare.covered)
        #expect(found.branchShare == Coverage.Share(total: 6, covered: 6))
    }

    @Test func tablesOfBranches() throws {
        let text = """
            (module
              (func (export "run") (param $n i32) (result i32)
                (block $two (block $one (block $zero
                  (br_table $zero $one $zero $two (local.get $n)))
                  (return (i32.const 10)))
                  (return (i32.const 20)))
                (i32.const 30)))
            """
        let calls = [0, 2, 2, 1, 3, 99].map { ("run", [Value.i32($0)]) }
        let found = try coverage(text, calls)
        let lines = try listing(found).split(separator: "\n")
        #expect(lines.contains { $0.hasPrefix("6 br_table") && $0.hasSuffix(";; [3, 1, 2]") })
        #expect(lines.contains("3 i32.const 10"))
        #expect(lines.contains("1 i32.const 20"))
        #expect(lines.contains("2 i32.const 30"))
    }

    /// A block counts when it is begun, whatever becomes of it; behind a call another one begins.
    @Test func trapsAndExceptions() throws {
        let text = """
            (module
              (tag $e)
              (func $maybe (param $n i32)
                (if (i32.eqz (local.get $n)) (then (throw $e)))
                (drop (i32.div_u (i32.const 8) (i32.sub (local.get $n) (i32.const 1)))))
              (func (export "run") (param $n i32) (result i32)
                (block $caught
                  (try_table (catch $e $caught)
                    (call $maybe (local.get $n))
                    (return (i32.const 5))))
                (i32.const 6)))
            """
        let found = try coverage(text, [0, 1, 2, 3].map { ("run", [.i32($0)]) })
        let lines = try listing(found).split(separator: "\n")
        #expect(lines.contains("1 throw $e"))
        #expect(lines.contains("4 if ;; [1, 3]"))
        #expect(lines.contains("3 i32.div_u") && lines.contains("3 drop"))
        #expect(lines.contains("4 call $maybe"))
        #expect(lines.contains("2 i32.const 5"))
        #expect(lines.contains("1 i32.const 6"))
    }

    @Test func tailCalls() throws {
        let text = """
            (module
              (type $step (func (param i32) (result i32)))
              (table funcref (elem $even $odd))
              (func $even (export "run") (type $step)
                (if (i32.eqz (local.get 0)) (then (return (i32.const 1))))
                (return_call $odd (i32.sub (local.get 0) (i32.const 1))))
              (func $odd (type $step)
                (if (i32.eqz (local.get 0)) (then (return (i32.const 0))))
                (return_call_indirect (type $step)
                  (i32.sub (local.get 0) (i32.const 1)) (i32.const 0)))
              (func $other (type $step) (local.get 0)))
            """
        let found = try coverage(text, [("run", [.i32(101)])])
        let functions = try #require(found.files.first).functions
        #expect(functions.map(\.name) == ["even", "odd", "other"])
        #expect(functions.map(\.count) == [51, 51, 0])
        #expect(found.functionShare == Coverage.Share(total: 3, covered: 2))
    }

    /// Branches on references have two ways, too, and constants have but one.
    @Test func branchesOnReferences() throws {
        let text = """
            (module
              (func (export "run") (param externref) (result i32)
                (block $null
                  (drop (br_on_null $null (local.get 0)))
                  (br_if $null (i32.const 0))
                  (return (i32.const 1)))
                (block $any (result (ref extern))
                  (br_on_non_null $any (local.get 0))
                  (return (i32.const 2)))
                (drop)
                (i32.const 3)))
            """
        let found = try coverage(text, Array(repeating: ("run", [.external(nil)]), count: 3))
        let lines = try listing(found).split(separator: "\n")
        #expect(lines.contains("3 br_on_null $null ;; [3, 0]"), "\(lines)")
        #expect(lines.contains("0 br_if $null ;; [0, 0]"))
        #expect(lines.contains("3 br_on_non_null $any ;; [0, 3]"))
        #expect(lines.contains("3 i32.const 2"))
    }

    /// All instances of a module count together, on any thread: numbers may be lost between
    /// threads, and are never torn.
    @Test func instancesAndThreads() throws {
        let text = """
            (module (func (export "run") (param i32)
              (loop (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))))
            """
        let module = try Module(Self.engine, text: text)
        let rounds = 200_000
        let threads = (0..<2).map { _ in
            startThread(stackBytes: 1 << 20) {
                let instance = try? Linker(module.engine).instantiate(
                    module, in: Store(module.engine))
                _ = try? instance?.function("run").call([.i32(Int32(rounds))])
            }
        }
        for thread in threads { join(thread) }
        let file = try #require(module.coverage()?.files.first)
        #expect(file.functions.map(\.count) == [2])
        let most = file.lines.map(\.count).max() ?? 0
        #expect(most > UInt64(rounds) && most <= UInt64(2 * rounds))
    }

    // MARK: Engines

    @Test func nothingIsCountedUnlessItIsWanted() throws {
        let module = try Module(Engine(), text: "(module (func (export \"run\")))")
        #expect(module.coverage() == nil)
    }

    @Test func allCompilersCount() throws {
        for compiler in Engine.Compiler.allCases {
            let engine = Self.engine {
                $0.compiler = compiler
                $0.tiering.threshold = 0
                $0.tiering.isSynchronous = true
            }
            let text = "(module (func (export \"run\") (loop (nop))))"
            let found = try coverage(
                text, Array(repeating: ("run", []), count: 9), engine)
            #expect(found.files.first?.functions.map(\.count) == [9], "\(compiler)")
        }
    }

    /// Code with counters is this process's alone, and no other code has some.
    @Test func artifactsAreRefused() throws {
        let text = "(module (func (export \"run\")))"
        let module = try Module(Self.engine, text: text)
        #expect(throws: ArtifactError.setting("counting of coverage", isOn: true)) {
            _ = try module.serialize()
        }
        let plain = try Module(Engine(), text: text).serialize()
        #expect(throws: ArtifactError.setting("counting of coverage", isOn: false)) {
            _ = try Module(Self.engine, precompiled: plain)
        }
        let cached = Self.engine { $0.cache = Cache(directory: "/nowhere") }
        #expect(cached.configuration.cache == nil)
    }

    /// Counters are part of what a module's code may take.
    @Test func countersAreLimited() throws {
        let text =
            "(module (func (export \"run\") (param i32)"
            + String(repeating: "(if (local.get 0) (then (nop)))", count: 2000) + "))"
        let free = try Module(Self.engine, text: text)
        let call: ([Value], Module) throws -> Void = { arguments, module in
            let instance = try Linker(module.engine).instantiate(
                module, in: Store(module.engine))
            _ = try instance.function("run").call(arguments)
        }
        try call([.i32(1)], free)
        let codeBytes = try #require(free.tiers).baselineBytes
        let bounded = try Module(
            Self.engine { $0.limits.codeBytes = codeBytes + 1000 }, text: text)
        #expect(throws: ResourceError.self) { try call([.i32(1)], bounded) }
    }

    /// Bodies that the decoder has written anew are those of the module.
    @Test func legacyExceptions() throws {
        let text = """
            (module
              (tag $e)
              (func (export "run") (param $n i32) (result i32)
                try (result i32)
                  local.get $n
                  if
                    throw $e
                  end
                  i32.const 1
                catch $e
                  i32.const 2
                end))
            """
        let engine = Self.engine { $0.features.insert(.init(.legacyExceptions)) }
        let found = try coverage(text, [1, 1, 0].map { ("run", [.i32($0)]) }, engine)
        let lines = try listing(found).split(separator: "\n")
        #expect(lines.contains("2 throw $e"), "\(lines)")
        #expect(lines.contains("1 i32.const 1"))
        #expect(lines.contains("2 i32.const 2"))
    }

    // MARK: Pages

    /// Lines that a source does not have are rows only if something is known of them.
    @Test func pagesHaveNoRowsOfNothing() {
        var file = Coverage.File(path: "a.c")
        file.lines = [1, 2_000_000_000].map { Coverage.Line(number: $0, count: 1) }
        var coverage = Coverage()
        coverage.files = [file]
        let page = coverage.page(title: "test") { _ in "one\ntwo" }
        let rows = page.split(separator: "<tr id=\"f0l").dropFirst().map {
            $0.prefix { $0 != "\"" }
        }
        #expect(rows == ["1", "2", "3", "2000000000"].filter { $0 != "3" })
    }

    /// One source under many names is not shown as often as somebody likes.
    @Test func pagesShowOnlySoMuchOfSources() {
        var coverage = Coverage()
        coverage.files = (0..<100).map { number in
            var file = Coverage.File(path: "\(number).c")
            file.lines = [Coverage.Line(number: 1, count: 1)]
            return file
        }
        let source = String(repeating: "x", count: 100)
        var read = 0
        _ = coverage.page(title: "test", sourceBytes: 950) { _ in
            read += 1
            return source
        }
        #expect(read == 10)
    }
}
