import Apus
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Guests that look themselves whether they are to stop.
struct PollingTests {
    private static func engine(_ compiler: Engine.Compiler, isMetered: Bool = false) -> Engine {
        var configuration = Engine.Configuration()
        configuration.interruption = .polling
        configuration.compiler = compiler
        configuration.isFuelMetered = isMetered
        return Engine(configuration)
    }

    private static let endless = [
        #"(module (func (export "run") (loop $l (br $l))))"#,
        """
        (module (memory 1) (func (export "run") (local i32)
          (loop $l
            (i32.store (i32.and (local.get 0) (i32.const 0xfffc)) (local.get 0))
            (local.set 0 (i32.add (local.get 0) (i32.const 1)))
            (br_if $l (i32.lt_s (i32.const -1) (i32.const 0))))))
        """,
        """
        (module (func $f (param i32)
            (if (i32.eqz (local.get 0)) (then (return)))
            (call $f (i32.sub (local.get 0) (i32.const 1)))
            (call $f (i32.sub (local.get 0) (i32.const 1))))
          (func (export "run") (call $f (i32.const 80))))
        """,
        """
        (module (func $f (return_call $g)) (func $g (return_call $f))
          (func (export "run") (return_call $f)))
        """,
        """
        (module (type $t (func)) (table funcref (elem $f $g))
          (func $f (return_call_indirect (type $t) (i32.const 1)))
          (func $g (return_call_indirect (type $t) (i32.const 0)))
          (func (export "run") (return_call $f)))
        """,
        """
        (module (import "host" "f" (func $f)) (func (export "run") (loop $l (call $f) (br $l))))
        """,
        """
        (module (memory 16384) (func (export "run")
          (loop $l (memory.fill (i32.const 0) (i32.const 7) (i32.const 0x3fff0000)) (br $l))))
        """,
    ]

    @Test(arguments: Engine.Compiler.allCases, [false, true])
    func everyProgramStops(_ compiler: Engine.Compiler, isMetered: Bool) throws {
        let engine = Self.engine(compiler, isMetered: isMetered)
        for text in Self.endless {
            let store = Store(engine)
            if isMetered { store.fuel = 1 << 60 }
            var linker = Linker(engine)
            linker.define("host", "f") { () -> Void in }
            let run = try linker.instantiate(Module(engine, text: text), in: store)
                .function("run", as: (() -> Void).self)
            let end = trap { try store.withDeadline(.milliseconds(20)) { try run() } }
            #expect(end?.code == .interrupted, "\(text)")
            let handle = store.interruptHandle
            let other = startThread(stackBytes: 1 << 20) {
                usleep(10_000)
                handle.interrupt()
            }
            #expect(trap { try run() }?.interruption == .request, "\(text)")
            join(other)
        }
    }

    /// No signal is taken or sent.
    @Test func signalsAreLeftAlone() async {
        await #expect(processExitsWith: .success) {
            alarm(20)
            signal(SIGURG) { _ in _exit(2) }
            let engine = Self.engine(.optimizing)
            let store = Store(engine)
            let run = try Instance(store, Module(engine, text: Self.endless[0]))
                .function("run", as: (() -> Void).self)
            for _ in 0..<5 {
                let end = trap { try store.withDeadline(.milliseconds(5)) { try run() } }
                #expect(end?.code == .interrupted)
            }
            var present = sigaction()
            unsafe sigaction(SIGURG, nil, &present)
            #expect(present.sa_flags & Int32(SA_SIGINFO) == 0)
        }
    }
}
