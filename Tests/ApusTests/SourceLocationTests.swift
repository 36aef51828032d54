import Apus
import ApusLocks
import Foundation
import Testing

/// Where guests stopped, in their sources.
@Suite struct SourceLocationTests {
    /// A module of `Tests/ApusDWARFTests/Fixtures`.
    static func fixture(_ name: String) throws -> [UInt8] {
        let tests = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent()
        return Array(
            try Data(contentsOf: tests.appending(path: "ApusDWARFTests/Fixtures/\(name).wasm")))
    }

    private func trapOfFixture(
        _ name: String, _ configuration: Engine.Configuration = Engine.Configuration()
    ) throws -> Trap {
        let module = try Module(Engine(configuration), bytes: Self.fixture(name))
        let store = Store(module.engine)
        let instance = try Linker(module.engine).instantiate(module, in: store)
        let run = try instance.function("run", as: ((Int32, Int32) -> Int32).self)
        return try #require(caught { _ = try run(-16, 1) })
    }

    @Test(arguments: Engine.Compiler.allCases)
    func linesOfInlinedFunctions(compiler: Engine.Compiler) throws {
        var configuration = Engine.Configuration()
        configuration.compiler = compiler
        for version in [4, 5] {
            let trap = try trapOfFixture("inlined-\(version)", configuration)
            #expect(trap.code == .memoryOutOfBounds)
            let frame = try #require(trap.backtrace.first)
            #expect(frame.sourceFrames.map(\.name) == ["element", "twice", "sum"])
            #expect(frame.sourceFrames.map { $0.location?.line } == [3, 7, 13])
            #expect(frame.sourceLocation?.description == "/src/inlined.c:3:12")
            #expect(trap.backtrace.last?.sourceLocation?.line == 19)
            #expect(
                trap.description.contains(
                    """
                      at element at /src/inlined.c:3:12 (inlined)
                      at twice at /src/inlined.c:7:16 (inlined)
                      at sum (module+0x
                    """))
            #expect(trap.description.contains(") at /src/inlined.c:13:18\n"))
            #expect(trap.description.hasSuffix(" at /src/inlined.c:19:17"))
        }
    }

    @Test func nothingIsReadUnlessItIsWanted() throws {
        var configuration = Engine.Configuration()
        configuration.readsDebugInformation = false
        let trap = try trapOfFixture("inlined-5", configuration)
        #expect(trap.backtrace.allSatisfy { $0.sourceFrames.isEmpty && $0.sourceLocation == nil })
        #expect(!trap.description.contains("inlined.c"))
    }

    /// What a module that names a source map says of a trap.
    private func trap(
        sourceMapURL: String, _ provide: (Module) -> Void = { _ in }
    ) throws -> Trap {
        var module = TestModule()
        module.function("f", Code.unreachable)
        module.customSections.append(("sourceMappingURL", Code.name(sourceMapURL)))
        let compiled = try Module(Engine(), bytes: module.bytes)
        provide(compiled)
        let instance = try Linker(compiled.engine).instantiate(compiled, in: Store(compiled.engine))
        let f = try instance.function("f", as: (() -> Void).self)
        return try #require(caught { try f() })
    }

    private func caught(_ work: () throws -> Void) -> Trap? {
        do {
            try work()
            return nil
        } catch {
            return error as? Trap
        }
    }

    /// All of the module comes from line 8, column 3, of `a.ts`.
    private static let map = #"{"version":3,"sources":["a.ts"],"mappings":"AAOE"}"#

    @Test func sourceMapsInModules() throws {
        let encoded = Data(Self.map.utf8).base64EncodedString()
        let trap = try trap(sourceMapURL: "data:application/json;base64," + encoded)
        #expect(trap.backtrace.first?.sourceLocation?.description == "a.ts:8:3")
    }

    @Test func sourceMapsElsewhere() throws {
        let found = try trap(sourceMapURL: "a.wasm.map") { module in
            #expect(module.sourceMapURL == "a.wasm.map")
            module.setSourceMap { Array(Self.map.utf8) }
        }
        #expect(found.backtrace.first?.sourceLocation?.line == 8)
        let missing = try trap(sourceMapURL: "a.wasm.map") { $0.setSourceMap { nil } }
        #expect(missing.backtrace.first?.sourceLocation == nil)
    }

    /// The closure may do with the engine what it likes, ask for places in the same module too.
    @Test func sourceMapsMayAskTheEngine() throws {
        let calls = SystemMutex(0)
        let found = try trap(sourceMapURL: "a.wasm.map") { module in
            module.setSourceMap {
                calls.withLock { $0 += 1 }
                module.setSourceMap { nil }
                let instance = try? Instance(Store(module.engine), module)
                let trap = #expect(throws: Trap.self) { try instance?.function("f").call([]) }
                #expect(trap?.backtrace.first?.sourceLocation == nil)
                #expect(module.sourceFiles == [])
                return Array(Self.map.utf8)
            }
        }
        #expect(found.backtrace.first?.sourceLocation?.line == 8)
        #expect(calls.withLock { $0 } == 1)
    }

    @Test func whatIsNoSourceMap() throws {
        for url in ["data:", "data:,{}", "data:;base64,AAAA", "data:;base64,*", ""] {
            #expect(try trap(sourceMapURL: url).backtrace.first?.sourceLocation == nil)
        }
    }

    /// Names of files are a guest's, too.
    @Test func namesAreShownAsTheyAre() throws {
        let map = #"{"version":3,"sources":["a\u001b[31m\n.ts"],"mappings":"AAOE"}"#
        let trap = try trap(sourceMapURL: "m") { $0.setSourceMap { Array(map.utf8) } }
        #expect(trap.description.contains(#"a\u{1b}[31m\n.ts:8:3"#))
    }
}
