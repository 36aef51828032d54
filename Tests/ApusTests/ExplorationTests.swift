import ApusCollections
import ApusText
import Foundation
import Testing

@testable @_spi(ApusCLI) import Apus

/// What becomes of functions, line by line, and the page that shows it.
@Suite struct ExplorationTests {
    private static let text = """
        (module
          (import "host" "log" (func $log (param i32)))
          (memory 1)
          (func $quotient (export "divide") (param i32 i32) (result i32)
            (i32.div_s (local.get 0) (local.get 1)))
          (func $sum (export "sum") (param $n i32) (result i32) (local $total i32)
            (loop $next
              (local.set $total
                (i32.add (local.get $total) (i32.load (i32.mul (local.get $n) (i32.const 4)))))
              (call $log (local.get $total))
              (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
            (local.get $total))
          (func (export "</script><script>alert(1)</script>\\u{2028}\\u{202e}")))
        """

    private static func exploration(
        _ change: (inout Exploration.Options) -> Void = { _ in }
    ) throws -> Exploration {
        var options = Exploration.Options()
        change(&options)
        return try Exploration(Engine(), bytes: try TextFormat.parseModule(text), options)
    }

    /// The instruction in the text at `offset`.
    private static func instruction(_ offset: Int?, _ function: Exploration.Function) -> String? {
        let line = function.lines(at: .text).first { $0.offset == offset && offset != nil }
        return line.map { String($0.text.drop { $0 == " " }) }
    }

    @Test func linesComeFromInstructions() throws {
        let exploration = try Self.exploration()
        #expect(exploration.functions.map(\.index) == [1, 2, 3])
        #expect(exploration.functions.map(\.name).prefix(2) == ["quotient", "sum"])
        #expect(exploration.definedCount == 3 && exploration.requestedCount == 3)
        let expected: [(Exploration.Stage, String, String)] = [
            (.ir, "divideSigned", "i32.div_s"), (.machine, "divide.w32", "i32.div_s"),
            (.baseline, "idiv", "i32.div_s"), (.optimizing, "idiv", "i32.div_s"),
        ]
        for (stage, made, of) in expected {
            let function = exploration.functions[0]
            let line = try #require(function.lines(at: stage).first { $0.text.contains(made) })
            #expect(Self.instruction(line.offset, function) == of, "\(stage)")
        }
        // What cannot trap is known, too, and what stands for the function's end.
        let sum = exploration.functions[1]
        for stage in [Exploration.Stage.baseline, .optimizing] {
            let lines = sum.lines(at: stage)
            let returns = try #require(lines.first { $0.text.hasSuffix("ret") })
            #expect(Self.instruction(returns.offset, sum) == ")", "\(stage)")
            #expect(lines.contains { Self.instruction($0.offset, sum) == "i32.load" })
            let subtracts = lines.contains {
                $0.offset != nil && Self.instruction($0.offset, sum) == "i32.sub"
            }
            #expect(subtracts, "\(stage)")
            #expect(lines.first?.offset == nil)
        }
        let bytes = sum.lines(at: .ir).filter { $0.offset != nil }
        #expect(bytes.count > 5)
    }

    /// To be noted where instructions are changes no code.
    @Test(arguments: [Engine.Compiler.baseline, .optimizing])
    func codeIsTheSame(compiler: Engine.Compiler) throws {
        for fixture in ["inlined-5", "variables-5"] {
            let bytes = try SourceLocationTests.fixture(fixture)
            var configuration = Engine.Configuration()
            configuration.compiler = compiler
            let inspection = try ModuleInspection(ByteStorage(bytes), configuration)
            let exploration = try Exploration(Engine(), bytes: bytes)
            #expect(!exploration.functions.isEmpty)
            for function in exploration.functions {
                let listed = try inspection.text("\(function.index)", at: .assembly)
                    .split(separator: "\n").dropFirst()
                let stage = compiler == .baseline ? Exploration.Stage.baseline : .optimizing
                let lines = function.lines(at: stage)
                #expect(lines.count == listed.count)
                for (line, listed) in zip(lines, listed) {
                    let place = line.text.prefix(6)
                    let instruction = line.text.dropFirst(6).prefix { $0 != ";" }
                        .split(separator: " ")
                    #expect(listed.hasPrefix(place))
                    #expect(listed.contains(instruction.joined(separator: " ")), "\(listed)")
                }
            }
        }
    }

