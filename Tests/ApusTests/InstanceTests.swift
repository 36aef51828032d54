import Apus
import Testing

/// Modules brought to life: order, partial effects, deep stacks, many threads.
struct InstanceTests {
    /// What was written before a segment that does not fit stays (4.7.2).
    @Test func failedInstantiationKeepsItsEffects() throws {
        let engine = Engine()
        let store = Store(engine)
        let memory = try Memory(store, MemoryType(limits: SizeLimits(minimum: 1)))
        var module = TestModule()
        module.importMemory("env", "memory", 1, nil)
        module.data(at: 0, [1, 2, 3])
        module.data(at: 65535, [4, 5])
        module.data(at: 8, [6])
        var linker = Linker(engine)
        linker.define("env", "memory", memory)
        let compiled = try Module(engine, bytes: module.bytes)
        let found = trap { try linker.instantiate(compiled, in: store) }
        #expect(found?.code == .memoryOutOfBounds)
        #expect(try memory.read(at: 0, count: 3) == [1, 2, 3])
        #expect(try memory.read(at: 65535, count: 1) == [0])
        #expect(try memory.read(at: 8, count: 1) == [0])
    }

    @Test func startFunctionRunsOnce() throws {
        var module = TestModule()
        let tell = module.importFunction("env", "tell", [.i32])
        module.start = module.function(nil, Code.i32(3) + Code.call(tell))
        let counter = Counter()
        _ = try makeInstance(module) {
            $0.define("env", "tell") { (amount: Int32) in counter.add(Int(amount)) }
        }
        #expect(counter.total == 3)
    }

    @Test func instancesOutliveTheirHandles() throws {
        var module = TestModule()
        module.function("answer", [], [.i32], Code.i32(42))
        let answer = try makeInstance(module).function("answer", as: (() -> Int32).self)
        #expect(try answer() == 42)
    }

    /// Recursion without end, in the guest and through the host.
    private func recursion() throws -> (plain: Instance, throughHost: Instance) {
        var plain = TestModule()
        plain.function(
            "run", [.i32], [.i32], Code.get(0) + Code.call(0) + Code.i32(1) + Code.i32Add)
        var hosted = TestModule()
        let again = hosted.importFunction("env", "again", [.i32], [.i32])
        hosted.function("run", [.i32], [.i32], Code.get(0) + Code.call(again))
        let instance = try makeInstance(hosted) {
            $0.define("env", "again") { (caller, n: Int32) -> Int32 in
                guard let instance = caller.instance else { return 0 }
                return try instance.function("run", as: ((Int32) -> Int32).self)(n)
            }
        }
        return (try makeInstance(plain), instance)
    }

    @Test func endlessRecursionTraps() throws {
        let (plain, throughHost) = try recursion()
        for instance in [plain, throughHost] {
            let run = try instance.function("run", as: ((Int32) -> Int32).self)
            for _ in 0..<3 {
                let found = trap { _ = try run(0) }
                #expect(found?.code == .stackExhausted)
                #expect(found?.code.description == "call stack exhausted")
                // The host's frames are large where it is built for debugging.
                #expect((found?.backtrace.count ?? 0) > (instance == plain ? 50 : 10))
                if instance == plain { #expect(found?.description.contains("more") == true) }
            }
        }
    }

    @Test(arguments: [128 << 10, 512 << 10, 8 << 20])
    func endlessRecursionTrapsOnOtherThreads(stackBytes: Int) throws {
        let traps = Counter()
        runOnThread(stackBytes: stackBytes + (256 << 10)) {
            guard let (plain, throughHost) = try? self.recursion() else { return }
            for instance in [plain, throughHost] {
                guard let run = try? instance.function("run", as: ((Int32) -> Int32).self) else {
                    return
                }
                if trap({ _ = try run(0) })?.code == .stackExhausted { traps.add() }
            }
        }
        #expect(traps.total == 2)
    }

    @Test func manyThreadsShareAModule() throws {
        var module = TestModule()
        module.memory(1)
        let host = module.importFunction("env", "twice", [.i32], [.i32])
        // Counts down from the argument, doubling through the host and trapping at the end.
        module.function(
            "run", [.i32], [.i32],
            Code.loop(
                Code.i32(0) + Code.i32(0) + Code.i32Load() + Code.i32(1) + Code.call(host)
                    + Code.i32Add + Code.i32Store() + Code.get(0) + Code.i32(1)
                    + Code.i32Subtract + [0x22, 0x00] + Code.branchIf(0))
                + Code.i32(0) + Code.i32Load())
        module.function("fault", Code.i32(-1) + Code.i32Load() + Code.drop)
        let engine = Engine()
        var linker = Linker(engine)
        linker.define("env", "twice") { (a: Int32) in a &* 2 }
        let prepared = try linker.prepare(Module(engine, bytes: module.bytes))
        let good = Counter()
        let threads = (0..<8).map { number in
            startThread(stackBytes: 1 << 20) {
                for round in 0..<20 {
                    guard let instance = try? prepared.instantiate(in: Store(engine)),
                        let run = try? instance.function("run", as: ((Int32) -> Int32).self),
                        let fault = try? instance.function("fault", as: (() -> Void).self)
                    else { return }
                    let count = Int32(100 + number * 20 + round)
                    if (try? run(count)) == count * 2,
                        trap({ try fault() })?.code == .memoryOutOfBounds
                    {
                        good.add()
                    }
                }
            }
        }
        for thread in threads { join(thread) }
        #expect(good.total == 160)
    }

    /// Nobody but the call itself has the instance, the store, or the function.
    @Test(arguments: [Engine.Compiler.baseline, .optimizing, .tiered])
    func whatACallUsesLivesAsLongAsTheCall(_ compiler: Engine.Compiler) throws {
        final class Number: Sendable {
            let number: Int32
            init(_ number: Int32) { self.number = number }
        }
        var configuration = Engine.Configuration()
        configuration.compiler = compiler
        let engine = Engine(configuration)
        let module = try Module(
            engine,
            text: """
                (module (import "env" "f" (func $f (result i32))) (memory (export "memory") 1)
                  (func (export "call") (result i32)
                    (i32.add (call $f) (i32.load (i32.const 0)))))
                """)
        var linker = Linker(engine)
        linker.define("env", "f") { (caller: Caller) throws -> Int32 in
            // What had been freed too soon would have been written over by now.
            let churn = (0..<20).map { [UInt8](repeating: UInt8($0), count: 64 + $0 * 16) }
            guard let own = caller.store.data as? Number else { return -1 }
            try caller.memory.store(own.number &+ Int32(churn.count), at: 0)
            return own.number
        }
        let prepared = try linker.prepare(module)
        for index in Int32(0)..<2000 {
            let expected = index &* 2 &+ 20
            let one = try prepared.instantiate(in: Store(engine, data: Number(index)))
                .function("call", as: (() -> Int32).self)()
            let other = try linker.instantiate(
                module, in: Store(engine, data: Number(index)), hostState: nil
            ).function("call", as: (() -> Int32).self)()
            #expect(one == expected && other == expected)
        }
    }
}
