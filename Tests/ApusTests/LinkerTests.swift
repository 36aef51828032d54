import Apus
import Testing

/// Which definitions imports take, and what is said about those they do not.
struct LinkerTests {
    private let engine = Engine()

    private func compile(_ module: TestModule) throws -> Module {
        try Module(engine, bytes: module.bytes)
    }

    private func importer(_ parameters: [ValueType], _ results: [ValueType]) throws -> Module {
        var module = TestModule()
        module.importFunction("env", "f", parameters, results)
        return try compile(module)
    }

    @Test func tellsWhichImportIsMissing() throws {
        let module = try importer([.i32], [])
        let expected = LinkError(
            module: "env", name: "f", expected: .function(FunctionType([.i32], [])), found: nil)
        #expect(throws: expected) {
            try Linker(engine).instantiate(module, in: Store(engine))
        }
        #expect(throws: expected) { try Instance(Store(engine), module) }
        #expect(expected.description == "unknown import: env.f (function [i32] -> [])")
    }

    @Test func tellsWhichTypeIsWrong() throws {
        let module = try importer([.i32], [])
        var linker = Linker(engine)
        linker.define("env", "f") { (_: Int64) in }
        let expected = LinkError(
            module: "env", name: "f", expected: .function(FunctionType([.i32], [])),
            found: .function(FunctionType([.i64], [])))
        #expect(throws: expected) { try linker.instantiate(module, in: Store(engine)) }
        #expect(throws: expected) { try linker.prepare(module) }
        let store = Store(engine)
        linker.define("env", "f", try Memory(store, MemoryType(limits: SizeLimits(minimum: 1))))
        #expect(throws: LinkError.self) { try linker.instantiate(module, in: store) }
        linker.define("env", "f") { (_: Int32) in }
        try linker.instantiate(module, in: store)
    }

    @Test func limitsMustFit() throws {
        var module = TestModule()
        module.importMemory("env", "memory", 2, 4)
        let importer = try compile(module)
        let store = Store(engine)
        for (minimum, maximum, fits): (UInt64, UInt64?, Bool) in [
            (2, 4, true), (3, 3, true), (1, 4, false), (2, 5, false), (2, nil, false),
        ] {
            let type = MemoryType(limits: SizeLimits(minimum: minimum, maximum: maximum))
            var linker = Linker(engine)
            linker.define("env", "memory", try Memory(store, type))
            if fits {
                try linker.instantiate(importer, in: store)
            } else {
                #expect(throws: LinkError.self) { try linker.instantiate(importer, in: store) }
            }
        }
        // What counts is the present size.
        let memory = try Memory(store, MemoryType(limits: SizeLimits(minimum: 1, maximum: 4)))
        #expect(try memory.grow(by: 1) == 1)
        var linker = Linker(engine)
        linker.define("env", "memory", memory)
        try linker.instantiate(importer, in: store)
    }

    @Test func instancesExportToOthers() throws {
        var exporter = TestModule()
        exporter.memory(1)
        exporter.table(.funcref, 2)
        exporter.global("count", .i32, isMutable: true, Code.i32(10))
        exporter.function(
            "add", [.i32], [.i32], Code.get(0) + Code.globalGet(0) + Code.i32Add)
        var importer = TestModule()
        let add = importer.importFunction("lib", "add", [.i32], [.i32])
        importer.importMemory("lib", "memory", 1, nil)
        importer.importGlobal("lib", "count", .i32, isMutable: true)
        importer.function(
            "run", [], [.i32],
            Code.i32(20) + Code.globalSet(0) + Code.i32(0) + Code.i32(5) + Code.i32Store()
                + Code.i32(1) + Code.call(add))
        let store = Store(engine)
        var linker = Linker(engine)
        let library = try linker.instantiate(compile(exporter), in: store)
        try linker.define("lib", library)
        let instance = try linker.instantiate(compile(importer), in: store)
        #expect(try instance.function("run", as: (() -> Int32).self)() == 21)
        #expect(try library.memory.load(Int32.self, at: 0) == 5)
        #expect(try library.global("count").value.description == "i32(20)")
        #expect(try library.exports.map(\.name) == ["memory", "table", "count", "add"])
    }

    @Test func modulesAreInstantiatedWhenNeeded() throws {
        var counter = TestModule()
        counter.global("count", .i32, isMutable: true, Code.i32(0))
        counter.function(
            "next", [], [.i32],
            Code.globalGet(0) + Code.i32(1) + Code.i32Add + Code.globalSet(0) + Code.globalGet(0))
        var user = TestModule()
        let next = user.importFunction("counter", "next", [], [.i32])
        user.function("run", [], [.i32], Code.call(next) + Code.call(next) + Code.i32Multiply)
        var linker = Linker(engine)
        linker.define("counter", try compile(counter))
        let prepared = try linker.prepare(compile(user))
        for _ in 0..<2 {
            let instance = try prepared.instantiate(in: Store(engine))
            #expect(try instance.function("run", as: (() -> Int32).self)() == 2)
        }
    }

    @Test func circularModulesAreRefused() throws {
        var module = TestModule()
        module.importFunction("self", "f")
        module.function("f", [])
        let compiled = try compile(module)
        var linker = Linker(engine)
        linker.define("self", compiled)
        #expect(throws: LinkError.self) { try linker.prepare(compiled) }
    }

    /// Names are bytes: those that only look alike are others.
    @Test func namesAreExact() throws {
        let composed = "caf\u{E9}"
        let decomposed = "cafe\u{301}"
        var linker = Linker(engine)
        for (name, number): (String, Int32) in [(composed, 1), (decomposed, 10)] {
            var module = TestModule()
            module.function(name, [], [.i32], Code.i32(number))
            linker.define(name, try compile(module))
        }
        var user = TestModule()
        let one = user.importFunction(composed, composed, [], [.i32])
        let ten = user.importFunction(decomposed, decomposed, [], [.i32])
        user.function("run", [], [.i32], Code.call(one) + Code.call(ten) + Code.i32Add)
        let instance = try linker.prepare(compile(user)).instantiate(in: Store(engine))
        #expect(try instance.function("run", as: (() -> Int32).self)() == 11)
        var other = TestModule()
        other.importFunction(composed, decomposed, [], [.i32])
        let refused = try compile(other)
        #expect(throws: LinkError.self) { try linker.prepare(refused) }
    }

    /// Each module imports from both of the next layer: there are more ways than time.
    @Test func layersOfModulesAreLinkedOnce() throws {
        var linker = Linker(engine)
        var last = TestModule()
        last.function("f", [], [.i32], Code.i32(1))
        for layer in 0..<40 {
            for name in ["a", "b"] { linker.define("\(name)\(layer)", try compile(last)) }
            last = TestModule()
            let a = last.importFunction("a\(layer)", "f", [], [.i32])
            let b = last.importFunction("b\(layer)", "f", [], [.i32])
            last.function("f", [], [.i32], Code.call(a) + Code.i32(0) + Code.i32Multiply)
            last.function("g", [], [.i32], Code.call(b))
        }
        let instance = try linker.prepare(compile(last)).instantiate(in: Store(engine))
        #expect(try instance.function("f", as: (() -> Int32).self)() == 0)
    }

    @Test func preparedModulesBelongToNoStore() throws {
        let module = try importer([.i32], [.i32])
        var linker = Linker(engine)
        linker.define("env", "f") { (a: Int32) in a &+ 1 }
        let prepared = try linker.prepare(module)
        try prepared.instantiate(in: Store(engine))
        let store = Store(engine)
        linker.define("env", "f", try Function(store) { (a: Int32) in a })
        #expect(throws: LinkError.self) { try linker.prepare(module) }
    }

    @Test func storesDoNotMix() throws {
        let module = try importer([], [])
        let one = Store(engine)
        let other = Store(engine)
        var linker = Linker(engine)
        linker.define("env", "f", try Function(one) {})
        try linker.instantiate(module, in: one)
        #expect(throws: ForeignStoreError.self) { try linker.instantiate(module, in: other) }
        #expect(throws: ForeignStoreError.self) {
            try linker.instantiate(module, in: Store(Engine()))
        }
        let function = try Function(one) {}
        let global = try Global(other, .function(nil), isMutable: true)
        #expect(throws: ForeignStoreError.self) { try global.set(.function(function)) }
    }

    // MARK: Messages

    private static func message(_ text: String) throws -> String {
        let engine = Engine()
        // Types get other numbers than in their module.
        let other = try Module(engine, text: "(module (type (func (param f64))))")
        defer { withExtendedLifetime(other) {} }
        let module = try Module(engine, text: text)
        do {
            _ = try Linker(engine).instantiate(module, in: Store(engine))
            return ""
        } catch let error as LinkError {
            return error.description
        }
    }

    /// Messages show what types are made of, not the numbers that an engine has for them.
    @Test func typesAreShownByTheirParts() throws {
        let text = """
            (module
              (type $f (func (param i32) (result f32)))
              (type $s (struct (field (mut i32)) (field (ref $f))))
              (type $a (array (mut i8)))
              (import "m" "f" (func (param (ref null $s)) (result (ref $a)))))
            """
        let expected =
            "unknown import: m.f (function [(ref null (struct (field (mut i32)) "
            + "(field (ref (func (param i32) (result f32))))))] -> [(ref (array (mut i8)))])"
        #expect(try Self.message(text) == expected)
    }

    /// Types that contain themselves, and large ones, are shown in part.
    @Test func typesInTypesEnd() throws {
        let text = """
            (module
              (rec (type $s (struct (field (ref null $s)) (field (ref null $t)))) (type $t (array
                (ref null $s))))
              (import "m" "g" (global (ref null $s))))
            """
        let message = try Self.message(text)
        #expect(message.contains("(struct …)") && message.count < 500, "\(message)")
        let wide = """
            (module
              (type $w (func (param \(String(repeating: "i32 ", count: 500)))))
              (import "m" "g" (global (ref null $w))))
            """
        #expect(
            try Self.message(wide)
                == "unknown import: m.g (global (ref null (func (param i32 i32 i32 i32 i32 i32 "
                + "i32 i32 …))))")
    }
}
