import Apus
import ApusTestSupport
import Testing

/// What tools see who look at a value and at all that it leads to.
struct MirrorTests {
    private static let text = """
        (module
          (memory (export "memory") 1)
          (table (export "table") 2 funcref)
          (global (export "global") (mut i32) (i32.const 42))
          (global (export "reference") (mut funcref) (ref.func $end))
          (tag (export "tag") (param i32))
          (func $end (export "end") unreachable)
          (func (export "throw") (throw 0 (i32.const 1)))
          (func (export "count") (param i32)
            (if (local.get 0)
              (then (call 2 (i32.sub (local.get 0) (i32.const 1))))
              (else unreachable))))
        """

    /// Nothing leads from one of them to the engine and all its modules: that is thousands of
    /// values, some of which other threads change.
    @Test func nothingLeadsFar() throws {
        let engine = Engine()
        let store = Store(engine)
        let module = try Module(engine, text: Self.text)
        let linker = Linker(engine)
        let instance = try linker.instantiate(module, in: store)
        let count = try instance.function("count", as: ((Int32) -> Void).self)
        let end = try instance.function("end")
        let few: [Any] = [
            store, module, try linker.prepare(module), linker, instance, end, count,
            try instance.memory("memory"), try instance.table("table"),
            try instance.global("global"), try instance.global("reference"),
            try instance.tag("tag"), Value.function(end), try #require(trap { try count(30) }),
            try SharedMemory(engine, MemoryType(limits: SizeLimits(minimum: 1, maximum: 2))),
        ]
        for value in few {
            #expect(reflectedParts(of: value) < 100, "\(type(of: value))")
        }
        let frames = try #require(trap { try count(30) }).backtrace
        #expect(frames.count == 31)
        #expect(reflectedParts(of: frames) < 200)
        #expect(reflectedParts(of: engine) < 300)
        do {
            _ = try instance.function("throw").call()
            Issue.record("it does not throw")
        } catch {
            #expect(reflectedParts(of: error) < 100)
        }
    }

    @Test func theySayWhatThingsAre() throws {
        let engine = Engine()
        let instance = try Instance(Store(engine), Module(engine, text: Self.text))
        func shown(_ value: Any) -> [String: String] {
            let children = Mirror(reflecting: value).children.map {
                ($0.label ?? "", "\($0.value)")
            }
            return Dictionary(uniqueKeysWithValues: children)
        }
        #expect(try shown(instance.memory("memory"))["byteCount"] == "65536")
        #expect(try shown(instance.table("table"))["count"] == "2")
        #expect(try shown(instance.global("global"))["value"]?.contains("42") == true)
        #expect(try shown(instance.global("reference"))["value"] == "nil")
        #expect(shown(instance)["isInitialized"] == "true")
        let trap = try #require(trap { _ = try instance.function("end").call() })
        #expect(shown(trap)["code"] == "unreachable")
        #expect(shown(trap)["frameCount"] == "1")
        #expect(shown(trap.backtrace[0])["function"] == "0")
    }
}
