import Apus
import Testing

/// Modules whose imports were looked up once.
struct PreparedModuleTests {
    private static let text = """
        (module
          (import "env" "one" (func $one (result i32)))
          (import "env" "add" (func $add (param i32 i32) (result i32)))
          (export "again" (func $one))
          (table (export "table") 2 funcref)
          (elem (i32.const 0) $one)
          (func (export "f") (param i32) (result i32)
            (call $add (call $one) (local.get 0))))
        """

    private static var engines: [Engine] {
        [
            Engine(), Engine(.init(allocator: .onDemand(.init(idleInstances: 0)))),
            Engine(.init(allocator: .pooling(.init(instances: 2, memoryBytes: 1 << 16)))),
        ]
    }

    private func linker(_ engine: Engine, _ number: Int32) -> Linker {
        var linker = Linker(engine)
        linker.define("env", "one") { number }
        linker.define("env", "add") { (a: Int32, b: Int32) in a &+ b }
        return linker
    }

    /// An instance that is used again has the functions of its own linker, not of the last one.
    @Test func instancesHaveTheFunctionsOfTheirLinker() throws {
        for engine in Self.engines {
            let module = try Module(engine, text: Self.text)
            let first = try linker(engine, 100).prepare(module)
            let second = try linker(engine, 200).prepare(module)
            for (prepared, number) in [
                (first, 100), (first, 100), (second, 200), (second, 200), (first, 100),
            ] as [(PreparedModule, Int32)] {
                let store = Store(engine, data: number)
                let instance = try prepared.instantiate(in: store)
                #expect(try instance.function("f", as: ((Int32) -> Int32).self)(5) == number + 5)
                #expect(try instance.function("again", as: (() -> Int32).self)() == number)
                guard case .function(let element?) = try instance.table("table").get(0) else {
                    Issue.record("no function in the table")
                    continue
                }
                #expect(element.type == FunctionType([], [.i32]))
                #expect(try element.typed(as: (() -> Int32).self)() == number)
            }
            // Not prepared, with the same instances at hand.
            let instance = try linker(engine, 300).instantiate(module, in: Store(engine))
            #expect(try instance.function("f", as: ((Int32) -> Int32).self)(1) == 301)
        }
    }

    @Test func functionsSeeTheStoreTheyAreCalledIn() throws {
        for engine in Self.engines {
            let text = """
                (module (import "env" "h" (func $h (result i32)))
                  (func (export "f") (result i32) (call $h)))
                """
            var linker = Linker(engine)
            linker.define("env", "h") { (caller: Caller) -> Int32 in
                caller.store.data as? Int32 ?? -1
            }
            let prepared = try linker.prepare(Module(engine, text: text))
            for number in 0..<10 as Range<Int32> {
                let store = Store(engine, data: number)
                let instance = try prepared.instantiate(in: store)
                #expect(try instance.function("f", as: (() -> Int32).self)() == number)
            }
        }
    }

    @Test func functionsOfOthersAndOfTheHostMix() throws {
        let engine = Engine()
        let lib = try Module(
            engine, text: "(module (func (export \"one\") (result i32) (i32.const 7)))")
        var linker = Linker(engine)
        linker.define("env", lib)
        linker.define("env", "add") { (a: Int32, b: Int32) in a &+ b }
        let prepared = try linker.prepare(Module(engine, text: Self.text))
        for _ in 0..<3 {
            let instance = try prepared.instantiate(in: Store(engine))
            #expect(try instance.function("f", as: ((Int32) -> Int32).self)(5) == 12)
            #expect(try instance.function("again", as: (() -> Int32).self)() == 7)
        }
    }

    /// Counts itself out when it goes.
    private final class Captured: Sendable {
        let gone: Counter
        init(_ gone: Counter) { self.gone = gone }
        deinit { gone.add() }
    }

    /// What closures hold goes with the last linker, prepared module and store that have them,
    /// though instances are kept.
    @Test func closuresGoWithThoseThatHaveThem() throws {
        for engine in Self.engines {
            let module = try Module(engine, text: Self.text)
            let gone = Counter()
            do {
                let captured = Captured(gone)
                var linker = self.linker(engine, 1)
                linker.define("env", "one") { () -> Int32 in withExtendedLifetime(captured) { 1 } }
                let prepared = try linker.prepare(module)
                for _ in 0..<3 {
                    let instance = try prepared.instantiate(in: Store(engine))
                    #expect(try instance.function("f", as: ((Int32) -> Int32).self)(5) == 6)
                }
            }
            #expect(gone.total == 1)
        }
    }

    /// The store has the functions as long as the guest that may call them, not the linker.
    @Test func functionsOutliveTheirLinker() throws {
        for engine in Self.engines {
            func make() throws -> TypedFunction<Int32, Int32> {
                let prepared = try linker(engine, 40).prepare(Module(engine, text: Self.text))
                return try prepared.instantiate(in: Store(engine))
                    .function("f", as: ((Int32) -> Int32).self)
            }
            #expect(try make()(2) == 42)
        }
    }
}
