import Apus
import Testing

/// Linkers that are complete, and what host functions find of their instance.
struct SharedLinkerTests {
    private final class Counter {
        var count: Int32 = 0
    }

    private final class Other {}

    private static let guest = """
        (module
          (import "env" "count" (func $count (result i32)))
          (func (export "count") (result i32) (call $count)))
        """

    private func definitions(_ engine: Engine) -> Linker {
        var linker = Linker(engine)
        linker.define("env", "count") { (caller: Caller) -> Int32 in
            let counter = try caller.state(as: Counter.self)
            counter.count += 1
            return counter.count
        }
        return linker
    }

    @Test func anyThreadLinksWithIt() async throws {
        let engine = Engine()
        let linker = try definitions(engine).shared()
        let module = try Module(engine, text: Self.guest)
        let counts = try await withThrowingTaskGroup(of: Int32.self) { group in
            for number in 1...8 {
                group.addTask {
                    let instance = try linker.instantiate(
                        module, in: Store(engine), hostState: Counter())
                    let count = try instance.function("count", as: (() -> Int32).self)
                    for _ in 1..<number { _ = try count() }
                    return try count()
                }
            }
            return try await group.reduce(into: Set<Int32>()) { $0.insert($1) }
        }
        #expect(counts == Set(1...8))
    }

    @Test func whatIsOfAStoreCannotBeShared() throws {
        let engine = Engine()
        let store = Store(engine)
        var linker = definitions(engine)
        let memory = try Memory(store, MemoryType(limits: SizeLimits(minimum: 1)))
        linker.define("env", "memory", memory)
        #expect(throws: ForeignStoreError(thing: "memory")) { try linker.shared() }
        // What is defined last counts.
        linker.define("env", "memory") { () -> Int32 in 1 }
        let module = try Module(
            engine, text: #"(module (import "env" "memory" (func (result i32))))"#)
        try linker.shared().instantiate(module, in: store)
        linker.define("env", "memory", memory)
        #expect(throws: LinkError.self) { try linker.instantiate(module, in: store) }
        #expect(throws: LinkError.self) { try linker.prepare(module) }
    }

    @Test func itSaysWhatIsMissing() throws {
        let engine = Engine()
        let linker = try definitions(engine).shared()
        let module = try Module(
            engine, text: #"(module (import "env" "other" (func)) (func (export "f")))"#)
        let error = #expect(throws: LinkError.self) { try linker.prepare(module) }
        #expect(error?.name == "other")
        #expect(error?.found == nil)
    }

    @Test func modulesOfModulesAreLinked() throws {
        let engine = Engine()
        var linker = definitions(engine)
        linker.define(
            "library",
            try Module(
                engine,
                text: #"(module (func (export "seven") (result i32) (i32.const 7)))"#))
        let module = try Module(
            engine,
            text: """
                (module
                  (import "library" "seven" (func $seven (result i32)))
                  (func (export "seven") (result i32) (call $seven)))
                """)
        let instance = try linker.shared().instantiate(module, in: Store(engine))
        #expect(try instance.function("seven", as: (() -> Int32).self)() == 7)
    }

    @Test func stateIsOfTheTypeThatIsWanted() throws {
        let engine = Engine()
        let linker = definitions(engine)
        let module = try Module(engine, text: Self.guest)
        for (state, found) in [(nil, nil), (Other(), "Other")] as [(AnyObject?, String?)] {
            let instance = try linker.instantiate(
                module, in: Store(engine), hostState: state)
            let error = #expect(throws: StateError.self) {
                try instance.function("count", as: (() -> Int32).self)()
            }
            #expect(error == StateError(expected: "Counter", found: found))
        }
    }
}
