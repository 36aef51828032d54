import Apus
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Guests that are stopped from outside.
struct InterruptionTests {
    /// Programs that never end, each in a way of its own.
    private struct Endless: CustomTestStringConvertible {
        var testDescription: String
        var text: String
    }

    private static let endless = [
        Endless(
            testDescription: "an empty loop",
            text: #"(module (func (export "run") (loop $l br $l)))"#),
        Endless(
            testDescription: "recursion that is not deep",
            text: """
                (module
                  (func $f (param i32)
                    (if (i32.eqz (local.get 0)) (then (return)))
                    (call $f (i32.sub (local.get 0) (i32.const 1)))
                    (call $f (i32.sub (local.get 0) (i32.const 1))))
                  (func (export "run") (call $f (i32.const 80))))
                """),
        Endless(
            testDescription: "tail calls",
            text: """
                (module
                  (func $f (return_call $g))
                  (func $g (return_call $f))
                  (func (export "run") (return_call $f)))
                """),
        Endless(
            testDescription: "large fills",
            text: """
                (module (memory 16384)
                  (func (export "run")
                    (loop $l
                      (memory.fill (i32.const 0) (i32.const 7) (i32.const 0x3fff0000))
                      (br $l))))
                """),
        Endless(
            testDescription: "large copies",
            text: """
                (module (memory 16384)
                  (func (export "run")
                    (loop $l
                      (memory.copy (i32.const 1) (i32.const 0) (i32.const 0x3fff0000))
                      (br $l))))
                """),
        Endless(
            testDescription: "a ring of indirect tail calls",
            text: """
                (module (type $t (func)) (table funcref (elem $f $g))
                  (func $f (return_call_indirect (type $t) (i32.const 1)))
                  (func $g (return_call_indirect (type $t) (i32.const 0)))
                  (func (export "run") (return_call $f)))
                """),
        Endless(
            testDescription: "large fills of tables",
            text: """
                (module (table 4000000 externref)
                  (func (export "run")
                    (loop $l
                      (table.fill (i32.const 0) (ref.null extern) (i32.const 4000000))
                      (br $l))))
                """),
        Endless(
            testDescription: "large copies of tables",
            text: """
                (module (table 4000001 externref)
                  (func (export "run")
                    (loop $l
                      (table.copy (i32.const 1) (i32.const 0) (i32.const 4000000))
                      (br $l))))
                """),
        Endless(
            testDescription: "calls of the runtime",
            text: """
                (module (memory 1)
                  (func (export "run") (loop $l (drop (memory.grow (i32.const 0))) (br $l))))
                """),
        Endless(
            testDescription: "calls of the host",
            text: """
                (module (import "host" "nothing" (func $nothing))
                  (func (export "run") (loop $l (call $nothing) (br $l))))
                """),
        Endless(
            testDescription: "a host function that waits",
            text: """
                (module (import "host" "wait" (func $wait))
                  (func (export "run") (loop $l (call $wait) (br $l))))
                """),
        Endless(
            testDescription: "a host function that swallows the end of a guest",
            text: """
                (module (import "host" "again" (func $again))
                  (func (export "inner") (loop $l (br $l)))
                  (func (export "run") (loop $l (call $again) (br $l))))
                """),
        Endless(
            testDescription: "a start function",
            text: #"(module (func $f (loop $l (br $l))) (start $f) (func (export "run")))"#),
    ]

    private static func run(_ program: Endless, in store: Store) throws {
        var linker = Linker(store.engine)
        linker.define("host", "nothing") { () -> Void in }
        linker.define("host", "wait") { () -> Void in
            while poll(nil, 0, 1000) == 0 {}
        }
        linker.define("host", "again") { (caller: Caller) in
            try? caller.instance?.function("inner", as: (() -> Void).self)()
        }
        let module = try Module(store.engine, text: program.text)
        try linker.instantiate(module, in: store).function("run", as: (() -> Void).self)()
    }

    @Test(arguments: endless) private func deadlineStops(_ program: Endless) throws {
        let store = Store(Engine())
        store.deadline = .now + .milliseconds(30)
        let stopped = trap { try Self.run(program, in: store) }
        #expect(stopped?.code == .interrupted)
    }

    @Test(arguments: endless) private func handleStops(_ program: Endless) throws {
        let store = Store(Engine())
        let handle = store.interruptHandle
        let other = startThread(stackBytes: 1 << 20) {
            usleep(20_000)
            handle.interrupt()
        }
        let stopped = trap { try Self.run(program, in: store) }
        join(other)
        #expect(stopped?.code == .interrupted)
    }

    @Test func requestBeforeACallStopsItAndNoOther() throws {
        let store = Store(Engine())
        let module = try Module(store.engine, text: Self.counting)
        let next = try Linker(store.engine).instantiate(module, in: store)
            .function("next", as: (() -> Int32).self)
        #expect(try next() == 1)
        store.interruptHandle.interrupt()
        #expect(trap { _ = try next() }?.code == .interrupted)
        #expect(try next() == 2)
    }

    @Test func deadlineHoldsUntilItIsChanged() throws {
        let store = Store(Engine())
        let module = try Module(store.engine, text: Self.counting)
        let next = try Linker(store.engine).instantiate(module, in: store)
            .function("next", as: (() -> Int32).self)
        #expect(store.deadline == nil)
        store.deadline = .now + .seconds(1000)
        let left = try ContinuousClock.now.duration(to: #require(store.deadline))
        #expect(left > .seconds(990) && left <= .seconds(1000))
        #expect(try next() == 1)
        store.deadline = .now - .seconds(1)
        usleep(20_000)
        #expect(trap { _ = try next() }?.code == .interrupted)
        #expect(trap { _ = try next() }?.code == .interrupted)
        store.deadline = nil
        #expect(try next() == 2)
        #expect(
            trap {
                try store.withDeadline(.milliseconds(5)) {
                    try Self.run(Self.endless[0], in: store)
                }
            }?
            .code == .interrupted)
        #expect(try next() == 3)
    }

    @Test func storeGoesOnAfterAnInterruption() throws {
        let store = Store(Engine())
        let module = try Module(store.engine, text: Self.counting)
        let instance = try Linker(store.engine).instantiate(module, in: store)
        let forever = try instance.function("forever", as: (() -> Void).self)
        let read = try instance.function("read", as: (() -> Int32).self)
        var stops = 0
        for _ in 0..<1000 where stops < 10 {
            let before = try read()
            let stopped = trap { try store.withDeadline(.milliseconds(2)) { try forever() } }
            #expect(stopped?.code == .interrupted)
            // On a busy machine the time may be over before the call begins.
            if stopped?.backtrace.isEmpty == true { continue }
            #expect(stopped?.backtrace.last?.name == "forever")
            #expect(try read() != before)
            stops += 1
        }
        #expect(stops == 10)
    }

    /// What a guest computes is the same whether or not somebody tries to stop it: a run ends
    /// cleanly or gives the right result.
    @Test func interruptionAtRandomTimes() throws {
        let store = Store(Engine())
        let module = try Module(store.engine, text: Self.counting)
        let instance = try Linker(store.engine).instantiate(module, in: store)
        let sum = try instance.function("sum", as: ((Int32) -> Int32).self)
        let expected = try sum(20_000)
        let handle = store.interruptHandle
        let finished = Counter()
        let other = startThread(stackBytes: 1 << 20) {
            var state: UInt32 = 1
            while finished.total == 0 {
                state = state &* 1_664_525 &+ 1_013_904_223
                usleep(state >> 22)
                handle.interrupt()
            }
        }
        var stopped = 0
        for _ in 0..<3000 {
            do {
                #expect(try sum(20_000) == expected)
            } catch let trap as Trap {
                #expect(trap.code == .interrupted)
                stopped += 1
            }
        }
        finished.add()
        join(other)
        #expect(stopped > 0)
    }

    @Test func storeWithinAStoreIsStoppedByTheOuterDeadline() throws {
        let engine = Engine()
        let outer = Store(engine)
        var linker = Linker(engine)
        linker.define("host", "again") { () -> Void in
            try Self.run(Self.endless[0], in: Store(engine))
        }
        let text = """
            (module (import "host" "again" (func $again)) (func (export "run") (call $again)))
            """
        let module = try Module(engine, text: text)
        let run = try linker.instantiate(module, in: outer)
            .function("run", as: (() -> Void).self)
        outer.deadline = .now + .milliseconds(20)
        #expect(trap { try run() }?.code == .interrupted)
    }

    /// Whoever wants to stop a guest may think of it while it runs.
    @Test(arguments: [false, true]) func hostFunctionsStopTheirGuest(byHandle: Bool) throws {
        let engine = Engine()
        var linker = Linker(engine)
        linker.define("host", "f") { (caller: Caller) in
            if byHandle {
                caller.store.interruptHandle.interrupt()
            } else {
                caller.store.deadline = .now + .milliseconds(5)
            }
        }
        let text = """
            (module (import "host" "f" (func $f))
              (func (export "run") (call $f) (loop $l (br $l)))
              (func (export "end")))
            """
        let store = Store(engine)
        let instance = try linker.instantiate(Module(engine, text: text), in: store)
        let run = try instance.function("run", as: (() -> Void).self)
        #expect(trap { try run() }?.code == .interrupted)
        store.deadline = nil
        try instance.function("end", as: (() -> Void).self)()
    }

    /// Elements are written before any code of the module runs.
    @Test func largeSegmentsAreInterrupted() throws {
        let engine = Engine()
        // From where an import says, so that nothing is known before.
        var text = """
            (module (import "host" "offset" (global $offset i32))
              (table 200000 funcref) (func $f) (elem (global.get $offset) func
            """
        text += String(repeating: " $f", count: 200_000) + "))"
        let module = try Module(engine, text: text)
        let store = Store(engine)
        var linker = Linker(engine)
        linker.define("host", "offset", try Global(store, .i32(0)))
        store.interruptHandle.interrupt()
        #expect(trap { try linker.instantiate(module, in: store) }?.code == .interrupted)
        try linker.instantiate(module, in: store)
        #expect(store.statistics.instances == 2)
    }

    @Test func cancelledTasksStopTheirGuests() async throws {
        let task = Task {
            let store = Store(Engine())
            try await store.withTaskCancellation { try Self.run(Self.endless[0], in: store) }
        }
        try await Task.sleep(for: .milliseconds(20))
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
    }

    @Test func cancellationLeavesLaterCallsAlone() async throws {
        let task = Task {
            let store = Store(Engine())
            let module = try Module(store.engine, text: Self.counting)
            let next = try Linker(store.engine).instantiate(module, in: store)
                .function("next", as: (() -> Int32).self)
            unsafe withUnsafeCurrentTask { unsafe $0?.cancel() }
            let stopped = try? await store.withTaskCancellation { try next() }
            return (stopped, try next())
        }
        let (stopped, later) = try await task.value
        #expect(stopped == nil)
        #expect(later == 1)
    }

    /// Threads of queues block all signals, and have that mask again after a call.
    private static func unblockSignal() {
        var set = sigset_t()
        unsafe sigemptyset(&set)
        unsafe sigaddset(&set, SIGURG)
        unsafe pthread_sigmask(SIG_UNBLOCK, &set, nil)
    }

    @Test func othersKeepTheSignal() async {
        await #expect(processExitsWith: .exitCode(42)) {
            Self.unblockSignal()
            signal(SIGURG) { _ in _exit(42) }
            let store = Store(Engine())
            store.deadline = .now + .milliseconds(5)
            let stopped = trap { try Self.run(Self.endless[0], in: store) }
            if stopped?.code == .interrupted { raise(SIGURG) }
            _exit(1)
        }
    }

    @Test func signalIsIgnoredAsBefore() async {
        await #expect(processExitsWith: .exitCode(7)) {
            Self.unblockSignal()
            let store = Store(Engine())
            for _ in 0..<3 {
                store.deadline = .now + .milliseconds(5)
                raise(SIGURG)
                let stopped = trap { try Self.run(Self.endless[0], in: store) }
                if stopped?.code != .interrupted { _exit(1) }
            }
            _exit(7)
        }
    }

