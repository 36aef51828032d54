@_spi(ApusCLI) import ApusWASI
import Foundation
import Synchronization
import Testing

@testable import Apus
@testable import ApusRuntime

/// Programs that make threads.
@Suite struct ThreadGroupTests {
    /// A program whose threads do `body` with their number in `$tid` and their argument in `$arg`.
    private static func program(
        thread: String, main: String, imports: String = "", maximum: Int = 4
    ) -> String {
        """
        (module
          (import "any" "name" (memory 1 \(maximum) shared))
          (import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))
          (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
          \(imports)
          (export "memory" (memory 0))
          (func (export "wasi_thread_start") (param $tid i32) (param $arg i32)
            \(thread))
          (func (export "_start") (local $i i32)
            \(main)))
        """
    }

    private static func run(
        _ text: String, _ wasi: WASI = WASI(), _ configuration: Engine.Configuration = .init(),
        limits: Limits? = nil
    ) throws -> (status: Int32, store: Store) {
        let engine = Engine(configuration)
        let store = Store(engine, limits: limits)
        return (try wasi.run(Module(engine, text: text), in: store), store)
    }

    private static let spawnTen = """
        (loop $again
          (if (i32.le_s (call $spawn (local.get $i)) (i32.const 0)) (then unreachable))
          (br_if $again (i32.lt_u
            (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 10))))
        """
    /// Waits until the number at 0 is `count`.
    private static func await(_ count: Int) -> String {
        """
        (block $done (loop $again
          (br_if $done (i32.eq
            (local.tee $i (i32.atomic.load (i32.const 0))) (i32.const \(count))))
          (drop (memory.atomic.wait32 (i32.const 0) (local.get $i) (i64.const -1)))
          (br $again)))
        """
    }
    private static let arrive = """
        (drop (i32.atomic.rmw.add (i32.const 0) (i32.const 1)))
        (drop (memory.atomic.notify (i32.const 0) (i32.const -1)))
        """
    private static let forever = "(loop $forever (br $forever))"

    @Test(arguments: [Engine.Compiler.baseline, .optimizing])
    func threadsWorkTogether(compiler: Engine.Compiler) throws {
        var configuration = Engine.Configuration()
        configuration.compiler = compiler
        let text = Self.program(
            thread: "(drop (i32.atomic.rmw.add (i32.const 4) (local.get $arg))) \(Self.arrive)",
            main: """
                \(Self.spawnTen) \(Self.await(10))
                (call $exit (i32.load (i32.const 4)))
                """)
        #expect(try Self.run(text, WASI(), configuration).status == 45)
    }

    @Test func numbersCountFromOne() throws {
        let text = Self.program(
            thread: """
                (drop (i32.atomic.rmw.or (i32.const 4) (i32.shl (i32.const 1) (local.get $tid))))
                \(Self.arrive)
                """,
            main: "\(Self.spawnTen) \(Self.await(10)) (call $exit (i32.load (i32.const 4)))")
        #expect(try Self.run(text).status == 0b111_1111_1110)
    }

    @Test func thereAreAsManyAsAreAllowed() throws {
        var wasi = WASI()
        wasi.threadLimit = 3
        let text = Self.program(
            thread: Self.forever,
            main: """
                (drop (call $spawn (i32.const 0))) (drop (call $spawn (i32.const 0)))
                (call $exit (i32.sub (i32.const 0) (call $spawn (i32.const 0))))
                """)
        #expect(try Self.run(text, wasi).status == 6)
    }

    // MARK: The end

    @Test func theMainThreadsEndIsAllThreads() throws {
        let text = Self.program(thread: Self.forever, main: Self.spawnTen)
        #expect(try Self.run(text).status == 0)
    }

