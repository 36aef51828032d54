import Apus
import Foundation
import Testing

/// Functions that are compiled when they are first called, and anew when they are hot.
struct TieringTests {
    private static func engine(
        after threshold: Int? = nil, isMetered: Bool = false
    ) -> Engine {
        var configuration = Engine.Configuration()
        configuration.compiler = .tiered
        configuration.isFuelMetered = isMetered
        configuration.tiering.threshold = threshold
        configuration.tiering.isSynchronous = threshold != nil
        return Engine(configuration)
    }

    private static let program = """
        (module
          (func $double (param i32) (result i32) (i32.mul (local.get 0) (i32.const 2)))
          (func (export "double") (param i32) (result i32) (call $double (local.get 0)))
          (func (export "never") (result i32) (i32.const 0))
          (func (export "sum") (param i64) (result i64) (local $sum i64)
            (loop $next
              (local.set $sum (i64.add (local.get $sum) (local.get 0)))
              (br_if $next
                (i64.ne (local.tee 0 (i64.sub (local.get 0) (i64.const 1))) (i64.const 0))))
            (local.get $sum)))
        """

    /// The results, as text.
    private func call(
        _ name: String, _ arguments: [Value], _ module: Module
    ) throws -> String {
        let instance = try Linker(module.engine).instantiate(module, in: Store(module.engine))
        return text(try instance.function(name).call(arguments))
    }

    private func text(_ values: [Value]) -> String {
        values.map { "\($0)" }.joined(separator: " ")
    }

    @Test func onlyWhatIsCalledIsCompiled() throws {
        let module = try Module(Self.engine(), text: Self.program)
        #expect(module.tiers?.functions == 4)
        #expect(module.tiers?.compiledFunctions == 0)
        #expect(try call("double", [.i32(21)], module) == text([.i32(42)]))
        #expect(module.tiers?.compiledFunctions == 2)
        #expect(try call("double", [.i32(4)], module) == text([.i32(8)]))
        let tiers = try #require(module.tiers)
        #expect(tiers.compiledFunctions == 2)
        #expect(tiers.baselineBytes > 0)
        #expect(tiers.optimizations.isEmpty)
    }

    /// A guest that is told to stop does not wait for the code of the function that it calls.
    @Test func compilingEndsWhenTheGuestIsToStop() throws {
        var configuration = Engine.Configuration()
        configuration.compiler = .tiered
        // These have the source map read right before the first function is compiled.
        configuration.nativeTools = .debugger
        let module = try Module(Engine(configuration), text: Self.program)
        let store = Store(module.engine)
        let handle = store.interruptHandle
        module.setSourceMap {
            handle.interrupt()
            return nil
        }
        let instance = try Instance(store, module)
        let function = try instance.function("double", as: ((Int32) -> Int32).self)
        #expect(trap { _ = try function(1) }?.code == .interrupted)
        #expect(module.tiers?.compiledFunctions == 0)
        #expect(try function(1) == 2)
        #expect(module.tiers?.compiledFunctions == 2)
    }

    @Test func modulesThatAreCompiledAtOnceHaveNoTiers() throws {
        var configuration = Engine.Configuration()
        configuration.compiler = .baseline
        #expect(try Module(Engine(configuration), text: Self.program).tiers == nil)
    }

