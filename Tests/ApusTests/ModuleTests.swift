@_spi(ApusCLI) import Apus
import Testing

/// What modules tell about themselves, and which are refused.
struct ModuleTests {
    private let engine = Engine()

    @Test func listsImportsAndExports() throws {
        var source = TestModule()
        source.importFunction("env", "f", [.i32], [.i64])
        source.importMemory("env", "m", 1, 2)
        source.importGlobal("env", "g", .f32)
        source.table(.externref, 3)
        source.function("run", [])
        source.customSections = [("notes", [1, 2]), ("other", []), ("notes", [3])]
        let module = try Module(engine, bytes: source.bytes)
        #expect(
            module.imports.map { "\($0.module).\($0.name): \($0.type)" } == [
                "env.f: function [i32] -> [i64]", "env.m: memory of 1 to 2 pages",
                "env.g: global f32",
            ])
        #expect(
            module.exports.map { "\($0.name): \($0.type)" } == [
                "table: table of externref, at least 3 elements", "run: function [] -> []",
            ])
        #expect(module.customSections.map(\.name) == ["notes", "other", "notes"])
        #expect(module.customSections(named: "notes") == [[1, 2], [3]])
        #expect(module.statistics.moduleBytes == source.bytes.count)
        #expect(module.statistics.codeBytes == 0 && module.tiers != nil)
        #expect(module.statistics.compileTime >= module.statistics.decodeTime)
    }

    /// Each is found by itself, not by going through all exports.
    @Test func manyExportedFunctionsAreListed() throws {
        var source = TestModule()
        for index in 0..<10_000 { source.function("f\(index)", []) }
        source.export("again", 0, 0)
        let module = try Module(engine, bytes: source.bytes)
        let functions = module.definedFunctions
        #expect(functions.count == 10_000)
        #expect(functions[0].name == "f0" && functions[9_999].name == "f9999")
    }

    @Test func refusesWhatIsNotAModule() throws {
        #expect(throws: ModuleError.self) { try Module(engine, bytes: []) }
        #expect(throws: ModuleError.self) { try Module(engine, bytes: Array("hello, world".utf8)) }
        var invalid = TestModule()
        invalid.function("run", [], [.i32], [])
        do {
            _ = try Module(engine, bytes: invalid.bytes)
            Issue.record("an invalid module was taken")
        } catch let error as ModuleError {
            #expect(error.kind == .invalid)
            #expect(error.message.contains("type mismatch"))
        }
        #expect(throws: ModuleError.self) { try Module.validate(engine, bytes: invalid.bytes) }
    }

    @Test func namesTheFeatureThatIsMissing() throws {
        var vectors = TestModule()
        // v128.const, i8x16.extract_lane_s
        vectors.function(
            "run", [], [.i32], [0xFD, 0x0C] + Array(repeating: 1, count: 16) + [0xFD, 0x15, 0x00])
        try Module.validate(engine, bytes: vectors.bytes)
        do {
            _ = try Module(engine, bytes: vectors.bytes)
        } catch let error as ModuleError {
            #expect(error.kind == .unsupported(.simd))
        }
        var configuration = Engine.Configuration()
        configuration.features.remove(FeatureSet(.simd))
        #expect(throws: ModuleError.self) {
            try Module.validate(Engine(configuration), bytes: vectors.bytes)
        }
    }

    @Test func readsFiles() throws {
        do {
            _ = try Module(engine, contentsOf: "/nowhere/at/all.wasm")
            Issue.record("a file that is not there was read")
        } catch let error as FileError {
            #expect(error.description == "/nowhere/at/all.wasm: No such file or directory")
        }
        #expect(throws: FileError.self) { try Module(engine, contentsOf: "/") }
    }

    /// Batches of functions, compiled by any number of threads, give the same code.
    @Test func compilesOnManyThreads() throws {
        var source = TestModule()
        let count = 900
        for index in 0..<count {
            // Each calls one before and one after it, so that calls cross batches.
            let callee = (index * 7 + 1) % count
            source.function(
                index % 100 == 0 ? "f\(index)" : nil, [.i32], [.i32],
                Code.get(0) + [0x45, 0x04, 0x7F] + Code.i32(Int32(index)) + [0x05]
                    + Code.get(0) + Code.i32(1) + Code.i32Subtract + Code.call(callee)
                    + Code.i32(Int32(index)) + Code.i32Add + Code.end
                    + (0..<20).flatMap { Code.i32($0) + Code.i32Add })
        }
        let bytes = source.bytes
        var sizes: Set<Int> = []
        var results: Set<[Int32]> = []
        for threads in [1, 2, 5] {
            var configuration = Engine.Configuration()
            configuration.compilationThreads = threads
            configuration.compiler = .optimizing
            let engine = Engine(configuration)
            let module = try Module(engine, bytes: bytes)
            sizes.insert(module.statistics.codeBytes)
            let instance = try Instance(Store(engine), module)
            results.insert(
                try stride(from: 0, to: count, by: 100).map { index in
                    try instance.function("f\(index)", as: ((Int32) -> Int32).self)(50)
                })
        }
        #expect(sizes.count == 1)
        #expect(results.count == 1)
    }

    /// The error is that of the first function that has one, whatever the number of threads.
    @Test func errorsDoNotDependOnThreads() throws {
        var source = TestModule()
        for index in 0..<3000 {
            let isWrong = index == 1500 || index == 2900
            source.function(
                nil, [], [.i32],
                isWrong
                    ? Code.i64(1) : Code.i32(1) + (0..<20).flatMap { Code.i32($0) + Code.i32Add })
        }
        var errors: Set<ModuleError> = []
        for threads in [1, 2, 5] {
            var configuration = Engine.Configuration()
            configuration.compilationThreads = threads
            do {
                _ = try Module(Engine(configuration), bytes: source.bytes)
                Issue.record("an invalid module was taken")
            } catch let error as ModuleError {
                errors.insert(error)
            }
        }
        #expect(errors.count == 1)
    }
}
