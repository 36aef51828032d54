import Apus
import ApusLocks
import Testing

/// Exceptions of guests, between guests and the host. Each with both compilers.
@Suite struct ExceptionTests {
    static let compilers = Engine.Compiler.allCases

    private func engine(
        _ compiler: Engine.Compiler, isMetered: Bool = false
    ) -> Engine {
        var configuration = Engine.Configuration()
        configuration.compiler = compiler
        configuration.isFuelMetered = isMetered
        return Engine(configuration)
    }

    private func exception(_ work: () throws -> Void) -> WasmException? {
        do {
            try work()
            return nil
        } catch {
            return error as? WasmException
        }
    }

    /// Throws what it is told to, through a function of the host.
    private static let thrower = """
        (module
          (import "host" "pass" (func $pass))
          (tag $e (export "e") (param i32 f64))
          (tag $other (export "other"))
          (func (export "throw") (param i32 f64) (throw $e (local.get 0) (local.get 1)))
          (func (export "through") (call $pass))
          (func (export "catch") (result i32)
            (block $h (result i32 f64)
              (try_table (catch $e $h) (call $pass))
              (return (i32.const -1)))
            drop)
          (func (export "catchOther") (result i32)
            (block $h
              (try_table (catch $other $h) (call $pass))
              (return (i32.const -1)))
            (i32.const 5))
          (func (export "catchAll") (result i32)
            (block $h
              (try_table (catch_all $h) (call $pass))
              (return (i32.const -1)))
            (i32.const 7)))
        """

    // MARK: Whose they are

    /// A store may have the address of one that went.
    @Test(arguments: compilers)
    func exceptionsOfStoresThatWentAreNobodys(compiler: Engine.Compiler) throws {
        let engine = engine(compiler)
        func thrown() throws -> WasmException? {
            let module = try Module(
                engine,
                text: """
                    (module (tag $t (param funcref)) (func $g) (elem declare func $g)
                      (func (export "t") (throw $t (ref.func $g))))
                    """)
            let instance = try Instance(Store(engine), module)
            return exception { _ = try instance.function("t").call() }
        }
        for _ in 0..<20 {
            let exception = try #require(try thrown())
            let other = Store(engine)
            #expect(throws: ForeignStoreError.self) { _ = try exception.values(in: other) }
        }
    }

