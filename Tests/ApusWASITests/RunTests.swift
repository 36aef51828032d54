import Apus
import Testing

@testable import ApusWASI

/// What of a module is the program, and how it ends.
struct RunTests {
    /// A module whose functions end it with a status.
    private static func text(_ functions: String) -> String {
        """
        (module
          (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
          (memory (export "memory") 1)
          (global $i (mut i32) (i32.const 0))
          \(functions))
        """
    }

    private static let initializing =
        #"(func (export "_initialize") (global.set $i (i32.add (global.get $i) (i32.const 7))))"#

    /// A clock that is centuries off stands at the end of what guests can be told.
    @Test func clocksOfAnyTime() throws {
        let ages = Duration.seconds(Int64.max) * 15
        let clocks: [WASI.Clock] = [
            .offset(ages), .offset(.zero - ages), .simulated(start: ages, step: ages),
            .simulated(start: .zero - ages, step: .zero - ages),
        ]
        for clock in clocks {
            var wasi = WASI()
            wasi.clock = clock
            let engine = Engine()
            let text = Self.text(#"(func (export "_start") (call $exit (i32.const 3)))"#)
            #expect(try wasi.run(Module(engine, text: text), in: Store(engine)) == 3)
        }
        #expect("\(WASI.Exit(status: 3))" == "the guest has exited with status 3")
    }

    private func run(_ functions: String) throws -> Int32 {
        let engine = Engine()
        return try WASI().run(Module(engine, text: Self.text(functions)), in: Store(engine))
    }

    private static let programs: [(functions: String, status: Int32)] = [
        // A command.
        (#"(func (export "_start") (call $exit (i32.const 3)))"#, 3),
        (#"(func (export "_start"))"#, 0),
        // One that is both is a command.
        ("\(initializing) (func (export \"_start\") (call $exit (global.get $i)))", 0),
        // The export without a name, after the reactor's own beginning, which comes once.
        ("\(initializing) (func (export \"\") (call $exit (global.get $i)))", 7),
        ("\(initializing) (func (export \"\") (result i32) (global.get $i))", 7),
        (#"(func (export "") (call $exit (i32.const 9)))"#, 9),
        (#"(func (export "_start")) (func (export "") (call $exit (i32.const 9)))"#, 0),
        // A reactor that nobody calls.
        (initializing, 0),
        (#"(func (export "_initialize") (call $exit (i32.const 5)))"#, 5),
        // All is done by the start function.
        ("(func $s) (start $s)", 0),
        ("(func $s (call $exit (i32.const 6))) (start $s)", 6),
    ]

    @Test func findsTheProgram() throws {
        for (functions, status) in Self.programs {
            #expect(try run(functions) == status, "\(functions)")
        }
    }

    @Test(arguments: [
        #"(func (export "run"))"#,
        #"(global (export "_start") i32 (i32.const 0))"#,
        #"(func (export "_start") (param i32))"#,
        #"(func (export "") (param i32))"#,
        #"(global (export "") i32 (i32.const 0))"#,
        #"(global (export "_initialize") i32 (i32.const 0))"#,
        #"(func (export "_initialize") (result i32) (i32.const 0))"#,
    ])
    func refusesWhatIsNoProgram(_ functions: String) throws {
        #expect(throws: ExportError.self) { try run(functions) }
    }

    @Test func initializesOnceBeforeTheFirstCall() throws {
        let engine = Engine()
        let get = #"(func (export "get") (result i32) (global.get $i))"#
        let module = try Module(engine, text: Self.text(Self.initializing + get))
        let instance = try WASI().instantiate(module, in: Store(engine))
        let function = try instance.function("get", as: (() -> Int32).self)
        #expect(try function() == 7)
        #expect(try function() == 7)
    }
}