    @Test func anyThreadMayExit() throws {
        let text = Self.program(
            thread: """
                (if (i32.eq (local.get $arg) (i32.const 9)) (then (call $exit (i32.const 33))))
                \(Self.forever)
                """,
            main: "\(Self.spawnTen) (drop (memory.atomic.wait32 "
                + "(i32.const 64) (i32.const 0) (i64.const -1)))")
        let (status, store) = try Self.run(text)
        #expect(status == 33)
        // What has stopped the main thread stops nobody else.
        let engine = store.engine
        let other = try Module(
            engine, text: #"(module (func (export "f") (loop)))"#)
        #expect(throws: Never.self) {
            try Instance(store, other).function("f", as: (() -> Void).self)()
        }
    }

    @Test func aTrapEndsThemAll() throws {
        let text = Self.program(
            thread: """
                (if (i32.eq (local.get $arg) (i32.const 5)) (then unreachable)) \(Self.forever)
                """,
            main: "\(Self.spawnTen) \(Self.forever)")
        let trap = #expect(throws: Trap.self) { try Self.run(text) }
        #expect(trap?.code == .unreachable)
    }

    @Test func allAreStoppedInTime() throws {
        var limits = Limits()
        limits.deadline = .milliseconds(100)
        var wasi = WASI()
        wasi.threadLimit = 65
        let text = Self.program(
            thread: Self.forever,
            main: """
                (loop $again
                  (drop (call $spawn (local.get $i)))
                  (br_if $again (i32.lt_u
                    (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 64))))
                \(Self.forever)
                """)
        let start = ContinuousClock.now
        let trap = #expect(throws: Trap.self) { try Self.run(text, wasi, limits: limits) }
        #expect(trap?.code == .interrupted)
        #expect(start.duration(to: .now) < .seconds(20))
    }

    /// A guest that an observer calls before the thread's own begins may be what the end stops.
    @Test func theEndIsNotUsedUpByObservers() throws {
        let isInGuest = DispatchSemaphore(value: 0)
        let starts = CapturedOutput(byteLimit: 100)
        var wasi = WASI()
        wasi.standardOutput = .capture(starts)
        // The main thread ends when the observer's guest runs.
        wasi.standardError = .handler { _ in isInGuest.wait() }
        wasi.threadObserver = { _, store in
            var linker = Linker(store.engine)
            linker.define("host", "f") { _ = isInGuest.signal() }
            let module = try Module(
                store.engine,
                text: """
                    (module (import "host" "f" (func $f))
                      (func (export "run") (call $f) (loop $forever (br $forever))))
                    """)
            let function = try linker.instantiate(module, in: store)
                .function("run", as: (() -> Void).self)
            #expect(throws: Trap.self) { try function() }
            return {}
        }
        let text = Self.program(
            thread: "",
            main: """
                (drop (call $spawn (i32.const 0)))
                (call $print (i32.const 2))
                """,
            imports: """
                (import "wasi_snapshot_preview1" "fd_write"
                  (func $write (param i32 i32 i32 i32) (result i32)))
                (func $print (param i32)
                  (i32.store (i32.const 64) (i32.const 96))
                  (i32.store (i32.const 68) (i32.const 1))
                  (i32.store8 (i32.const 96) (i32.const 120))
                  (drop (call $write
                    (local.get 0) (i32.const 64) (i32.const 1) (i32.const 80))))
                (func $begin (call $print (i32.const 1))) (start $begin)
                """)
        #expect(try Self.run(text, wasi).status == 0)
        // The main thread's alone.
        #expect(starts.string == "x")
    }

    /// A thread is stopped too if the end finds it where its module's start function has ended, and
    /// what it is there for has not begun.
    @Test func theEndIsNotMissedBetweenTwoCalls() throws {
        let (inner, outer) = try SocketTests.pair()
        defer { for descriptor in [inner, outer] { close(descriptor) } }
        var limits = Limits()
        limits.deadline = .seconds(5)
        var wasi = WASI()
        wasi.sockets = [inner]
        wasi.threadObserver = { _, store in
            let runtime = try store.runtime
            runtime.atInterruptionStep = { [unowned runtime] step in
                guard step == .ending else { return }
                _ = unsafe write(outer, "!", 1)
                while !runtime.isInterrupted { usleep(100) }
            }
            return {}
        }
        let text = Self.program(
            thread: Self.forever,
            main: """
                (drop (call $spawn (i32.const 0)))
                ;; Reads the byte that the thread's step writes.
                (i32.store (i32.const 64) (i32.const 96))
                (i32.store (i32.const 68) (i32.const 1))
                (drop (call $read (i32.const 3) (i32.const 64) (i32.const 1) (i32.const 80)))
                """,
            imports: """
                (import "wasi_snapshot_preview1" "fd_read"
                  (func $read (param i32 i32 i32 i32) (result i32)))
                (func $nothing) (start $nothing)
                """)
        let start = ContinuousClock.now
        #expect(try Self.run(text, wasi, limits: limits).status == 0)
        #expect(start.duration(to: .now) < .seconds(4))
    }

