import Apus
import Testing

/// Instances whose imports are given in the module's order.
struct InstanceImportsTests {
    private let engine = Engine()

    /// Two imports of one name are two imports.
    @Test func importsAreTakenInOrder() throws {
        let module = try Module(
            engine,
            text: """
                (module (import "a" "f" (func $f (result i32))) (import "a" "g" (global $g i32))
                  (import "a" "f" (func $h (result i32)))
                  (func (export "run") (result i32)
                    (i32.add (i32.mul (call $f) (i32.const 10))
                      (i32.add (call $h) (global.get $g)))))
                """)
        let store = Store(engine)
        let items = [
            Item.function(try Function(store) { 1 as Int32 }),
            .global(try Global(store, .i32(100))),
            .function(try Function(store) { 2 as Int32 }),
        ]
        let instance = try Instance(store, module, imports: items)
        #expect(try instance.function("run", as: (() -> Int32).self)() == 112)
        let error = #expect(throws: LinkError.self) {
            try Instance(store, module, imports: [items[0], items[2], items[2]])
        }
        #expect(error?.name == "g")
        #expect(error?.found == .function(FunctionType([], [.i32])))
        let missing = #expect(throws: LinkError.self) {
            try Instance(store, module, imports: Array(items.prefix(2)))
        }
        #expect(missing?.name == "f")
        #expect(missing?.found == nil)
    }

    @Test func whatBelongsToOthersIsRefused() throws {
        let module = try Module(engine, text: "(module (import \"a\" \"g\" (global i32)))")
        let store = Store(engine)
        let foreign = Item.global(try Global(Store(engine), .i32(1)))
        #expect(throws: ForeignStoreError.self) {
            try Instance(store, module, imports: [foreign])
        }
        let error = #expect(throws: ForeignStoreError.self) {
            try Instance(Store(Engine()), module, imports: [])
        }
        let otherEngine = try #require(error)
        #expect(otherEngine.description == "the module belongs to another engine")
        let alone = try Module(engine, text: "(module)")
        #expect(throws: otherEngine) { try Instance(Store(Engine()), alone) }
        #expect(throws: otherEngine) { try Linker(engine).instantiate(alone, in: Store(Engine())) }
    }

    @Test func trapsOfStartFunctionsAreThrown() throws {
        let module = try Module(engine, text: "(module (func $s (unreachable)) (start $s))")
        let trap = #expect(throws: Trap.self) {
            try Instance(Store(engine), module, imports: [])
        }
        let frame = try #require(trap?.backtrace.first)
        #expect(trap?.code == .unreachable)
        // The instruction follows the count of locals.
        #expect(frame.bodyOffset == 1)
        #expect(frame.offset > frame.bodyOffset)
    }
}