    @Test func whatIsNotValidIsRefusedWhenItIsLoaded() {
        #expect(throws: ModuleError.self) {
            _ = try Module(Self.engine(), text: "(module (func) (func (result i32)))")
        }
    }

    @Test func hotFunctionsAreCompiledAnew() throws {
        let module = try Module(Self.engine(after: 2), text: Self.program)
        for number in Int32(0)..<4 {
            #expect(try call("double", [.i32(number)], module) == text([.i32(2 * number)]))
        }
        let made = try #require(module.tiers).optimizations
        #expect(made.map(\.function).sorted() == [0, 1])
        #expect(made.allSatisfy { $0.succeeded && $0.loop == nil && $0.cause == .calls })
    }

    @Test func aLongCallGoesOnInOtherCode() throws {
        let module = try Module(Self.engine(after: 10), text: Self.program)
        #expect(try call("sum", [.i64(1000)], module) == text([.i64(500_500)]))
        let made = try #require(module.tiers).optimizations
        #expect(made.map(\.function) == [3, 3])
        let loop = try #require(made.last?.loop)
        #expect(made.map(\.cause) == [.rounds(offset: loop), .longCall])
        #expect(made.allSatisfy { $0.succeeded })
    }

    /// By another thread, while the call is in the loop.
    @Test func aLongCallIsOvertaken() throws {
        var rounds: Int64 = 1 << 24
        while rounds <= 1 << 31 {
            let module = try Module(Self.engine(), text: Self.program)
            #expect(
                try call("sum", [.i64(rounds)], module) == text([.i64(rounds * (rounds + 1) / 2)]))
            if module.tiers?.optimizations.contains(where: { $0.loop != nil }) == true { return }
            // Nobody had time for it: once more, for longer.
            rounds *= 8
        }
        Issue.record("no loop was compiled")
    }

    @Test(arguments: [0, 1, 3]) func trapsNameTheSamePlaces(after threshold: Int) throws {
        let text = """
            (module (memory 1)
              (func $inner (param i32) (result i32) (i32.load (local.get 0)))
              (func (export "walk") (param i32)
                (loop $next
                  (drop (call $inner (local.get 0)))
                  (local.set 0 (i32.add (local.get 0) (i32.const 4096)))
                  (br $next))))
            """
        var configuration = Engine.Configuration()
        configuration.compiler = .baseline
        func trap(_ engine: Engine) throws -> Trap? {
            let module = try Module(engine, text: text)
            do {
                _ = try call("walk", [.i32(0)], module)
                return nil
            } catch let trap as Trap {
                return trap
            }
        }
        let expected = try #require(try trap(Engine(configuration)))
        let found = try #require(try trap(Self.engine(after: threshold)))
        #expect(found.code == expected.code)
        #expect(found.backtrace.map(\.offset) == expected.backtrace.map(\.offset))
        #expect(found.backtrace.map(\.function) == expected.backtrace.map(\.function))
    }

    /// Loops in a row have code that begins at each of them; what is called behind them still has
    /// room for its first code.
    @Test func codeThatBeginsAtLoopsLeavesRoom() throws {
        let loops = (0..<150).map { number in
            """
            (local.set $i (i32.const 10))
            (loop $l\(number)
              (local.set $x (i64.mul (local.get $x) (i64.const \(2 * number + 3))))
              (i64.store offset=\(8 * number) (i32.and (local.get $i) (i32.const 4095))
                (local.get $x))
              (br_if $l\(number) (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))
            """
        }
        let text = """
            (module (memory 1)
              (func (export "run") (param $n i64) (result i64) (local $i i32) (local $x i64)
                (local.set $x (local.get $n))
                \(loops.joined(separator: " "))
                (call $last (local.get $x)))
              (func $last (param i64) (result i64) (i64.add (local.get 0) (i64.const 5))))
            """
        var configuration = Engine.Configuration()
        configuration.compiler = .baseline
        let expected = try call("run", [.i64(7)], Module(Engine(configuration), text: text))
        let module = try Module(Self.engine(after: 2), text: text)
        #expect(try call("run", [.i64(7)], module) == expected)
    }

    /// Loops with very many operands below them are left to the call that they are in.
    @Test func loopsAboveManyOperandsStay() throws {
        let count = 300
        let text = """
            (module (func (export "run") (param i32) (result i32)
              \(String(repeating: "(i32.const 3) ", count: count))
              (loop $l (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
              \(String(repeating: "(i32.add) ", count: count - 1))))
            """
        let module = try Module(Self.engine(after: 2), text: text)
        #expect(try call("run", [.i32(50)], module) == self.text([.i32(Int32(3 * count))]))
        #expect(module.tiers?.optimizations.allSatisfy { $0.loop == nil } == true)
    }

    /// What lies on the stack below a loop, constants and vectors, and what parameters on the stack
    /// have become.
    @Test(arguments: [0, 1, 2]) func framesAreTakenOverWhole(after threshold: Int) throws {
        let text = """
            (module
              (func (export "run")
                (param i32 i64 f32 f64 i32 i64 i32 i64 i32 i64 i32) (param $n i32)
                (result i64 f64 f64 f64 f64 f64 i32 i32 i32 i32 i32)
                (local $v v128) (local $f f64) (local $k i64)
                (local.set $v (i64x2.splat (i64.const 3)))
                (i64.const 7)
                (f64.const 1) (f64.const 2) (f64.const 3)
                (f64.promote_f32 (local.get 2))
                (local.get 3)
                (i32.const 11)
                (local.get 10)
                (local.get 8)
                (loop $next (param i32 i32 i32) (result i32 i32 i32)
                  (local.set $v (i64x2.add (local.get $v) (i64x2.splat (local.get $k))))
                  (local.set $k (i64.add (local.get $k) (i64.const 1)))
                  (i32.add (i32.const 1))
                  (local.set $n (i32.sub (local.get $n) (i32.const 1)))
                  (br_if $next (local.get $n)))
                (i32.wrap_i64 (i64x2.extract_lane 1 (local.get $v)))
                (i32.wrap_i64 (local.get $k))))
            """
        let arguments: [Value] = [
            .i32(1), .i64(2), .f32(2.5), .f64(4.5), .i32(5), .i64(6), .i32(7), .i64(8), .i32(9),
            .i64(10), .i32(12), .i32(50),
        ]
        var configuration = Engine.Configuration()
        configuration.compiler = .baseline
        let expected = try call(
            "run", arguments, Module(Engine(configuration), text: text))
        let module = try Module(Self.engine(after: threshold), text: text)
        #expect(try call("run", arguments, module) == expected)
        #expect(module.tiers?.optimizations.last?.loop != nil)
        #expect(module.tiers?.optimizations.last?.succeeded == true)
    }

    /// A call in an inner loop is overtaken when it gets to the outer one, or where it is.
    @Test(arguments: [0, 1, 2, 50, 250]) func innerLoopsAreTakenOver(after threshold: Int) throws {
        let text = """
            (module (func (export "run") (param i32) (result i32) (local i32 i32)
              (loop $outer
                (local.set 1 (i32.const 100))
                (loop $inner
                  (local.set 2 (i32.add (i32.mul (local.get 2) (i32.const 3)) (local.get 1)))
                  (br_if $inner (local.tee 1 (i32.sub (local.get 1) (i32.const 1)))))
                (br_if $outer (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
              (local.get 2)))
            """
        var configuration = Engine.Configuration()
        configuration.compiler = .baseline
        let expected = try call("run", [.i32(30)], Module(Engine(configuration), text: text))
        let module = try Module(Self.engine(after: threshold), text: text)
        #expect(try call("run", [.i32(30)], module) == expected)
        let made = try #require(module.tiers?.optimizations)
        #expect(made.allSatisfy { $0.succeeded })
        // At the header of the outer one at once, or else where it is: the outer one is far.
        #expect(Set(made.map(\.loop)).count == (threshold < 2 ? 2 : 3))
    }

    /// A call that stays in an inner loop is overtaken there, by another thread.
    @Test func aLongInnerLoopIsOvertaken() throws {
        let text = """
            (module (func (export "run") (param i64) (result i64) (local $n i64) (local $sum i64)
              (loop $outer
                (local.set $n (local.get 0))
                (loop $inner
                  (local.set $sum (i64.add (local.get $sum) (local.get $n)))
                  (br_if $inner (i64.ne (i64.const 0)
                    (local.tee $n (i64.sub (local.get $n) (i64.const 1))))))
                (br_if $outer (i64.lt_s (local.get $sum) (i64.const 0))))
              (local.get $sum)))
            """
        var rounds: Int64 = 1 << 24
        while rounds <= 1 << 31 {
            let module = try Module(Self.engine(), text: text)
            #expect(
                try call("run", [.i64(rounds)], module)
                    == self.text([.i64(rounds * (rounds + 1) / 2)]))
            if Set(module.tiers?.optimizations.map(\.loop) ?? []).count == 3 { return }
            // Nobody had time for it: once more, for longer.
            rounds *= 8
        }
        Issue.record("no inner loop was compiled")
    }

    /// Code that begins in the middle of loops that are one in the other goes on as they would:
    /// out of them, back to each, through what is open around, with what is on the stack below.
    @Test(arguments: 0..<40) func theRestOfARoundIsDone(after threshold: Int) throws {
        var configuration = Engine.Configuration()
        configuration.compiler = .baseline
        configuration.isFuelMetered = true
        func outcome(_ engine: Engine, _ name: String) throws -> (String, Module) {
            let store = Store(engine)
            store.fuel = 10_000_000
            let module = try Module(engine, text: Self.nestedLoops)
            let instance = try Linker(engine).instantiate(module, in: store)
            let results = try instance.function(name).call([.i32(12345)])
            return ("\(text(results)), \(store.fuel) left", module)
        }
        for name in ["walk", "caught", "carried"] {
            let expected = try outcome(Engine(configuration), name).0
            let found = try outcome(Self.engine(after: threshold, isMetered: true), name)
            #expect(found.0 == expected, "\(name)")
            #expect(found.1.tiers?.optimizations.allSatisfy { $0.succeeded } == true)
        }
    }

    private static let nestedLoops = """
        (module
          (tag $stop (param i32))
          (global $noise (mut i32) (i32.const 0))
          (func $random (result i32)
            (global.set $noise
              (i32.add (i32.mul (global.get $noise) (i32.const 1103515245)) (i32.const 12345)))
            (i32.and (i32.shr_u (global.get $noise) (i32.const 16)) (i32.const 7)))
          (func $throw (param i32) (throw $stop (local.get 0)))

          ;; Three loops, an if and its else, and branches to all of them.
          (func (export "walk") (param $seed i32) (result i32 i32)
            (local $a i32) (local $b i32) (local $n i32)
            (global.set $noise (local.get $seed))
            (local.set $n (i32.const 60))
            (i32.const 77)
            (block $done (result i32)
              (loop $first (result i32)
                (local.set $a (i32.add (local.get $a) (i32.const 1)))
                (if (result i32) (i32.lt_u (call $random) (i32.const 4))
                  (then
                    (loop $second (result i32)
                      (local.set $b (i32.add (i32.mul (local.get $b) (i32.const 5)) (local.get $a)))
                      (block $out
                        (loop $third
                          (local.set $n (i32.sub (local.get $n) (i32.const 1)))
                          (br_if $done (local.get $b) (i32.le_s (local.get $n) (i32.const 0)))
                          (local.set $b (i32.xor (local.get $b) (local.get $n)))
                          (br_table $third $third $second $out $first $out $third $second
                            (call $random)))
                        (unreachable))
                      (local.set $b (i32.add (local.get $b) (i32.const 9)))
                      (br_if $second (i32.eqz (call $random)))
                      (i32.add (local.get $b) (i32.const 1))))
                  (else
                    (local.set $n (i32.sub (local.get $n) (i32.const 3)))
                    (local.get $n)))
                (local.set $b (i32.add (local.get $b)))
                (br_if $first (i32.gt_s (local.get $n) (i32.const 0)))
                (local.get $b)))
            (i32.add (local.get $a)))

          ;; What is thrown in the inner loop lands in the outer one.
          (func (export "caught") (param $seed i32) (result i32)
            (local $sum i32) (local $n i32)
            (global.set $noise (local.get $seed))
            (local.set $n (i32.const 20))
            (loop $again
              (block $end
                (block $landed (result i32)
                  (try_table (catch $stop $landed)
                    (loop $inner
                      (local.set $sum (i32.add (local.get $sum) (i32.const 3)))
                      (if (i32.eqz (call $random))
                        (then (call $throw (i32.mul (local.get $sum) (i32.const 2)))))
                      (br_if $inner (i32.gt_u (call $random) (i32.const 1)))))
                  (br $end))
                (local.set $sum (i32.xor (local.get $sum))))
              (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
            (local.get $sum))

          ;; Loops with parameters, constants and vectors below them.
          (func (export "carried") (param $seed i32) (result i64 i32 f64)
            (local $n i32)
            (global.set $noise (local.get $seed))
            (local.set $n (i32.const 50))
            (i64.const 5)
            (i32.const 1)
            (f64.const 0.5)
            (loop $outer (param i64 i32 f64) (result i64 i32 f64)
              (f64.add (f64.const 1))
              (i32x4.splat (call $random))
              (i32.const 40)
              (local.get $n)
              (loop $inner (param i32) (result i32)
                (local.set $n (i32.sub (local.get $n) (i32.const 1)))
                (i32.add (call $random))
                (br_if $inner (i32.gt_u (call $random) (i32.const 2))))
              (i32.add)
              (i32x4.replace_lane 2)
              (f64.convert_i32_s (i32x4.extract_lane 2))
              (f64.add)
              (br_if $outer (i32.gt_s (local.get $n) (i32.const 0))))))
        """

    @Test(arguments: [0, 3]) func fuelIsTheSame(after threshold: Int) throws {
        var configuration = Engine.Configuration()
        configuration.compiler = .baseline
        configuration.isFuelMetered = true
        func left(_ engine: Engine) throws -> UInt64 {
            let store = Store(engine)
            store.fuel = 1_000_000
            let module = try Module(engine, text: Self.program)
            let instance = try Linker(engine).instantiate(module, in: store)
            _ = try instance.function("sum").call([.i64(1000)])
            _ = try instance.function("double").call([.i32(1)])
            return store.fuel
        }
        let tiered = Self.engine(after: threshold, isMetered: true)
        let expected = try left(Engine(configuration))
        #expect(try left(tiered) == expected)
    }

    /// Code that there is no room for: the call fails, and the next one too.
    @Test func codeThatMayNotBeMadeFailsTheCall() throws {
        var configuration = Engine.Configuration()
        configuration.compiler = .tiered
        configuration.limits.codeBytes = 10
        let module = try Module(Engine(configuration), text: Self.program)
        for _ in 0..<2 {
            #expect(throws: ResourceError.self) { _ = try call("sum", [.i64(3)], module) }
        }
    }

    @Test func threadsShareOneModule() throws {
        let engine = Self.engine()
        let module = try Module(engine, text: Self.program)
        let isWrong = WrongResults()
        DispatchQueue.concurrentPerform(iterations: 8) { thread in
            do {
                let instance = try Linker(engine).instantiate(module, in: Store(engine))
                for round in 0..<200 {
                    let number = Int64(1000 + 17 * thread + round)
                    let found = try instance.function("sum").call([.i64(number)])
                    if text(found) != text([.i64(number * (number + 1) / 2)]) {
                        isWrong.note("\(number)")
                    }
                }
            } catch {
                isWrong.note("\(error)")
            }
        }
        #expect(isWrong.notes == [])
    }
}

/// What several threads found wrong.
private final class WrongResults: @unchecked Sendable {
    private let lock = NSLock()
    private var texts: [String] = []
    var notes: [String] { lock.withLock { texts } }
    func note(_ text: String) { lock.withLock { texts.append(text) } }
}
