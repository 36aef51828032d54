import Foundation
import Testing

@testable import Apus

/// Coverage of sources, and what is made of it.
@Suite struct SourceCoverageTests {
    /// `counted.c` after some calls of its function.
    private func coverage(_ calls: [(count: Int32, kind: Int32)]) throws -> Coverage {
        var configuration = Engine.Configuration()
        configuration.countsCoverage = true
        let engine = Engine(configuration)
        let module = try Module(engine, bytes: SourceLocationTests.fixture("counted"))
        let instance = try Linker(engine).instantiate(module, in: Store(engine))
        let run = try instance.function("run", as: ((Int32, Int32) -> Int32).self)
        for (count, kind) in calls { _ = try? run(count, kind) }
        return try #require(module.coverage())
    }

    private func counts(_ file: Coverage.File) -> [Int: UInt64] {
        Dictionary(uniqueKeysWithValues: file.lines.map { ($0.number, $0.count) })
    }

    @Test func linesOfSources() throws {
        // Kinds 0 and 2; five rounds, and one call that traps.
        let coverage = try coverage([(5, 0), (0, 2), (-1, 2)])
        #expect(coverage.files.map(\.path) == ["/src/counted.c", "/src/counted.h"])
        #expect(coverage.unmappedFunctions == 0)
        let source = try #require(coverage.files.first)
        let lines = counts(source)
        // The table, its targets, and what is behind it.
        #expect(lines[7] == 3)
        #expect([9, 12, 15, 20].map { lines[$0] } == [1, 0, 2, 0])
        // What is called by a call that traps afterwards.
        #expect([25, 26, 45].map { lines[$0] } == [1, 1, 1])
        // The loop, which goes on with a continue for one round in four.
        #expect(lines[32] == 5, "\(lines)")
        #expect([33, 34, 37].map { lines[$0] } == [5, 1, 4])
        #expect(lines[49] == 2)
        // Comments and what has no code are no lines.
        #expect([1, 3, 5, 24].allSatisfy { lines[$0] == nil })
    }

    @Test func functionsAndBranchesOfSources() throws {
        let coverage = try coverage([(5, 0), (0, 2), (-1, 2)])
        let source = try #require(coverage.files.first)
        #expect(source.functions.map(\.name) == ["weight", "never", "sum", "run"])
        #expect(source.functions.map(\.line) == [6, 25, 29, 42])
        #expect(source.functions.map(\.count) == [3, 1, 2, 3])
        let table = try #require(source.branches.first { $0.line == 7 })
        #expect(table.counts.reduce(0, +) == 3 && table.counts.contains(2))
        let condition = try #require(source.branches.first { $0.line == 33 })
        #expect(condition.counts.sorted() == [1, 4])
    }

    /// A function that is part of several others has all their counts.
    @Test func functionsInOthers() throws {
        let coverage = try coverage([(5, 0), (0, 2), (-1, 2)])
        let header = try #require(coverage.files.last)
        let lines = counts(header)
        // Four rounds, two results, and one call of what is otherwise never called.
        #expect(header.functions == [Coverage.Function(name: "clamped", line: 4, count: 7)])
        #expect(lines[4] == 7)
        // Only 50 * 4 and the sum of all are beyond the limit.
        #expect(lines[5] == 7)
        #expect(lines[6] == 2)
    }

    /// What two runs have counted is what one would have that did both. Only of lines that have
    /// several pieces of code there may be more, if another one ran most often each time.
    @Test func runsAreMerged() throws {
        var merged = try coverage([(5, 0)])
        merged.merge(try coverage([(0, 2), (-1, 2)]))
        let whole = try coverage([(5, 0), (0, 2), (-1, 2)])
        #expect(merged.files.map(\.functions) == whole.files.map(\.functions))
        #expect(merged.files.map(\.branches) == whole.files.map(\.branches))
        for (file, other) in zip(merged.files, whole.files) {
            #expect(file.lines.map(\.number) == other.lines.map(\.number))
            #expect(file.lineShare == other.lineShare)
            #expect(zip(file.lines, other.lines).allSatisfy { $0.count >= $1.count })
        }
        #expect(counts(merged.files[0])[34] == 1)
        merged.merge(Coverage())
        var other = Coverage()
        other.merge(merged)
        #expect(other == merged)
    }

    @Test func pathsAreSubstituted() throws {
        var coverage = try coverage([(1, 1)])
        coverage.substitutePath("/sr", "/nowhere")
        #expect(coverage.files.map(\.path) == ["/src/counted.c", "/src/counted.h"])
        coverage.substitutePath("/src", "sources")
        #expect(coverage.files.map(\.path) == ["sources/counted.c", "sources/counted.h"])
        coverage.substitutePath("sources/counted.c", "one")
        coverage.substitutePath("sources/counted.h", "one")
        #expect(coverage.files.map(\.path) == ["one"])
        #expect(coverage.files[0].functions.map(\.name).contains("clamped"))
    }