    /// What the decoder writes anew is shown where it comes from.
    @Test func legacyExceptions() throws {
        let text = """
            (module
              (tag $e (param i32))
              (func (param i32) (result i32)
                try (result i32)
                  (i32.div_s (local.get 0) (i32.const 7))
                catch $e
                  (i32.sub (i32.const 3))
                end))
            """
        var configuration = Engine.Configuration()
        configuration.features.insert(FeatureSet(.legacyExceptions))
        let bytes = try TextFormat.parseModule(text)
        let function = try Exploration(Engine(configuration), bytes: bytes).functions[0]
        #expect(function.body.upperBound <= bytes.count)
        for stage in Exploration.Stage.allCases {
            for line in function.lines(at: stage) {
                guard let offset = line.offset else { continue }
                #expect(function.body.contains(offset), "\(stage): \(line)")
            }
        }
        let quotient = try #require(
            function.lines(at: .baseline).first { $0.text.contains("imul") })
        #expect(Self.instruction(quotient.offset, function) == "i32.div_s")
    }

    @Test func functionsAreChosen() throws {
        let one = try Self.exploration { $0.functions = ["sum", "1"] }
        #expect(one.functions.map(\.index) == [2, 1])
        #expect(one.requestedCount == 2 && one.definedCount == 3)
        #expect(throws: FunctionNameError.imported(0)) {
            try Self.exploration { $0.functions = ["0"] }
        }
        #expect(throws: FunctionNameError.unknown("summ", near: ["sum"])) {
            try Self.exploration { $0.functions = ["summ"] }
        }
    }

    @Test func largeModulesAreCut() throws {
        let cut = try Self.exploration { $0.bytesLimit = 1 }
        #expect(cut.functions.map(\.index) == [1])
        #expect(cut.requestedCount == 3)
        #expect(
            cut.page(title: "a").contains(
                "1 of 3 functions are shown: the others would make the page too large."))
        #expect(!(try Self.exploration().page(title: "a")).contains("too large"))
        let none = try Exploration(Engine(), bytes: TextFormat.parseModule("(module)"))
        #expect(none.page(title: "a").contains("The module defines no functions."))
    }

    /// What a single function may be is bounded, too.
    @Test func largeFunctionsAreCut() throws {
        let adds = String(repeating: "(drop (i32.const 1))\n", count: 3000)
        let bytes = try TextFormat.parseModule("(module (func \(adds)))")
        var options = Exploration.Options()
        let whole = try Exploration(Engine(), bytes: bytes, options)
        #expect(whole.functions[0].lines(at: .text).count == 6002)
        options.bytesLimit = 1000
        let cut = try Exploration(Engine(), bytes: bytes, options)
        let lines = cut.functions[0].lines(at: .text)
        #expect(lines.count == 1001)
        #expect(lines.last == Exploration.Line(";; 5002 more lines are left out", offset: nil))
        #expect(lines.dropLast() == whole.functions[0].lines(at: .text).prefix(1000))
        #expect(cut.functions[0].lines(at: .ir) == whole.functions[0].lines(at: .ir))
    }

    /// Few lines can be long ones.
    @Test func longLinesAreCut() throws {
        let label = "$" + String(repeating: "l", count: 200)
        let labels = String(repeating: label + " ", count: 100)
        let tables = String(repeating: "(br_table \(labels) (i32.const 0))\n", count: 50)
        let bytes = try TextFormat.parseModule("(module (func (block \(label) \(tables))))")
        var options = Exploration.Options()
        options.bytesLimit = 1000
        let lines = try Exploration(Engine(), bytes: bytes, options).functions[0].lines(at: .text)
        #expect(lines.reduce(0) { $0 + $1.text.utf8.count } < 300_000)
        #expect(lines.last?.text.hasSuffix("more lines are left out") == true)
    }

    // MARK: Sources

    private static let source = (1...25).map { "line \($0);" }.joined(separator: "\n")

    @Test func sourcesAreShownAsFarAsTheyAreRead() throws {
        let bytes = try SourceLocationTests.fixture("inlined-5")
        var options = Exploration.Options()
        options.readSource = { $0 == "/src/inlined.c" ? Self.source : nil }
        let exploration = try Exploration(Engine(), bytes: bytes, options)
        let sum = try #require(exploration.functions.first { $0.name == "sum" })
        #expect(sum.sources.allSatisfy { $0.file == "/src/inlined.c" })
        #expect(sum.sources.contains { $0.line == 3 && $0.text == "line 3;" })
        #expect(sum.sources.map(\.line) == sum.sources.map(\.line).sorted())
        #expect(exploration.missingSources.isEmpty)
        // The load comes from line 3, whatever it was inlined into.
        let load = try #require(
            sum.lines(at: .text).first { $0.text.contains("i32.load") }?.offset)
        let place = try #require(sum.sourcePlaces.last { $0.offset <= load })
        #expect(sum.sources[try #require(place.line)].line == 3)

        let unread = try Exploration(Engine(), bytes: bytes)
        #expect(unread.missingSources == ["/src/inlined.c"])
        let lines = try #require(unread.functions.first { $0.name == "sum" }).sources
        #expect(lines.contains { $0.line == 3 } && lines.allSatisfy { $0.text == nil })
        #expect(unread.page(title: "a").contains("Sources that were not read"))
    }

    /// The text that a module was given as is its source.
    @Test func textsAreSources() throws {
        let text = ByteStorage(Array(Self.text.utf8))
        var options = Exploration.Options()
        options.readSource = { _ in nil }
        let exploration = try Exploration(
            ModuleSource(text, named: "t.wat"), Engine.Configuration(), options)
        #expect(exploration.missingSources.isEmpty)
        let lines = Self.text.split(separator: "\n", omittingEmptySubsequences: false)
        for (name, instruction, line) in [
            ("quotient", "i32.div_s", 5), ("sum", "i32.load", 9), ("sum", "call", 10),
        ] {
            let function = try #require(exploration.functions.first { $0.name == name })
            #expect(function.sources.allSatisfy { $0.file == "t.wat" })
            let offset = try #require(
                function.lines(at: .text).first { $0.text.contains(instruction) }?.offset)
            let place = try #require(function.sourcePlaces.last { $0.offset <= offset }?.line)
            #expect(function.sources[place].line == line)
            #expect(function.sources[place].text == String(lines[line - 1]))
        }
        let plain = try Exploration(Engine(), bytes: TextFormat.parseModule(text))
        #expect(plain.functions.allSatisfy { $0.sources.isEmpty })
    }

    // MARK: The page

    /// One script, which nothing ends that a module says, and no reference to anything else.
    @Test func namesDoNoHarm() throws {
        let page = try Self.exploration().page(title: "</title><b>\u{202E}")
        #expect(page.contains("<title>&lt;/title&gt;&lt;b&gt;\\u{202e}</title>"))
        #expect(page.components(separatedBy: "<script").count == 2)
        #expect(page.components(separatedBy: "</script").count == 2)
        #expect(!page.unicodeScalars.contains { ["\u{2028}", "\u{202E}"].contains($0) })
        #expect(!page.contains("http:") && !page.contains("https:") && !page.contains("src="))
        #expect(page.contains("default-src 'none'"))
    }

    /// Where a browser is that shows a page and says what it has made of it.
    private static let browser = ["/usr/bin/chromium", "/usr/bin/google-chrome"].first {
        FileManager.default.isExecutableFile(atPath: $0)
    }

    private static func shown(_ page: String, _ place: String) throws -> String {
        let folder = FileManager.default.temporaryDirectory
            .appending(path: "apus-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appending(path: "page.html")
        try Data(page.utf8).write(to: file)
        let process = Process()
        process.executableURL = URL(filePath: try #require(browser))
        process.arguments = [
            "--headless", "--no-sandbox", "--disable-gpu", "--window-size=1600,900",
            "--user-data-dir=\(folder.path())/profile", "--virtual-time-budget=2000",
            "--dump-dom", file.absoluteString + place,
        ]
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        let shown = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return String(decoding: shown, as: UTF8.self)
    }

    /// The rows of a column that are lit, as text.
    private static func lit(_ column: String, _ shown: String) -> [String] {
        guard let start = shown.firstRange(of: "<section id=\"\(column)\"") else { return [] }
        let section = shown[start.lowerBound...].prefix { $0 != "\u{0}" }
        let end = section.firstRange(of: "</section>")?.lowerBound ?? section.endIndex
        return section[..<end].components(separatedBy: "class=\"row ").dropFirst()
            .filter { $0.prefix { $0 != "\"" }.contains(" on") }
            .map { row in
                let text = row.components(separatedBy: "</div>")[0]
                return text.replacing(/<[^>]*>/, with: "").replacing(/^[^>]*>/, with: "")
            }
    }

    @Test(.enabled(if: browser != nil)) func aBrowserShowsIt() throws {
        let exploration = try Self.exploration()
        let sum = exploration.functions[1]
        let load = try #require(
            sum.lines(at: .text).first { $0.text.contains("i32.load") }?.offset)
        let shown = try Self.shown(exploration.page(title: "sum.wat"), "#f2@\(load)")
        #expect(Self.lit("text", shown).contains { $0.contains("i32.load") })
        #expect(Self.lit("ir", shown).contains { $0.contains("load") })
        for column in ["baseline", "optimizing"] {
            let rows = Self.lit(column, shown)
            #expect(rows.contains { $0.contains("[") }, "\(column): \(rows)")
            #expect(!rows.contains { $0.contains("ret") }, "\(column)")
        }
        #expect(shown.contains("class=\"row open\""))
        // The name is text, whatever it says.
        #expect(shown.contains("&lt;/script&gt;&lt;script&gt;alert(1)"))
        #expect(shown.contains("at 0x\(String(load, radix: 16))"))
    }

    /// What is typed, clicked and pointed at.
    @Test(.enabled(if: browser != nil)) func aReaderUsesIt() throws {
        let actions = """
            const search = document.getElementById('search');
            search.value = 'QUOT';
            search.dispatchEvent(new Event('input'));
            document.querySelector('#list .row').dispatchEvent(
              new MouseEvent('click', { bubbles: true }));
            const rows = [...document.querySelectorAll('#text .row')];
            rows.find(r => r.textContent.includes('i32.div_s')).dispatchEvent(
              new MouseEvent('mouseover', { bubbles: true }));
            document.querySelectorAll('#toggles button')[3].click();
            """
        let page = try Self.exploration().page(title: "a")
            .replacing("</body>", with: "<script>\(actions)</script></body>")
        let shown = try Self.shown(page, "#f2")
        let list = try #require(shown.firstRange(of: "id=\"list\""))
        let entries = shown[list.lowerBound...].components(separatedBy: "</nav>")[0]
        #expect(entries.contains("quotient") && !entries.contains("sum"))
        #expect(
            Self.lit("text", shown).map { $0.split(separator: " ").first } == [
                "local.get", "local.get", "i32.div_s",
            ])
        #expect(Self.lit("baseline", shown).contains { $0.contains("idiv") })
        #expect(Self.lit("machine", shown).contains { $0.contains("divide") })
        #expect(!shown.contains("<body class=\"pinned\">"))
    }
}
