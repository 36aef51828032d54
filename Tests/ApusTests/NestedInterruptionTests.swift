import Apus
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Calls that pass through several stores on one thread, of which any may be told to stop.
struct NestedInterruptionTests {
    /// Two stores: a function of the first calls the host, that calls the second one's guest, that
    /// the host again, and that the first one's, which never ends.
    private struct Ring {
        let outer: Store
        let inner: Store
        private let run: TypedFunction<Int32>

        /// `stopped` hears what the inner store's call ends in; `innermost` is called with the
        /// outer store when all calls have begun but the last one.
        init(
            _ interruption: Engine.Interruption, stopped: @escaping (Trap?) -> Void = { _ in },
            innermost: @escaping (Store) -> Void = { _ in }
        ) throws {
            var configuration = Engine.Configuration()
            configuration.interruption = interruption
            let engine = Engine(configuration)
            let outer = Store(engine)
            self.outer = outer
            inner = Store(engine)
            let text = """
                (module (import "host" "f" (func $f))
                  (func (export "run") (result i32) (call $f) (i32.const 7))
                  (func (export "forever") (loop $l (br $l))))
                """
            let module = try Module(engine, text: text)
            nonisolated(unsafe) var forever: (() throws -> Void)?
            var linker = Linker(engine)
            linker.define("host", "f") { () -> Void in try unsafe forever?() }
            let last = try linker.instantiate(module, in: inner)
                .function("run", as: (() -> Int32).self)
            let first = try Function(outer, FunctionType()) { _, _ in
                stopped(trap { _ = try last() })
                return []
            }
            var firstLinker = Linker(engine)
            firstLinker.define("host", "f", first)
            let instance = try firstLinker.instantiate(module, in: outer)
            let endless = try instance.function("forever", as: (() -> Void).self)
            unsafe forever = {
                innermost(outer)
                try endless()
            }
            run = try instance.function("run", as: (() -> Int32).self)
        }

        func call() throws -> Int32 { try run() }
    }

    /// The store that was told to stop ends; the one around it goes on.
    @Test(arguments: Engine.Interruption.allCases)
    func innerStoreStopsWhatRunsWithinIt(_ interruption: Engine.Interruption) throws {
        var stopped: [Interruption?] = []
        let ring = try Ring(interruption) { stopped.append($0?.interruption) }
        for _ in 0..<3 {
            ring.inner.setDeadline(after: .milliseconds(20))
            #expect(try ring.call() == 7)
            #expect(!ring.outer.isInterrupted)
        }
        #expect(stopped == .init(repeating: .deadline(after: .milliseconds(20)), count: 3))
    }

    @Test(arguments: Engine.Interruption.allCases)
    func outerStoreStopsAll(_ interruption: Engine.Interruption) throws {
        var stopped: [Interruption?] = []
        // Set before the call it might be over before the inner store's begins.
        let ring = try Ring(
            interruption, stopped: { stopped.append($0?.interruption) },
            innermost: { $0.setDeadline(after: .milliseconds(20)) })
        for _ in 0..<3 {
            ring.outer.deadline = nil
            let end = trap { _ = try ring.call() }
            #expect(end?.code == .interrupted)
            #expect(end?.interruption == .deadline(after: .milliseconds(20)))
        }
        #expect(stopped == .init(repeating: .deadline(after: .milliseconds(20)), count: 3))
    }
}