    /// A throw looks at all that may catch it in each frame, and ends with the deadline.
    @Test(arguments: compilers)
    func longWalksEndWithTheDeadline(compiler: Engine.Compiler) throws {
        let clauses = String(repeating: "(catch $a 0) ", count: 20_000)
        func walker(_ name: String, _ other: String) -> String {
            """
            (func $\(name) (export "\(name)") (param i32)
              (block
                (try_table \(clauses)
                  (if (i32.eqz (local.get 0)) (then (throw $b)))
                  (call $\(other) (i32.sub (local.get 0) (i32.const 1))))))
            """
        }
        let engine = engine(compiler)
        let module = try Module(
            engine,
            text: """
                (module (tag $a) (tag $b) \(walker("even", "odd")) \(walker("odd", "even")))
                """)
        let store = Store(engine)
        let instance = try Instance(store, module)
        _ = try? instance.function("even").call([.i32(0)])
        _ = try? instance.function("odd").call([.i32(0)])
        store.setDeadline(after: .milliseconds(20))
        let trap = #expect(throws: Trap.self) {
            _ = try instance.function("even").call([.i32(3000)])
        }
        #expect(trap?.code == .interrupted)
    }

    // MARK: To the host

    @Test(arguments: compilers)
    func whatGuestsDoNotCatchReachesTheHost(compiler: Engine.Compiler) throws {
        let engine = engine(compiler)
        let store = Store(engine)
        var linker = Linker(engine)
        linker.define("host", "pass") {}
        let instance = try linker.instantiate(Module(engine, text: Self.thrower), in: store)
        let function = try instance.function("throw", as: ((Int32, Double) -> Void).self)
        let found = try #require(exception { try function(-3, 1.5) })
        #expect(found.hasTag(try instance.tag("e")))
        #expect(!found.hasTag(try instance.tag("other")))
        #expect(found.types == [.i32, .f64])
        let values = try found.values(in: store)
        guard case .i32(-3) = values[0], case .f64(1.5) = values[1] else {
            Issue.record("\(values)")
            return
        }
        #expect(found.backtrace.map(\.name) == ["throw"])
        #expect(found.description.hasPrefix("uncaught exception e(i32(-3), f64(1.5))\n  at throw"))
        #expect(store.lastBacktrace.map(\.name) == ["throw"])
        // Nothing is left of it.
        #expect(exception { try function(4, 2) } != found)
        #expect(throws: ForeignStoreError.self) { try found.values(in: Store(engine)) }
    }

    @Test(arguments: compilers)
    func identityOutlivesGuestsAndHosts(compiler: Engine.Compiler) throws {
        let engine = engine(compiler)
        let store = Store(engine)
        var linker = Linker(engine)
        let seen = Counter()
        let depth = Counter()
        let first = SystemMutex<WasmException?>(nil)
        linker.define("host", "pass") { (caller: Caller) in
            let instance = try #require(caller.instance)
            do {
                depth.add()
                if depth.total < 6 {
                    _ = try instance.function("through").call()
                } else {
                    _ = try instance.function("throw").call(.i32(9), .f64(0))
                }
            } catch let exception as WasmException {
                first.withLock { first in
                    if first == nil { first = exception }
                    #expect(first == exception)
                }
                seen.add()
                throw exception
            }
        }
        let instance = try linker.instantiate(Module(engine, text: Self.thrower), in: store)
        let last = exception { _ = try instance.function("through").call() }
        #expect(seen.total == 6)
        #expect(last == first.withLock { $0 } && last != nil)
        // Where it was thrown, and whom it has left on its way.
        #expect(last?.backtrace.map(\.name) == ["throw"] + Array(repeating: "through", count: 6))
        depth.add(-depth.total)
        first.withLock { $0 = nil }
        guard case .i32(9) = try instance.function("catch").call()[0] else {
            Issue.record("not caught")
            return
        }
        #expect(seen.total == 12)
    }

    // MARK: From the host

    @Test(arguments: compilers)
    func guestsCatchWhatTheHostThrows(compiler: Engine.Compiler) throws {
        let engine = engine(compiler)
        let store = Store(engine)
        var linker = Linker(engine)
        linker.define("host", "pass") { (caller: Caller) in
            let instance = try #require(caller.instance)
            throw try WasmException(instance.tag("e"), [.i32(12), .f64(0)])
        }
        let instance = try linker.instantiate(Module(engine, text: Self.thrower), in: store)
        let call = { (name: String) in try instance.function(name, as: (() -> Int32).self)() }
        for _ in 0..<3 {
            #expect(try call("catch") == 12)
            #expect(try call("catchAll") == 7)
            #expect(exception { _ = try call("catchOther") }?.hasTag(try instance.tag("e")) == true)
        }
    }

    @Test func exceptionsAreMadeOfWhatTheirTagWants() throws {
        let store = Store(Engine())
        let tag = try Tag(store, parameters: [.i32, .externref])
        #expect(throws: TypeError.self) { try WasmException(tag, [.i32(1)]) }
        #expect(throws: TypeError.self) { try WasmException(tag, [.i64(1), .external(nil)]) }
        let exception = try WasmException(tag, [.i32(1), .external(ExternReference("object"))])
        guard case .external(let reference?) = try exception.values(in: store)[1] else {
            Issue.record("no object")
            return
        }
        #expect(reference.value as? String == "object")
        #expect(tag == tag)
        #expect(try Tag(store, parameters: [.i32, .externref]) != tag)
        let most = [ValueType](repeating: .i32, count: 1001)
        #expect(throws: ResourceError.self) { try Tag(store, parameters: most) }
    }

    // MARK: What is not caught

    @Test(arguments: compilers)
    func errorsAndTrapsAreNotCaught(compiler: Engine.Compiler) throws {
        let engine = engine(compiler)
        let store = Store(engine)
        let foreign = try WasmException(Tag(Store(engine), parameters: []))
        for error in [TestError(number: 3), Trap(.unreachable), foreign] as [any Error & Sendable] {
            var linker = Linker(engine)
            linker.define("host", "pass") { throw error }
            let instance = try linker.instantiate(Module(engine, text: Self.thrower), in: store)
            for name in ["catch", "catchAll", "catchOther"] {
                do {
                    _ = try instance.function(name).call()
                    Issue.record("\(error) was caught by \(name)")
                } catch let found as TestError {
                    #expect(found == error as? TestError)
                } catch let found as Trap {
                    #expect(found.code == .unreachable && error is Trap)
                } catch let found as WasmException {
                    #expect(found == error as? WasmException)
                }
            }
        }
    }

    @Test(arguments: compilers, [false, true])
    func guestsThatAreToStopCatchNothing(compiler: Engine.Compiler, isMetered: Bool) throws {
        let engine = engine(compiler, isMetered: isMetered)
        let store = Store(engine)
        if isMetered { store.fuel = 1_000_000 }
        let instance = try Instance(
            store,
            Module(
                engine,
                text: """
                    (module
                      (tag $e)
                      (func $throw (throw $e))
                      (func $deep (call $deep) (call $throw))
                      (func (export "ever")
                        (loop $again
                          (try_table (catch_all $again) (call $throw))))
                      (func (export "never") (result i32)
                        (block $h
                          (try_table (catch_all $h) (call $deep))
                          (return (i32.const 0)))
                        (i32.const 1))
                      (func (export "divide") (result i32)
                        (block $h
                          (try_table (catch_all $h)
                            (drop (i32.div_u (i32.const 1) (i32.const 0)))))
                        (i32.const 1)))
                    """))
        let stop = trap {
            if isMetered {
                _ = try instance.function("ever").call()
            } else {
                try store.withDeadline(.milliseconds(30)) {
                    _ = try instance.function("ever").call()
                }
            }
        }
        #expect(stop?.code == (isMetered ? .outOfFuel : .interrupted))
        if isMetered { store.fuel = 100_000_000 }
        #expect(trap { _ = try instance.function("never").call() }?.code == .stackExhausted)
        #expect(trap { _ = try instance.function("divide").call() }?.code == .integerDivideByZero)
    }

    // MARK: References

    private static let keeper = """
        (module
          (tag $e (param externref))
          (tag $nested (param exnref i64))
          (global $kept (mut exnref) (ref.null exn))
          (table $t 4 exnref)
          (func $throw (param externref) (throw $e (local.get 0)))
          (func $caught (export "caught") (param externref) (result exnref)
            (block $h (result exnref)
              (try_table (catch_all_ref $h) (call $throw (local.get 0)))
              (unreachable)))
          (func (export "keep") (param externref) (local $x exnref)
            (global.set $kept (call $caught (local.get 0)))
            (table.set $t (i32.const 2) (call $caught (local.get 0)))
            (block $h (result exnref)
              (try_table (catch_all_ref $h)
                (throw $nested (call $caught (local.get 0)) (i64.const 8)))
              (unreachable))
            (local.set $x)
            (table.set $t (i32.const 3) (local.get $x)))
          (func (export "churn") (param i32)
            (loop $again
              (block $h (result externref)
                (try_table (catch $e $h) (call $throw (ref.null extern)))
                (unreachable))
              (drop)
              (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
              (br_if $again (local.get 0))))
          (func $value (param exnref) (result externref)
            (block $h (result externref)
              (try_table (catch $e $h) (throw_ref (local.get 0)))
              (unreachable)))
          (func (export "values") (result externref externref externref)
            (call $value (global.get $kept))
            (call $value (table.get $t (i32.const 2)))
            (block $h (result exnref i64)
              (try_table (catch $nested $h)
                (throw_ref (table.get $t (i32.const 3))))
              (unreachable))
            (drop)
            (call $value))
          (func (export "again") (param exnref) (throw_ref (local.get 0))))
        """

    @Test(arguments: compilers)
    func exceptionsAreKeptAsLongAsGuestsReferToThem(compiler: Engine.Compiler) throws {
        let engine = engine(compiler)
        let store = Store(engine)
        let instance = try Instance(store, Module(engine, text: Self.keeper))
        let object = Counter()
        _ = try instance.function("keep").call(.external(ExternReference(object)))
        let churn = try instance.function("churn", as: ((Int32) -> Void).self)
        try churn(100_000)
        #expect(store.exceptionCount < 5000)
        for value in try instance.function("values").call() {
            guard case .external(let reference?) = value else {
                Issue.record("\(value)")
                continue
            }
            #expect(reference.value as? Counter === object)
        }
        // The host may hold one, too.
        guard
            case .exception(let held?) = try instance.function("caught")
                .call(.external(ExternReference(object)))[0]
        else {
            Issue.record("no exception")
            return
        }
        try churn(10_000)
        #expect(exception { _ = try instance.function("again").call(.exception(held)) } == held)
        #expect(
            trap { _ = try instance.function("again").call(.exception(nil)) }?.code
                == .nullExceptionReference)
    }

    /// Each exception has the one before, or nobody has any.
    @Test(arguments: compilers)
    func whatGuestsKeepHasALimit(compiler: Engine.Compiler) throws {
        let engine = engine(compiler)
        var limits = engine.configuration.limits
        limits.heapBytes = 1 << 20
        let store = Store(engine, limits: limits)
        let text = """
            (module (tag $e (param exnref i64))
              (func (export "f") (param $keeps i32) (param $n i32)
                (local $last exnref) (local $present exnref)
                (loop $again
                  (block $caught (result exnref i64 exnref)
                    (try_table (catch_ref $e $caught)
                      (throw $e (local.get $last) (i64.const 1)))
                    (unreachable))
                  (local.set $present) (drop) (drop)
                  (if (local.get $keeps) (then (local.set $last (local.get $present))))
                  (br_if $again
                    (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))))
            """
        let instance = try Instance(store, Module(engine, text: text))
        let churn = try instance.function("f", as: ((Int32, Int32) -> Void).self)
        try churn(0, 50_000)
        #expect(trap { try churn(1, 50_000) }?.code == .heapExhausted)
        // What was kept is gone with the call.
        try churn(1, 1000)
        #expect(store.exceptionCount < 20_000)
    }

    /// Whoever throws again and again from the host does not fill it.
    @Test(arguments: compilers)
    func whatTheHostThrowsGoes(compiler: Engine.Compiler) throws {
        let engine = engine(compiler)
        let store = Store(engine)
        let tag = try Tag(store, parameters: [.i32])
        var linker = Linker(engine)
        linker.define("host", "e", tag)
        linker.define(
            "host", "f",
            try Function(store, FunctionType()) { _, _ in throw try WasmException(tag, [.i32(7)]) })
        let text = """
            (module (import "host" "e" (tag $e (param i32))) (import "host" "f" (func $f))
              (func (export "f") (param $n i32)
                (loop $again
                  (block $caught (result i32)
                    (try_table (catch $e $caught) (call $f))
                    (unreachable))
                  (drop)
                  (br_if $again
                    (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))))
            """
        let instance = try linker.instantiate(Module(engine, text: text), in: store)
        try instance.function("f", as: ((Int32) -> Void).self)(10_000)
        #expect(store.exceptionCount < 5000)
    }

    // MARK: Tags

    @Test func tagsAreSharedByImport() throws {
        let engine = Engine()
        let store = Store(engine)
        let tag = try Tag(store, parameters: [.i32])
        var linker = Linker(engine)
        linker.define("host", "e", tag)
        let module = try Module(
            engine,
            text: """
                (module
                  (import "host" "e" (tag $a (param i32)))
                  (import "host" "e" (tag $b (param i32)))
                  (tag $own (param i32))
                  (export "a" (tag $a))
                  (func (export "throw") (throw $a (i32.const 3)))
                  (func (export "alias") (result i32)
                    (block $h (result i32)
                      (try_table (catch $own $h) (catch $b $h) (throw $a (i32.const 4)))
                      (unreachable))))
                """)
        #expect(module.imports[0].type == .tag([.i32]))
        #expect(module.exports[0].type == .tag([.i32]))
        let instance = try linker.instantiate(module, in: store)
        #expect(try instance.tag("a") == tag)
        #expect(throws: ExportError.self) { try instance.tag("throw") }
        #expect(try instance.function("alias", as: (() -> Int32).self)() == 4)
        #expect(exception { _ = try instance.function("throw").call() }?.hasTag(tag) == true)
        linker.define("host", "e", try Tag(store, parameters: [.i64]))
        let error = #expect(throws: LinkError.self) { try linker.instantiate(module, in: store) }
        #expect(error?.description.contains("expected tag [i32], found tag [i64]") == true)
    }

    /// Whoever calls keeps what it had in registers, however many frames are left at once.
    @Test(arguments: compilers)
    func callersKeepTheirValues(compiler: Engine.Compiler) throws {
        let engine = engine(compiler)
        let instance = try Instance(
            Store(engine),
            Module(
                engine,
                text: """
                    (module
                      (tag $e (param i32))
                      (func $down (param $n i32) (param $a i64) (param $b i64) (result i64)
                        (local $c i64) (local $d i64)
                        (local.set $c (i64.mul (local.get $a) (i64.const 3)))
                        (local.set $d (i64.mul (local.get $b) (i64.const 5)))
                        (if (i32.eqz (local.get $n)) (then (throw $e (i32.const 1000))))
                        (i64.add
                          (call $down (i32.sub (local.get $n) (i32.const 1))
                            (local.get $c) (local.get $d))
                          (i64.add (local.get $c) (local.get $d))))
                      (func $catch (param $n i32) (result i32)
                        (block $h (result i32)
                          (try_table (catch $e $h)
                            (drop (call $down (local.get $n) (i64.const 1) (i64.const 2))))
                          (i32.const -1)))
                      (func (export "sum") (param $n i32) (result i64)
                        (local $i i32) (local $a i64) (local $b i64) (local $c i64) (local $f f64)
                        (local.set $f (f64.const 0.5))
                        (loop $l
                          (local.set $a (i64.add (local.get $a) (i64.const 1)))
                          (local.set $b (i64.add (local.get $b) (local.get $a)))
                          (local.set $c (i64.xor (local.get $c) (local.get $b)))
                          (local.set $c
                            (i64.add (local.get $c)
                              (i64.extend_i32_s (call $catch (local.get $i)))))
                          (local.set $f (f64.add (local.get $f) (f64.const 1)))
                          (local.set $i (i32.add (local.get $i) (i32.const 1)))
                          (br_if $l (i32.lt_u (local.get $i) (local.get $n))))
                        (i64.add (i64.add (local.get $a) (local.get $b))
                          (i64.add (local.get $c) (i64.trunc_f64_s (local.get $f))))))
                    """))
        var a: Int64 = 0
        var b: Int64 = 0
        var c: Int64 = 0
        for _ in 0..<200 {
            a += 1
            b += a
            c = (c ^ b) + 1000
        }
        let sum = try instance.function("sum", as: ((Int32) -> Int64).self)
        #expect(try sum(200) == a + b + c + 200)
    }
}
