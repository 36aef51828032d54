import ApusABI
import ApusTestSupport
import Testing

@testable import Apus
@testable import ApusRuntime

/// What code takes from a function's heat: one for each entry and each round in these tests,
/// wherever the heat is meanwhile, and whichever way the function is left.
@Suite struct HeatTests {
    private static func module(_ text: String) throws -> Module {
        var configuration = Engine.Configuration()
        configuration.compiler = .tiered
        configuration.tiering.threshold = 1_000_000
        return try Module(Engine(configuration), text: text)
    }

    /// How much heat function `index` has lost in the calls that `body` makes of an instance.
    private static func taken(
        _ text: String, from index: Int = 0, _ body: (Instance) throws -> Void
    ) throws -> Int {
        let module = try module(text)
        let instance = try Linker(module.engine).instantiate(module, in: Store(module.engine))
        let table = try #require(module.loaded.code.space?.table)
        let before = table.heat(index)
        try body(instance)
        return Int(before) - Int(table.heat(index))
    }

    private static func call(_ argument: Int32) -> (Instance) throws -> Void {
        { instance in _ = try instance.function("run").call([.i32(argument)]) }
    }

    /// Ways out of a loop of which nobody calls anything, after some rounds.
    static let exits: [(name: String, body: String)] = [
        (
            "the end",
            """
            (loop $next (br_if $next (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
            (local.get 0)
            """
        ),
        (
            "return",
            """
            (loop $next (result i32)
              (if (i32.eqz (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))
                (then (return (i32.const 7))))
              (br $next))
            """
        ),
        (
            "a branch to the body",
            """
            (loop $next (result i32)
              (drop (br_if 1 (i32.const 7)
                (i32.eqz (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
              (br $next))
            """
        ),
        (
            "a table",
            """
            (i32.const 7)
            (loop $next (param i32) (result i32)
              (br_table $next 1
                (i32.eqz (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
            """
        ),
        (
            "a table without values",
            """
            (block $out
              (loop $next
                (br_table $next $out
                  (i32.eqz (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))))
            (local.get 0)
            """
        ),
        (
            "a branch with values",
            """
            (drop
              (block $out (result i32 i32)
                (loop $next (result i32 i32)
                  (br_if $out (i32.const 7) (i32.const 8)
                    (i32.eqz (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
                  (br $next))))
            """
        ),
        (
            "a branch if there is a reference",
            """
            (block $out (result funcref)
              (loop $next (result funcref)
                (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
                (br_on_non_null $out
                  (select (result funcref) (ref.null func) (ref.func $other) (local.get 0)))
                (br $next)))
            (return (ref.is_null))
            """
        ),
        (
            "a tail call",
            """
            (loop $next (result i32)
              (br_if $next (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))
              (return_call $other (local.get 0)))
            """
        ),
        (
            "a branch out of two loops",
            """
            (block $out
              (loop $outer
                (loop $next
                  (br_if $out (i32.eqz (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
                  (br $next))
                (br $outer)))
            (local.get 0)
            """
        ),
        (
            "a way that is seldom taken",
            """
            (loop $next (result i32)
              (@metadata.code.branch_hint "\\00")
              (if (i32.eqz (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))
                (then (return (i32.load (i32.const 16)))))
              (br $next))
            """
        ),
    ]

    @Test(arguments: exits.indices) func eachRoundIsCounted(_ exit: Int) throws {
        let text = """
            (module (memory 1)
              (func (export "run") (param i32) (result i32) \(Self.exits[exit].body))
              (func $other (param i32) (result i32) (local.get 0))
              (elem declare func $other))
            """
        // Two loops have two rounds at first.
        let more = Self.exits[exit].name.contains("two loops") ? 1 : 0
        for rounds in [1, 2, 100] as [Int32] {
            let taken = try Self.taken(text) { instance in
                for _ in 0..<3 { try Self.call(rounds)(instance) }
            }
            #expect(taken == 3 * (1 + Int(rounds) + more), "\(Self.exits[exit].name)")
        }
    }

    /// Loops in a loop have the heat where that has it, and what comes behind has it in memory.
    @Test func loopsInLoopsAreCounted() throws {
        let text = """
            (module
              (func $run (export "run") (param i32) (result i32) (local i32 i32)
                (loop $calling
                  (local.set 1 (i32.const 5))
                  (loop $holding
                    (local.set 2 (i32.const 3))
                    (loop $inner
                      (br_if $inner (local.tee 2 (i32.sub (local.get 2) (i32.const 1)))))
                    (block $early
                      (loop $never (br_if $early (local.get 1)) (br $never)))
                    (br_if $holding (local.tee 1 (i32.sub (local.get 1) (i32.const 1)))))
                  (if (local.get 0) (then (drop (call $run (i32.const 0)))))
                  (br_if $calling (i32.eq (i32.const 1)
                    (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
                (local.get 0)))
            """
        // Of each round of the outermost loop: that, five rounds, and four in each of these.
        let round = 1 + 5 * (1 + 3 + 1)
        #expect(try Self.taken(text, Self.call(2)) == 3 + 4 * round)
    }