    /// Stores with far deadlines leave nothing behind when they go.
    @Test func manyDeadlines() throws {
        let engine = Engine()
        for _ in 0..<2000 {
            let store = Store(engine)
            store.deadline = .now + .seconds(3600)
        }
        let store = Store(engine)
        store.deadline = .now + .milliseconds(5)
        #expect(trap { try Self.run(Self.endless[0], in: store) }?.code == .interrupted)
    }

    private static let counting =
        """
        (module
          (global $count (mut i32) (i32.const 0))
          (memory 1)
          (func (export "next") (result i32)
            (global.set $count (i32.add (global.get $count) (i32.const 1)))
            (global.get $count))
          (func (export "read") (result i32) (i32.load (i32.const 0)))
          (func (export "forever")
            (loop $l
              (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1)))
              (br $l)))
          (func $half (param i32) (result i32) (i32.div_u (local.get 0) (i32.const 2)))
          (func (export "sum") (param i32) (result i32)
            (local i32)
            (loop $l
              (local.set 1 (i32.add (local.get 1) (call $half (local.get 0))))
              (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
              (br_if $l (local.get 0)))
            (local.get 1)))
        """

    /// An array whose elements are never null would have such ones if it were used half filled.
    @Test func arraysThatAreBrokenOffEndTheInstantiation() throws {
        let engine = Engine()
        let module = try Module(
            engine,
            text: """
                (module
                  (type $s (struct (field i32)))
                  (type $a (array (ref $s)))
                  (global $g (ref $a)
                    (array.new $a (struct.new $s (i32.const 7)) (i32.const 300000)))
                  (func (export "get") (param i32) (result i32)
                    (struct.get $s 0 (array.get $a (global.get $g) (local.get 0)))))
                """)
        let store = Store(engine)
        let linker = Linker(engine)
        store.interruptHandle.interrupt()
        #expect(trap { try linker.instantiate(module, in: store) }?.code == .interrupted)
        let get = try linker.instantiate(module, in: store)
            .function("get", as: ((Int32) -> Int32).self)
        #expect(try get(299_999) == 7)
    }
}
