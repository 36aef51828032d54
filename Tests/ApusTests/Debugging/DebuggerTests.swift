import Apus
import Foundation
import Testing

/// Guests that stop, are looked at and changed, and go on.
@Suite struct DebuggerTests {
    private static func engine() -> Engine {
        var configuration = Engine.Configuration()
        configuration.isDebuggable = true
        return Engine(configuration)
    }

    private static let sum = """
        (module
          (memory (export "memory") 1)
          (global $step (mut i32) (i32.const 1))
          (func $add (param $a i32) (param $b i32) (result i32)
            local.get $a
            local.get $b
            i32.add)
          (func (export "sum") (param $count i32) (result i32)
            (local $total i32) (local $wide f64)
            (loop $again
              (local.set $total (call $add (local.get $total) (local.get $count)))
              (i32.store (i32.const 16) (local.get $total))
              (local.set $count (i32.sub (local.get $count) (global.get $step)))
              (br_if $again (i32.gt_s (local.get $count) (i32.const 0))))
            (local.set $wide (f64.const 2.5))
            (local.get $total))
          (func (export "div") (param i32) (result i32)
            (i32.div_s (i32.const 7) (local.get 0)))
          (func (export "out") (result i32) (i32.load (i32.const 0x10000000)))
          (func (export "fill") (memory.fill (i32.const 0xFFFF) (i32.const 0) (i32.const 9)))
          (func (export "forever") (loop (br 0))))
        """

    /// What happened at the stops of a guest.
    private final class Log {
        var lines: [String] = []
    }

    /// A store with an instance of `text`, whose stops `onStop` sees.
    private func debugged(
        _ text: String = sum, onStop: @escaping (Debugger.Stop) throws -> Debugger.Resumption
    ) throws -> (debugger: Debugger, instance: Instance, module: Module) {
        let engine = Self.engine()
        let module = try Module(engine, text: text)
        let store = Store(engine)
        let debugger = try Debugger(store, onStop: onStop)
        return (debugger, try Instance(store, module), module)
    }