    #if os(Linux)
        /// Other tests have threads, too: these are told by what the system calls them.
        @Test func nothingIsLeftBehind() throws {
            let names = Mutex<Set<String>>([])
            var wasi = WASI()
            wasi.threadObserver = { _, _ in
                let task = try FileManager.default.destinationOfSymbolicLink(
                    atPath: "/proc/thread-self")
                names.withLock { _ = $0.insert(String(task.split(separator: "/").last ?? "")) }
                return {}
            }
            let engine = Engine()
            let module = try Module(
                engine,
                text: Self.program(
                    thread: "\(Self.arrive) \(Self.forever)",
                    main: "\(Self.spawnTen) \(Self.await(10))"))
            for _ in 0..<50 { #expect(try wasi.run(module, in: Store(engine)) == 0) }
            let ours = names.withLock { $0 }
            #expect(ours.count > 10)
            func left() throws -> Set<String> {
                let tasks = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/task")
                return ours.intersection(tasks)
            }
            // Whoever has been waited for may be seen for a moment.
            let start = ContinuousClock.now
            while try !left().isEmpty, start.duration(to: .now) < .seconds(20) { usleep(1000) }
            #expect(try left() == [])
        }
    #endif

    // MARK: What they have in common

    @Test func outputIsWhole() throws {
        let output = CapturedOutput()
        var wasi = WASI()
        wasi.standardOutput = .capture(output)
        let text = Self.program(
            thread: """
                (local $n i32)
                (loop $again
                  (drop (call $write (i32.const 1) (i32.const 128) (i32.const 1)
                    (i32.add (i32.const 256) (i32.shl (local.get $tid) (i32.const 2)))))
                  (br_if $again (i32.lt_u
                    (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 50))))
                \(Self.arrive)
                """,
            main: """
                (i32.store (i32.const 128) (i32.const 192))
                (i32.store (i32.const 132) (i32.const 4))
                (i32.store (i32.const 192) (i32.const 0x0A636261))
                \(Self.spawnTen) \(Self.await(10))
                """,
            imports: """
                (import "wasi_snapshot_preview1" "fd_write"
                  (func $write (param i32 i32 i32 i32) (result i32)))
                """)
        #expect(try Self.run(text, wasi).status == 0)
        #expect(output.string == String(repeating: "abc\n", count: 500))
    }

    @Test func memoryIsBoundedForAll() throws {
        var limits = Limits()
        limits.memoryBytes = 3 << 16
        let text = Self.program(
            thread: """
                (drop (i32.atomic.rmw.add (i32.const 4)
                  (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))
                \(Self.arrive)
                """,
            main: "\(Self.spawnTen) \(Self.await(10)) (call $exit (i32.load (i32.const 4)))",
            maximum: 20)
        // Threads that grow it at the same time all have to see what the others have done.
        for _ in 0..<20 { #expect(try Self.run(text, limits: limits).status == 2) }
    }

    @Test func memoryIsBoundedForTheMainThread() throws {
        var limits = Limits()
        limits.memoryBytes = 5 << 16
        let text = Self.program(
            thread: """
                (loop $again
                  (br_if $again (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))
                \(Self.arrive)
                """,
            main: """
                (drop (call $spawn (i32.const 0))) \(Self.await(1))
                (if (i32.ne (memory.grow (i32.const 1)) (i32.const -1)) (then unreachable))
                (call $exit (memory.size))
                """,
            maximum: 20)
        #expect(try Self.run(text, limits: limits).status == 5)
    }

    @Test func fuelIsDivided() throws {
        var configuration = Engine.Configuration()
        configuration.isFuelMetered = true
        var limits = Limits()
        limits.fuel = 10_000_000
        // Each thread makes another one, for ever.
        let text = Self.program(
            thread: "(drop (call $spawn (i32.const 0)))",
            main: "(drop (call $spawn (i32.const 0))) \(Self.forever)")
        let trap = #expect(throws: Trap.self) {
            try Self.run(text, WASI(), configuration, limits: limits)
        }
        #expect(trap?.code == .outOfFuel)
    }

    #if os(Linux)
        /// What one thread waits for with `poll_oneoff` another closes: it is there until the last
        /// look at it.
        @Test func whatIsPolledIsClosedAfterwards() throws {
            let folder = try TemporaryFolder()
            try #require(unsafe mkfifo(folder.url.appending(path: "pipe").path(), 0o600) == 0)
            var wasi = WASI()
            wasi.clock = .system
            wasi.preopen("/", folder.path)
            let status = try Self.run(Self.closingWhatIsPolled, wasi).status
            // The bytes that can be read.
            #expect(status == 5)
        }

        private static let closingWhatIsPolled = program(
            thread: """
                ;; 50 milliseconds, for the main thread to wait.
                (i32.store (i32.const 336) (i32.const 1))
                (i64.store (i32.const 344) (i64.const 50000000))
                (drop (call $poll (i32.const 320) (i32.const 448) (i32.const 1) (i32.const 496)))
                (drop (call $close (i32.const 4)))
                (i32.store (i32.const 512) (i32.const 0))
                (i32.store (i32.const 516) (i32.const 5))
                (drop (call $write (i32.const 5) (i32.const 512) (i32.const 1) (i32.const 520)))
                \(forever)
                """,
            main: """
                (memory.init $name (i32.const 0) (i32.const 0) (i32.const 4))
                (drop (call $open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 4)
                  (i32.const 0) (i64.const 0x8000042) (i64.const 0) (i32.const 0) (i32.const 16)))
                (drop (call $open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 4)
                  (i32.const 0) (i64.const 0x8000042) (i64.const 0) (i32.const 0) (i32.const 20)))
                (if (i32.ne (i32.load (i32.const 20)) (i32.const 5)) (then unreachable))
                (drop (call $spawn (i32.const 0)))
                ;; Whether descriptor 4 can be read.
                (i32.store (i32.const 72) (i32.const 1))
                (i32.store (i32.const 80) (i32.const 4))
                (drop (call $poll (i32.const 64) (i32.const 192) (i32.const 1) (i32.const 240)))
                (call $exit (i32.load (i32.const 208)))
                """,
            imports: """
                (import "wasi_snapshot_preview1" "poll_oneoff"
                  (func $poll (param i32 i32 i32 i32) (result i32)))
                (import "wasi_snapshot_preview1" "fd_close"
                  (func $close (param i32) (result i32)))
                (import "wasi_snapshot_preview1" "fd_write"
                  (func $write (param i32 i32 i32 i32) (result i32)))
                (import "wasi_snapshot_preview1" "path_open"
                  (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
                (data $name "pipe")
                """)
    #endif

    // MARK: Refusals

    @Test func whoMakesThreadsSaysWhatTheyDo() throws {
        let text = """
            (module (import "wasi" "thread-spawn" (func (param i32) (result i32)))
              (func (export "_start")))
            """
        let error = #expect(throws: ExportError.self) { try Self.run(text) }
        #expect(error?.name == "wasi_thread_start")
    }

    @Test func threadsAreACapability() throws {
        var wasi = WASI()
        wasi.capabilities.remove(.threads)
        let text = Self.program(thread: "", main: "")
        let error = #expect(throws: LinkError.self) { try Self.run(text, wasi) }
        #expect(error?.name == "thread-spawn")
    }
}