    // MARK: What is made of it

    /// A coverage whose names are what an attacker might choose.
    private static var hostile: Coverage {
        var file = Coverage.File(path: "</style><script>alert(1)</script>\nSF:/etc/passwd")
        let name = "1,<b>\"x\"\u{202E}\nFNDA:9,y"
        file.lines = [Coverage.Line(number: 2, count: .max), Coverage.Line(number: 9, count: 0)]
        file.functions = [Coverage.Function(name: name, line: 2, count: 1)]
        file.branches = [
            Coverage.Branch(line: 2, number: 0, counts: [3, 0]),
            Coverage.Branch(line: 9, number: 0, counts: [0, 0, 0]),
        ]
        var coverage = Coverage()
        coverage.files = [file]
        return coverage
    }

    @Test func tracefile() throws {
        #expect(
            Self.hostile.lcov == """
                TN:
                SF:</style><script>alert(1)</script>\\nSF:/etc/passwd
                FN:2,_1,<b>"x"\\u{202e}\\nFNDA:9,y
                FNDA:1,_1,<b>"x"\\u{202e}\\nFNDA:9,y
                FNF:1
                FNH:1
                BRDA:2,0,0,3
                BRDA:2,0,1,0
                BRDA:9,0,0,-
                BRDA:9,0,1,-
                BRDA:9,0,2,-
                BRF:5
                BRH:1
                DA:2,18446744073709551615
                DA:9,0
                LF:2
                LH:1
                end_of_record

                """)
    }

    @Test func json() throws {
        for coverage in [Self.hostile, try coverage([(3, 3)]), Coverage()] {
            let read = try JSONDecoder().decode(Coverage.self, from: Data(coverage.json.utf8))
            #expect(read == coverage)
        }
    }

    @Test func summary() throws {
        var coverage = Self.hostile
        coverage.files[0].path = "a\u{1B}.c"
        coverage.files.append(Coverage.File(path: "b.c"))
        coverage.unmappedFunctions = 3
        #expect(
            coverage.summary == """
                           Lines         Functions          Branches
                a\\u{1b}.c    1/2  50.0%        1/1  100.0%       1/5  20.0%
                b.c          0/0      -        0/0       -       0/0      -
                all files    1/2  50.0%        1/1  100.0%       1/5  20.0%
                3 functions without lines are left out

                """)
        #expect(Coverage.Share(total: 3000, covered: 2999).percent == "99.9%")
    }

    @Test func page() throws {
        let page = Self.hostile.page(title: "a <b> & \"c\"") { path in
            #expect(path.hasPrefix("</style>"))
            return "first\n<script>alert(2)</script>\u{202E}\tend\n\n"
        }
        #expect(page.contains("<title>a &lt;b&gt; &amp; &quot;c&quot;</title>"))
        // Nothing of what anybody has chosen is an element.
        #expect(!page.contains("<script"))
        #expect(page.components(separatedBy: "</style>").count == 2)
        #expect(!page.contains("\u{202E}"))
        #expect(page.contains("&lt;script&gt;alert(2)&lt;/script&gt;\\u{202e}\tend"))
        #expect(page.contains("id=\"f0l2\" class=\"part\""))
        #expect(page.contains("id=\"f0l9\" class=\"miss\""))
        #expect(page.contains("id=\"f0l1\" class=\"none\""))
    }

    /// Without sources there are the lines that something is known of.
    @Test func pageWithoutSources() throws {
        let page = Self.hostile.page(title: "t")
        #expect(page.contains("id=\"f0l2\"") && page.contains("id=\"f0l9\""))
        #expect(!page.contains("id=\"f0l1\"") && !page.contains("id=\"f0l3\""))
    }

    /// Of a module as text the functions are shown that were called.
    @Test func pageOfText() throws {
        var configuration = Engine.Configuration()
        configuration.countsCoverage = true
        let text = """
            (module
              (func $one (export "one") (nop))
              (func $two (export "two") (unreachable))
              (func $three (export "three") (drop (i32.const 3))))
            """
        let module = try Module(Engine(configuration), text: text)
        let instance = try Linker(module.engine).instantiate(module, in: Store(module.engine))
        for name in ["one", "three"] { _ = try instance.function(name).call([]) }
        let page = try #require(module.coverage(named: "m")).page(title: "t")
        #expect(page.contains("m.wat"))
        #expect(page.contains("(func $one") && page.contains("i32.const 3"))
        #expect(!page.contains("(func $two") && page.contains(">two<"))
    }
}
