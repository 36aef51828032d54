import ApusCollections
import ApusText
import Foundation
import Testing

@_spi(ApusCLI) @testable import Apus

/// Places in the texts that modules were made of.
@Suite struct TextPlacesTests {
    private static let text = """
        (module
          (func $divide (param i32 i32) (result i32)
            (i32.div_s
              (local.get 0)
              (local.get 1)))
          (func (export "run") (param i32) (result i32)
            i32.const 7
            local.get 0
            call $divide))
        """

    /// The frames of a trap in `module`.
    private func places(_ module: Module) throws -> [String] {
        let instance = try Linker(module.engine).instantiate(module, in: Store(module.engine))
        let run = try instance.function("run", as: ((Int32) -> Int32).self)
        let found = try #require(trap { _ = try run(0) })
        return found.backtrace.map { $0.sourceLocation?.description ?? "nowhere" }
    }

    private func withText(_ text: String = text, _ work: (String) throws -> Void) throws {
        try ArtifactTests.withFolder { folder in
            let path = folder + "/t.wat"
            try Array(text.utf8).write(toFile: path)
            defer { try? FileManager.default.removeItem(atPath: path) }
            try work(path)
        }
    }

    @Test(arguments: Engine.Compiler.allCases)
    func trapsTellTheLine(compiler: Engine.Compiler) throws {
        var configuration = Engine.Configuration()
        configuration.compiler = compiler
        try withText { path in
            let module = try Module(Engine(configuration), contentsOf: path)
            #expect(try places(module) == ["\(path):3:6", "\(path):9:5"])
            let instance = try Linker(module.engine).instantiate(module, in: Store(module.engine))
            let run = try instance.function("run", as: ((Int32) -> Int32).self)
            let found = try #require(trap { _ = try run(0) })
            #expect(found.description.contains("\n  at divide (module+0x"))
            #expect(found.description.contains(") at \(path):3:6\n  at run (module+0x"))
        }
    }