    /// A function that counting would slow down is in its hot callers anyway.
    @Test func whatIsSmallIsNotCounted() throws {
        let text = """
            (module (memory 1)
              (func $small (param i32) (result i32) (i32.load (local.get 0)))
              (func $listed (param i32) (result i32) (i32.load (local.get 0)))
              (func (export "run") (param i32)
                (loop $next
                  (drop (call $small (i32.const 8)))
                  (br_if $next (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
                (drop (call $listed (i32.const 8))))
              (elem declare func $listed))
            """
        var configuration = Engine.Configuration()
        configuration.compiler = .tiered
        configuration.tiering.isSynchronous = true
        let module = try Module(Engine(configuration), text: text)
        let instance = try Linker(module.engine).instantiate(module, in: Store(module.engine))
        let run = try instance.function("run", as: ((Int32) -> Void).self)
        let table = try #require(module.loaded.code.space?.table)
        let before = [table.heat(0), table.heat(1)]
        try run(10)
        #expect(table.heat(0) == before[0])
        #expect(table.heat(1) < before[1])
        try run(100_000)
        let made = try #require(module.tiers).optimizations
        #expect(made.contains { $0.function == 2 && $0.hotCallees > 0 })
    }

    /// With all registers in use the heat stays where it is.
    @Test func manyLocalsLeaveNoRegister() throws {
        let locals = 1..<14
        let sums = locals.map {
            "(local.set \($0) (i32.add (local.get \($0)) (local.get \(max(1, $0 - 1)))))"
        }
        let text = """
            (module
              (func (export "run") (param i32) (result i32)
                (local \(locals.map { _ in "i32" }.joined(separator: " ")))
                (loop $next
                  \(sums.joined(separator: "\n"))
                  \(sums.joined(separator: "\n"))
                  (br_if $next (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
                (local.get 13)))
            """
        #expect(try Self.taken(text, Self.call(100)) == 101)
    }

    /// What a function calls from between loops may be that function.
    @Test(arguments: [0, 1]) func recursionCountsOnce(_ calls: Int) throws {
        let text = """
            (module
              (func $run (export "run") (param i32) (result i32) (local i32)
                (local.set 1 (i32.const 20))
                (loop $first (br_if $first (local.tee 1 (i32.sub (local.get 1) (i32.const 1)))))
                (if (local.get 0)
                  (then (drop (call $run (i32.sub (local.get 0) (i32.const 1))))))
                \(calls == 0 ? "" : "(memory.fill (i32.const 0) (i32.const 1) (local.get 0))")
                (local.set 1 (i32.const 30))
                (loop $second (br_if $second (local.tee 1 (i32.sub (local.get 1) (i32.const 1)))))
                (local.get 0))
              (memory 1))
            """
        #expect(try Self.taken(text, Self.call(9)) == 10 * 51)
    }

    /// What is thrown past a loop, and caught behind it, takes no rounds along.
    @Test func roundsBeforeAnExceptionAreCounted() throws {
        let text = """
            (module
              (tag $odd)
              (func (export "run") (param i32) (result i32)
                (block $caught
                  (try_table (catch $odd $caught)
                    (loop $next
                      (br_if $next (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
                    (call $throw)))
                (local.set 0 (i32.const 10))
                (loop $next (br_if $next (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
                (local.get 0))
              (func $throw (throw $odd)))
            """
        #expect(try Self.taken(text, Self.call(5)) == 1 + 5 + 10)
    }

    /// An exception may be what ends a call: it is caught where the body ends.
    @Test func callsThatExceptionsEndAreCounted() throws {
        let text = """
            (module
              (tag $odd (param i32))
              (func (export "run") (param i32) (result i32)
                (try_table (catch $odd 0)
                  (loop $next
                    (br_if $next (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
                  (call $throw))
                (local.get 0))
              (func $throw (throw $odd (i32.const 7))))
            """
        #expect(try Self.taken(text, Self.call(5)) == 1 + 5)
    }

    /// Loops in which calls come in the way of what is counted, by what is called.
    static let loops: [(name: String, body: String)] = [
        ("a call", "(call $other)"),
        ("a call whose exceptions are caught", "(try_table (catch $odd 0) (call $other))"),
        ("exceptions", "(try_table (catch $odd 0) (call $throw))"),
        (
            "a call around another loop",
            """
            (call $other)
            (local.set 1 (i32.const 3))
            (loop $inner (br_if $inner (local.tee 1 (i32.sub (local.get 1) (i32.const 1)))))
            """
        ),
        (
            "a call of the runtime",
            """
            (memory.fill
              (i32.const 0) (i32.const 1) (i32.and (local.get 0) (i32.const 1023)))
            """
        ),
    ]

    /// A call that stays in a loop is noticed, however often what it has counted is put aside.
    @Test(arguments: loops.indices, [1, 5000, 300_000])
    func callsThatStayAreNoticed(_ loop: Int, after threshold: Int) throws {
        let text = """
            (module (memory 1)
              (tag $odd)
              (func (export "run") (param i32) (result i32) (local i32)
                (loop $next
                  (block \(Self.loops[loop].body))
                  (br_if $next (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
                (local.get 0))
              (func $other)
              (func $throw (throw $odd)))
            """
        var configuration = Engine.Configuration()
        configuration.compiler = .tiered
        configuration.tiering.threshold = threshold
        configuration.tiering.isSynchronous = true
        let module = try Module(Engine(configuration), text: text)
        let instance = try Linker(module.engine).instantiate(module, in: Store(module.engine))
        let rounds = Int32(threshold + threshold / 8 + 10)
        let run = try instance.function("run", as: ((Int32) -> Int32).self)
        #expect(try run(rounds) == 0)
        let made = try #require(module.tiers).optimizations
        #expect(
            made.contains { $0.function == 0 && $0.loop != nil }, "\(Self.loops[loop].name)")
    }
}