    @Test func onlyEnginesThatSaySo() throws {
        let store = Store(Engine())
        #expect(throws: Debugger.Failure.notDebuggable) {
            try Debugger(store) { _ in .run }
        }
    }

    @Test func nobodyStopsUnasked() throws {
        let (_, instance, _) = try debugged { _ in
            Issue.record("a stop")
            return .run
        }
        #expect(try instance.function("sum", as: ((Int32) -> Int32).self)(4) == 10)
    }

    @Test func breakpointsShowAndChangeLocals() throws {
        let log = Log()
        let (debugger, instance, module) = try debugged { stop in
            let frames = stop.frames()
            let frame = frames[0]
            let values = (frame.locals + frame.operands).map { "\($0.name)=\($0.text)" }
            log.lines.append("\(stop.reason) \(frame.name ?? "") \(values.joined(separator: " "))")
            #expect(frames.map(\.name) == ["add", "sum"])
            try frame.locals[1].set(.i32(100))
            try frame.operands[0].set("1 + 2 * 3")
            return .run
        }
        let start = try #require(module.places(ofFunction: "add").first)
        let second = try #require(module.instructionOffset(from: start + 1))
        #expect(try debugger.handle.setBreakpoint(at: second, in: module) == second)
        // Behind the change the first operand is 7, and the second 100.
        let sum = try instance.function("sum", as: ((Int32) -> Int32).self)
        #expect(try sum(1) == 107)
        #expect(log.lines == ["breakpoint add a=0 b=1 operand0=0"])
        debugger.handle.removeBreakpoint(at: second, in: module)
        #expect(try sum(2) == 3)
    }

    @Test func referencesAreMadeOfNoNumbers() throws {
        let (debugger, instance, module) = try debugged(
            """
            (module
              (global $g (mut funcref) (ref.null func))
              (func $f (export "f") (param $p externref) (result i32)
                (local $r funcref)
                (local.get $r)
                (ref.is_null)
                (i32.sub (ref.is_null (local.get $p)))))
            """
        ) { stop in
            let frame = stop.frames()[0]
            for variable in frame.locals + frame.operands + frame.globals {
                #expect(throws: Debugger.VariableError.isFixed(variable.name)) {
                    try variable.set("0x414141414140")
                }
                #expect(throws: Debugger.VariableError.isFixed(variable.name)) {
                    try variable.set("0")
                }
                #expect(throws: Debugger.VariableError.self) {
                    try frame.evaluate("\(variable.name) + 0")
                }
                try variable.set(#require(variable.value))
            }
            #expect(throws: TypeError.self) { try frame.locals[1].set(.i64(0x4141_4141_4140)) }
            return .run
        }
        let places = module.places(ofFunction: "f")
        let start = try #require(places.first)
        let second = try #require(module.instructionOffset(from: start + 1))
        try debugger.handle.setBreakpoint(at: second, in: module)
        let results = try instance.function("f").call(.external(ExternReference(Log())))
        #expect(results.map(\.description) == ["i32(1)"])
    }

    @Test func callersShowWhatTheyHad() throws {
        let log = Log()
        let (debugger, instance, module) = try debugged { stop in
            let caller = stop.frames()[1]
            let values = (caller.locals + caller.operands + caller.globals)
            log.lines.append(values.map { "\($0.name)=\($0.text)" }.joined(separator: " "))
            let holds = try caller.holds("count > 0 && step == 1")
            #expect(holds)
            return .run
        }
        let start = try #require(module.places(ofFunction: "add").first)
        try debugger.handle.setBreakpoint(at: start, in: module)
        _ = try instance.function("sum", as: ((Int32) -> Int32).self)(2)
        #expect(
            log.lines == [
                "count=2 total=0 wide=0.0 operand0=0 operand1=2 step=1",
                "count=1 total=2 wide=0.0 operand0=2 operand1=1 step=1",
            ])
    }

    @Test func stepsGoIntoOverAndOut() throws {
        let log = Log()
        var plan: [Debugger.Step] = [.over, .over, .over, .into, .over, .out, .over]
        let (debugger, instance, module) = try debugged { stop in
            let frame = stop.frames()[0]
            log.lines.append("\(stop.reason) \(frame.name ?? "") \(frame.operands.count)")
            return plan.isEmpty ? .run : .step(plan.removeFirst(), by: .instruction)
        }
        let start = try #require(module.places(ofFunction: "sum").first)
        try debugger.handle.setBreakpoint(at: start, in: module)
        #expect(try instance.function("sum", as: ((Int32) -> Int32).self)(2) == 3)
        #expect(
            log.lines == [
                "breakpoint sum 0", "step sum 0", "step sum 1", "step sum 2", "step add 0",
                "step add 1", "step sum 1", "step sum 0",
            ])
    }

    /// What was kept of a stop reads nothing of a stack that is gone, or in use again.
    @Test func framesGoWithTheGuest() throws {
        var stops: [Debugger.Stop] = []
        var kept: [Debugger.Frame] = []
        let (debugger, instance, module) = try debugged { stop in
            stops.append(stop)
            kept += stop.frames()
            #expect(kept.allSatisfy { !$0.locals.isEmpty })
            throw CancellationError()
        }
        let start = try #require(module.places(ofFunction: "sum").first)
        try debugger.handle.setBreakpoint(at: start, in: module)
        let sum = try instance.function("sum", as: ((Int32) -> Int32).self)
        #expect(throws: CancellationError.self) { try sum(2) }
        #expect(kept.count == 1 && kept[0].locals.isEmpty && kept[0].instance == nil)
        // A guest that is in a function of the host has not stopped.
        let text = """
            (module (import "host" "look" (func $look)) (func (export "look") (call $look)))
            """
        let look = try Function(instance.store) { () -> Void in kept += stops[0].frames() }
        let looking = try Instance(
            instance.store, Module(instance.store.engine, text: text), imports: [.function(look)])
        _ = try looking.function("look").call([])
        #expect(stops.count == 1 && kept.count == 1)
    }

    @Test func watchedBytesStopWhoeverChangesThem() throws {
        let log = Log()
        let (debugger, instance, _) = try debugged { stop in
            guard case .watch(let watches) = stop.reason else { return .run }
            let frame = stop.frames()[0]
            let memory = try #require(frame.memories.first)
            let word: Int32 = try memory.load(at: watches[0].address)
            log.lines.append("\(frame.name ?? "") \(word)")
            return .run
        }
        let watch = try debugger.watch(instance.memory, at: 16, count: 4)
        #expect(debugger.watches == [watch])
        #expect(try instance.function("sum", as: ((Int32) -> Int32).self)(3) == 6)
        #expect(log.lines == ["sum 3", "sum 5", "sum 6"])
        debugger.stopWatching(watch)
        #expect(try instance.function("sum", as: ((Int32) -> Int32).self)(2) == 3)
        #expect(log.lines.count == 3)
        #expect(throws: MemoryError.self) {
            try debugger.watch(instance.memory, at: 65_535, count: 2)
        }
        // One that may be gone when it is looked at.
        let other = Store(instance.store.engine)
        let foreign = try Memory(other, MemoryType(limits: SizeLimits(minimum: 1)))
        #expect(throws: ForeignStoreError.self) { try debugger.watch(foreign, at: 0, count: 2) }
    }

    @Test(arguments: [
        ("div", TrapCode.integerDivideByZero), ("out", .memoryOutOfBounds),
        ("fill", .memoryOutOfBounds),
    ])
    func trapsStopBeforeFramesAreLeft(name: String, code: TrapCode) throws {
        let log = Log()
        let (_, instance, _) = try debugged { stop in
            let frames = stop.frames()
            log.lines.append("\(stop.reason) \(frames.map { $0.name ?? "" })")
            if name == "div" { #expect(frames[0].locals[0].text == "0") }
            return .run
        }
        let function = try instance.function(name)
        let arguments: [Value] = name == "div" ? [.i32(0)] : []
        let trap = try #require(throws: Trap.self) { try function.call(arguments) }
        #expect(trap.code == code)
        #expect(trap.backtrace.map(\.name) == [name])
        #expect(log.lines == ["\(Debugger.Reason.trap(code)) [\"\(name)\"]"])
    }

    @Test func stackThatEndsStops() throws {
        let log = Log()
        let (_, instance, _) = try debugged(
            "(module (func $deep (export \"deep\") (call $deep)))"
        ) { stop in
            log.lines.append("\(stop.reason) \(stop.frames(limit: 5).count)")
            return .run
        }
        let trap = try #require(throws: Trap.self) { try instance.function("deep").call() }
        #expect(trap.code == .stackExhausted)
        #expect(log.lines == ["\(Debugger.Reason.trap(.stackExhausted)) 5"])
    }

    @Test(arguments: [Debugger.ExceptionStops.none, .uncaught, .all])
    func exceptionsStopWhereTheyAreThrown(which: Debugger.ExceptionStops) throws {
        let log = Log()
        let (debugger, instance, _) = try debugged(
            """
            (module
              (tag $t (param i32))
              (func $throw (throw $t (i32.const 3)))
              (func (export "uncaught") (call $throw))
              (func (export "caught") (result i32)
                (block $h (result i32)
                  (try_table (catch $t $h) (call $throw))
                  (i32.const 0))))
            """
        ) { stop in
            log.lines.append("\(stop.reason) \(stop.frames().map { $0.name ?? "" })")
            return .run
        }
        debugger.stopsOnExceptions = which
        #expect(try instance.function("caught", as: (() -> Int32).self)() == 3)
        #expect(throws: WasmException.self) { try instance.function("uncaught").call() }
        let caught = "exception(isCaught: true) [\"throw\", \"caught\"]"
        let uncaught = "exception(isCaught: false) [\"throw\", \"uncaught\"]"
        #expect(
            log.lines == (which == .none ? [] : which == .all ? [caught, uncaught] : [uncaught]))
    }

    private struct Enough: Error {}

    @Test func pausesFromOtherThreadsAndEnds() throws {
        let log = Log()
        let (debugger, instance, _) = try debugged { stop in
            log.lines.append("\(stop.reason) \(stop.frames()[0].name ?? "")")
            throw Enough()
        }
        let handle = debugger.handle
        Thread.detachNewThread {
            usleep(20_000)
            handle.stop()
        }
        #expect(throws: Enough.self) { try instance.function("forever").call() }
        #expect(log.lines == ["pause forever"])
        // Nothing is left of it.
        #expect(try instance.function("sum", as: ((Int32) -> Int32).self)(2) == 3)
    }

    @Test func instancesThatCallEachOtherStopAlike() throws {
        let log = Log()
        let engine = Self.engine()
        let store = Store(engine)
        let debugger = try Debugger(store) { stop in
            log.lines.append("\(stop.frames().map { $0.name ?? "" })")
            return .run
        }
        let inner = try Module(engine, text: Self.sum)
        let outer = try Module(
            engine,
            text: """
                (module
                  (import "inner" "sum" (func $sum (param i32) (result i32)))
                  (func (export "twice") (param i32) (result i32)
                    (i32.add (call $sum (local.get 0)) (return_call $sum (local.get 0)))))
                """)
        var linker = Linker(engine)
        try linker.define("inner", try Instance(store, inner))
        let instance = try linker.instantiate(outer, in: store)
        let start = try #require(inner.places(ofFunction: "sum").first)
        try debugger.handle.setBreakpoint(at: start, in: inner)
        #expect(try instance.function("twice", as: ((Int32) -> Int32).self)(2) == 3)
        #expect(log.lines == ["[\"sum\", \"twice\"]", "[\"sum\"]"])
    }
}