    /// A text that is handed over has places if it has a name.
    @Test func textsWithNames() throws {
        let engine = Engine()
        #expect(
            try places(Module(engine, text: Self.text, named: "own.wat"))
                == ["own.wat:3:6", "own.wat:9:5"])
        #expect(try places(Module(engine, text: Self.text)) == ["nowhere", "nowhere"])
        let error = #expect(throws: TextError.self) {
            try Module(engine, text: "(module (func", named: "own.wat")
        }
        #expect(error?.file == "own.wat")
    }

    @Test func nothingIsReadUnlessItIsWanted() throws {
        var configuration = Engine.Configuration()
        configuration.readsDebugInformation = false
        try withText { path in
            let module = try Module(Engine(configuration), contentsOf: path)
            #expect(try places(module) == ["nowhere", "nowhere"])
        }
    }

    /// Only the text that the module was made of counts, whatever is in its place when it is asked.
    @Test func otherTextsAreNotBelieved() throws {
        let others: [(String) throws -> Void] = [
            { try Array("(module (func))".utf8).write(toFile: $0) },
            { path in
                let text = Self.text.replacing("i32.const 7", with: "i32.const 8")
                try Array(text.utf8).write(toFile: path)
            },
            { try Array("(module".utf8).write(toFile: $0) },
            { try [UInt8]().write(toFile: $0) },
            { try FileManager.default.removeItem(atPath: $0) },
            // Nobody writes to it: who waited would wait for ever.
            { path in
                try FileManager.default.removeItem(atPath: path)
                let status = unsafe mkfifo(path, 0o600)
                #expect(status == 0)
            },
        ]
        for change in others {
            try withText { path in
                let module = try Module(Engine(), contentsOf: path)
                try change(path)
                #expect(try places(module) == ["nowhere", "nowhere"])
            }
        }
        // Of the same module, moved by a line.
        try withText { path in
            let module = try Module(Engine(), contentsOf: path)
            try Array(("\n" + Self.text).utf8).write(toFile: path)
            #expect(try places(module) == ["\(path):4:6", "\(path):10:5"])
        }
    }

    /// What the module itself says of its sources is what holds.
    @Test func otherSourcesComeFirst() throws {
        let map = #"{"version":3,"sources":["own.ts"],"mappings":"AACA"}"#
        let text = Self.text.dropLast() + #" (@custom "sourceMappingURL" "\04t.wt"))"#
        try withText(String(text)) { path in
            let module = try Module(Engine(), contentsOf: path)
            #expect(module.sourceMapURL == "t.wt")
            #expect(try places(module) == ["\(path):3:6", "\(path):9:5"])
            let mapped = try Module(Engine(), contentsOf: path)
            mapped.setSourceMap { Array(map.utf8) }
            #expect(try places(mapped) == ["own.ts:2:1", "own.ts:2:1"])
            // One that cannot be read says nothing.
            let unread = try Module(Engine(), contentsOf: path)
            unread.setSourceMap { nil }
            #expect(try places(unread) == ["\(path):3:6", "\(path):9:5"])
        }
    }

    /// A module with DWARF sections keeps them in text form.
    @Test func debugInformationComesFirst() throws {
        let bytes = try SourceLocationTests.fixture("inlined-5")
        let printed = try TextFormat.print(ByteStorage(bytes))
        #expect(printed.contains("@custom \".debug_info\""))
        try withText(printed) { path in
            let module = try Module(Engine(), contentsOf: path)
            let instance = try Linker(module.engine).instantiate(module, in: Store(module.engine))
            let run = try instance.function("run", as: ((Int32, Int32) -> Int32).self)
            let found = try #require(trap { _ = try run(-16, 1) })
            #expect(
                found.backtrace.first?.sourceLocation?.description == "/src/inlined.c:3:12")
        }
    }

    /// Modules that come from the cache have not been read.
    @Test func cachedModules() throws {
        try CacheTests.withCache { folder, cache in
            let path = folder + "/t.wat"
            let binary = folder + "/t.wasm"
            try Array(Self.text.utf8).write(toFile: path)
            try TextFormat.parseModule(Self.text).write(toFile: binary)
            defer {
                for file in [path, binary] { try? FileManager.default.removeItem(atPath: file) }
            }
            // A file that was written just now may be written again.
            usleep(2_100_000)
            for isSecond in [false, true] {
                let module = try Module(CacheTests.engine(cache), contentsOf: path)
                #expect(module.statistics.isPrecompiled == isSecond)
                #expect(try places(module) == ["\(path):3:6", "\(path):9:5"])
            }
            for _ in 0..<2 {
                let other = try Module(CacheTests.engine(cache), contentsOf: binary)
                #expect(other.statistics.isPrecompiled)
                #expect(try places(other) == ["nowhere", "nowhere"])
            }
        }
    }

    @Test func breakpointsByLine() throws {
        let module = try Module(Engine(), text: Self.text, named: "/src/own.wat")
        #expect(module.sourceFiles == ["/src/own.wat"])
        func places(_ line: Int) -> [Int] { module.places(ofLine: line, in: "own.wat").map(\.line) }
        #expect(places(1) == [2] && places(2) == [2] && places(3) == [3] && places(8) == [8])
        #expect(places(10) == [])
        let head = try #require(module.places(ofLine: 2, in: "own.wat").first)
        let first = try #require(module.places(ofLine: 4, in: "own.wat").first)
        #expect(module.instructionOffset(from: head.offset) == first.offset)
    }

    /// Coverage is by the lines of the text, each with its instructions together.
    @Test func coverage() throws {
        let text = """
            (module
              (func $f (param i32) (result i32)
                (if (result i32) (i32.eqz (local.get 0))
                  (then (i32.const 1))
                  (else
                    (i32.add (i32.const 1)
                      (i32.const 2)))))
              (func (export "run") (param i32) (result i32) (call $f (local.get 0)) (br_if 0
                (i32.const 1)))
              (func $a (if (i32.const 1) (then))) (func $b (if (i32.const 1) (then)))
            )
            """
        var configuration = Engine.Configuration()
        configuration.countsCoverage = true
        let module = try Module(Engine(configuration), text: text, named: "own.wat")
        let instance = try Linker(module.engine).instantiate(module, in: Store(module.engine))
        let run = try instance.function("run", as: ((Int32) -> Int32).self)
        for argument: Int32 in [0, 0, 5] { _ = try run(argument) }
        let coverage = try #require(module.coverage(named: "other"))
        #expect(coverage.files.map(\.path) == ["own.wat"] && coverage.unmappedFunctions == 0)
        let file = try #require(coverage.files.first)
        #expect(file.text == nil)
        #expect(
            file.lines.map { "\($0.number):\($0.count)" }
                == ["2:3", "3:3", "4:2", "6:1", "7:1", "8:3", "9:3", "10:0"])
        #expect(
            file.functions.map { "\($0.line) \($0.name) \($0.count)" }
                == ["2 f 3", "8 run 3", "10 a 0", "10 b 0"])
        #expect(
            file.branches.map { "\($0.line).\($0.number) \($0.counts)" }
                == ["3.0 [2, 1]", "8.0 [3, 0]", "10.0 [0, 0]", "10.1 [0, 0]"])
    }
}
