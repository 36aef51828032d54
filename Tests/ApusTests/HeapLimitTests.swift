import ApusLocks
import ApusTestSupport
import Foundation
import Testing

@testable import Apus
@testable import ApusRuntime

/// What a heap with a limit is full of, and what collecting it may cost.
@Suite(.serialized) struct HeapLimitTests {
    static let compilers = Engine.Compiler.allCases

    private static func instance(
        _ compiler: Engine.Compiler, heapBytes: UInt64, isMetered: Bool = false, _ text: String,
        imports: (inout Linker, Store) throws -> Void = { _, _ in }
    ) throws -> (store: Store, instance: Instance) {
        var configuration = Engine.Configuration()
        configuration.compiler = compiler
        configuration.isFuelMetered = isMetered
        let engine = Engine(configuration)
        let store = Store(engine, limits: Limits(heapBytes: heapBytes))
        if isMetered { store.fuel = 1_000_000 }
        var linker = Linker(engine)
        try imports(&linker, store)
        return (store, try linker.instantiate(Module(engine, text: text), in: store))
    }

    /// Holes between objects are too small for what is asked for next: there would be a collection
    /// for each array.
    @Test(arguments: compilers) func holesAreNoRoom(compiler: Engine.Compiler) throws {
        let (store, instance) = try Self.instance(
            compiler, heapBytes: 4 << 20,
            """
            (module
              (type $small (struct (field (mut i64))))
              (type $node (struct (field (mut (ref null $node))) (field i64 i64 i64 i64)))
              (type $bytes (array (mut i8)))
              (global $head (mut (ref null $node)) (ref.null $node))
              (func (export "run") (param $nodes i32) (param $arrays i32) (param $bytes i32)
                (loop $next
                  (global.set $head
                    (struct.new $node (global.get $head) (i64.const 0) (i64.const 0)
                      (i64.const 0) (i64.const 0)))
                  (drop (struct.new $small (i64.const 1)))
                  (br_if $next
                    (local.tee $nodes (i32.sub (local.get $nodes) (i32.const 1)))))
                (loop $next
                  (drop (array.new_default $bytes (local.get $bytes)))
                  (br_if $next
                    (local.tee $arrays (i32.sub (local.get $arrays) (i32.const 1)))))))
            """)
        let run = try instance.function("run", as: ((Int32, Int32, Int32) -> Void).self)
        let trap = #expect(throws: Trap.self) { try run(64_500, 20_000, 20_000) }
        #expect(trap?.code == .heapExhausted)
        #expect(store.statistics.collections < 100)
    }

    /// A host function that swallows what tells of a full heap has its guest try again and again:
    /// each time all is looked through, which costs fuel as reading it does.
    @Test(arguments: compilers, ["array", "exception", "host"])
    func tryingAgainCostsFuel(compiler: Engine.Compiler, kind: String) throws {
        let (store, instance) = try Self.instance(
            compiler, heapBytes: 2 << 20, isMetered: true,
            """
            (module
              (import "host" "try" (func $try))
              (type $bytes (array (mut i8)))
              (type $list (struct (field exnref) (field (ref null $list))))
              (tag $thrown (param v128 v128 v128 v128))
              (global $kept (mut (ref null $bytes)) (ref.null $bytes))
              (global $list (mut (ref null $list)) (ref.null $list))
              (func (export "array") (result (ref $bytes))
                (array.new_default $bytes (i32.const 100000)))
              (func (export "exception") (local $e exnref)
                (block $caught (result exnref)
                  (try_table (catch_all_ref $caught)
                    (throw $thrown
                      (v128.const i64x2 0 0) (v128.const i64x2 0 0) (v128.const i64x2 0 0)
                      (v128.const i64x2 0 0)))
                  (unreachable))
                (local.set $e)
                (global.set $list (struct.new $list (local.get $e) (global.get $list))))
              (func (export "fill")
                (global.set $kept (array.new_default $bytes (i32.const 2000000))))
              (func (export "run") (param $n i32)
                (loop $next
                  (call $try)
                  (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))))
            """
        ) { linker, store in
            linker.define(
                "host", "try",
                try Function(store, FunctionType()) { caller, _ in
                    let instance = try #require(caller.instance)
                    let made = try? instance.function(kind == "exception" ? kind : "array")
                    guard kind == "host", let type = made?.type.results.first else {
                        _ = try? made?.call([])
                        return []
                    }
                    let values = Array(repeating: Value.i32(0), count: 100_000)
                    _ = try? ArrayObject(caller.store, type, values)
                    return []
                })
        }
        if kind != "exception" { _ = try instance.function("fill").call([]) }
        let run = try instance.function("run", as: ((Int32) -> Void).self)
        let trap = #expect(throws: Trap.self) { try run(100_000) }
        #expect(trap?.code == .outOfFuel)
        #expect(store.statistics.collections < 200)
    }

    /// With as much room as they take, arrays that nobody keeps are made for ever.
    @Test(arguments: compilers) func roomForSomeIsRoomForMany(compiler: Engine.Compiler) throws {
        let (_, instance) = try Self.instance(
            compiler, heapBytes: 4 << 20,
            """
            (module
              (type $bytes (array (mut i8)))
              (func (export "run") (param $arrays i32) (param $bytes i32) (result i32)
                (local $kept (ref null $bytes)) (local $sum i32)
                (local.set $kept (array.new_default $bytes (i32.const 1000000)))
                (loop $next
                  (local.set $sum
                    (i32.add (local.get $sum)
                      (array.len (array.new_default $bytes (local.get $bytes)))))
                  (br_if $next
                    (local.tee $arrays (i32.sub (local.get $arrays) (i32.const 1)))))
                (i32.add (local.get $sum) (array.len (local.get $kept)))))
            """)
        let run = try instance.function("run", as: ((Int32, Int32) -> Int32).self)
        for bytes in [70_000, 300_000, 900_000] as [Int32] {
            #expect(try run(300, bytes) == 300 * bytes + 1_000_000)
        }
    }

    /// An exception that nobody has keeps nothing.
    @Test(arguments: compilers) func deadExceptionsKeepNothing(compiler: Engine.Compiler) throws {
        let (store, instance) = try Self.instance(
            compiler, heapBytes: 2 << 20,
            """
            (module
              (type $bytes (array (mut i8)))
              (tag $thrown (param (ref $bytes)))
              (func (export "run") (param $count i32) (param $bytes i32) (result i32)
                (local $sum i32)
                (loop $next
                  (block $caught (result (ref $bytes))
                    (try_table (catch $thrown $caught)
                      (throw $thrown (array.new_default $bytes (local.get $bytes))))
                    (unreachable))
                  (local.set $sum (i32.add (array.len) (local.get $sum)))
                  (br_if $next
                    (local.tee $count (i32.sub (local.get $count) (i32.const 1)))))
                (local.get $sum)))
            """)
        let run = try instance.function("run", as: ((Int32, Int32) -> Int32).self)
        #expect(try run(900, 10_000) == 9_000_000)
        #expect(store.exceptionCount < 900)
    }

    /// One that somebody has keeps what it carries.
    @Test(arguments: compilers) func livingExceptionsKeepAll(compiler: Engine.Compiler) throws {
        let (_, instance) = try Self.instance(
            compiler, heapBytes: 2 << 20,
            """
            (module
              (type $bytes (array (mut i8)))
              (tag $thrown (param (ref $bytes)))
              (type $list (struct (field exnref) (field (ref null $list))))
              (func (export "run") (param $waste i32) (result i32)
                (local $n i32) (local $sum i32) (local $e exnref) (local $list (ref null $list))
                (loop $next
                  (block $caught (result exnref)
                    (try_table (catch_all_ref $caught)
                      (throw $thrown (array.new $bytes (local.get $n) (i32.const 1000))))
                    (unreachable))
                  (local.set $e)
                  (local.set $list (struct.new $list (local.get $e) (local.get $list)))
                  (br_if $next
                    (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1)))
                      (i32.const 100))))
                (loop $next
                  (drop (array.new $bytes (i32.const 255) (i32.const 1000)))
                  (br_if $next
                    (local.tee $waste (i32.sub (local.get $waste) (i32.const 1)))))
                (loop $next
                  (block $caught (result (ref $bytes))
                    (try_table (catch $thrown $caught)
                      (throw_ref (struct.get $list 0 (local.get $list))))
                    (unreachable))
                  (local.set $sum
                    (i32.add (array.get_u $bytes (i32.const 999)) (local.get $sum)))
                  (local.set $list (struct.get $list 1 (local.get $list)))
                  (br_if $next (i32.eqz (ref.is_null (local.get $list)))))
                (local.get $sum)))
            """)
        let run = try instance.function("run", as: ((Int32) -> Int32).self)
        #expect(try run(30_000) == 99 * 100 / 2)
    }

    /// A segment that is dropped keeps nothing.
    @Test(arguments: compilers) func droppedSegmentsKeepNothing(compiler: Engine.Compiler) throws {
        let item = "(item (array.new $bytes (i32.const 1) (i32.const 40000)))"
        let (_, instance) = try Self.instance(
            compiler, heapBytes: 1536 << 10,
            """
            (module
              (type $bytes (array (mut i8))) (type $rows (array (mut (ref null $bytes))))
              (elem $rows (ref null $bytes) \(String(repeating: item, count: 20)))
              (elem $other (ref null $bytes) (item (array.new $bytes (i32.const 7) (i32.const 9))))
              (func (export "run") (result i32) (local $rows (ref null $rows)) (local $n i32)
                (elem.drop $rows)
                (local.set $rows (array.new_default $rows (i32.const 20)))
                (loop $next
                  (array.set $rows (local.get $rows) (local.get $n)
                    (array.new_default $bytes (i32.const 40000)))
                  (br_if $next
                    (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1)))
                      (i32.const 20))))
                (array.get_u $bytes
                  (array.get $rows
                    (array.new_elem $rows $other (i32.const 0) (i32.const 1)) (i32.const 0))
                  (i32.const 8))))
            """)
        #expect(try instance.function("run", as: (() -> Int32).self)() == 7)
    }

    /// A table with many references is looked through seldom.
    @Test func muchToLookAtIsLookedAtSeldom() throws {
        func collections(elements: Int) throws -> Int {
            let (store, instance) = try Self.instance(
                .baseline, heapBytes: 64 << 20,
                """
                (module
                  (type $bytes (array (mut i8)))
                  (table \(elements) anyref)
                  (func (export "run") (param $n i32)
                    (loop $next
                      (drop (array.new_default $bytes (i32.const 100000)))
                      (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))))
                """)
            try instance.function("run", as: ((Int32) -> Void).self)(1000)
            return Int(store.statistics.collections)
        }
        let few = try collections(elements: 10)
        let many = try collections(elements: 4_000_000)
        #expect(few >= 8)
        #expect(many <= few / 2)
    }

    /// So it is for exceptions, and for objects of the host's.
    @Test(arguments: ["exception", "host"])
    func muchToLookAtIsLookedAtSeldomForHandles(kind: String) throws {
        func collections(elements: Int) throws -> Int {
            let (store, instance) = try Self.instance(
                .baseline, heapBytes: 64 << 20,
                """
                (module
                  (import "host" "make" (func $make (result externref)))
                  (tag $thrown)
                  (table \(elements) anyref)
                  (func (export "exception") (param $n i32)
                    (loop $next
                      (block $caught
                        (try_table (catch_all $caught) (throw $thrown)))
                      (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
                  (func (export "host") (param $n i32)
                    (loop $next
                      (drop (call $make))
                      (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))))
                """
            ) { linker, _ in
                linker.define("host", "make") { () -> ExternReference? in ExternReference(1) }
            }
            try instance.function(kind, as: ((Int32) -> Void).self)(20_000)
            return Int(store.statistics.collections)
        }
        let few = try collections(elements: 10)
        let many = try collections(elements: 4_000_000)
        #expect(few >= 8)
        #expect(many <= few / 4)
    }

    /// Exceptions of the host that guests keep count as those of guests do.
    @Test(arguments: compilers) func whatTheHostThrowsHasALimit(compiler: Engine.Compiler) throws {
        let (store, instance) = try Self.instance(
            compiler, heapBytes: 1 << 20,
            """
            (module
              (import "host" "throw" (func $throw))
              (type $list (struct (field exnref) (field (ref null $list))))
              (func (export "run") (param $n i32) (local $e exnref) (local $list (ref null $list))
                (loop $next
                  (block $caught (result exnref)
                    (try_table (catch_all_ref $caught) (call $throw))
                    (unreachable))
                  (local.set $e)
                  (local.set $list (struct.new $list (local.get $e) (local.get $list)))
                  (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))))
            """
        ) { linker, store in
            let tag = try Tag(store, parameters: [.i32])
            linker.define(
                "host", "throw",
                try Function(store, FunctionType()) { _, _ in
                    throw try WasmException(tag, [.i32(7)])
                })
        }
        let run = try instance.function("run", as: ((Int32) -> Void).self)
        try run(2000)
        let error = #expect(throws: ResourceError.self) { try run(20_000) }
        #expect(error?.resource == .heap)
        try run(2000)
        #expect(store.exceptionCount < 8000)
    }

    /// Who throws may have to look at all clauses: they cost something where they begin.
    @Test(arguments: compilers) func clausesCostFuel(compiler: Engine.Compiler) throws {
        func fuel(clauses: Int) throws -> UInt64 {
            let (store, instance) = try Self.instance(
                compiler, heapBytes: 1 << 20, isMetered: true,
                """
                (module (tag $a) (tag $b)
                  (func $throw (throw $a))
                  (func (export "run")
                    (block $caught
                      (try_table \(String(repeating: "(catch $b $caught)", count: clauses))
                          (catch $a $caught)
                        (call $throw)))))
                """)
            try instance.function("run", as: (() -> Void).self)()
            return 1_000_000 - store.fuel
        }
        #expect(try fuel(clauses: 1000) == fuel(clauses: 0) + 1000)
    }

    /// A host function calls its store from a thread of its own, whose stack nobody has measured.
    @Test func anotherThreadCannotCallMeanwhile() throws {
        let found = SystemMutex<(any Error)?>(nil)
        let (store, instance) = try Self.instance(
            .baseline, heapBytes: 1 << 20,
            """
            (module (import "host" "call" (func $call))
              (func (export "run") (call $call))
              (func (export "idle")))
            """
        ) { linker, store in
            linker.define(
                "host", "call",
                try Function(store, FunctionType()) { caller, _ in
                    nonisolated(unsafe) let idle = try #require(caller.instance).function("idle")
                    _ = try unsafe idle.call([])
                    let isDone = DispatchSemaphore(value: 0)
                    Thread.detachNewThread {
                        do {
                            _ = try unsafe idle.call([])
                        } catch {
                            found.withLock { $0 = error }
                        }
                        isDone.signal()
                    }
                    isDone.wait()
                    return []
                })
        }
        _ = try instance.function("run").call([])
        let error = found.withLock { $0 }
        #expect(error as? AsynchronousCallError == .storeIsBusy)
        withExtendedLifetime(store) {}
    }

    /// The guest's stack is another thread's: what is on that would not be found, and be let go of.
    @Test(arguments: compilers)
    func anotherThreadNeitherCollectsNorMakesObjectsMeanwhile(compiler: Engine.Compiler) throws {
        let found = SystemMutex<(any Error)?>(nil)
        let (store, instance) = try Self.instance(
            compiler, heapBytes: 1 << 20,
            """
            (module
              (import "host" "call" (func $call))
              (type $bytes (array (mut i8)))
              (func (export "run") (result i32) (local $kept (ref $bytes))
                (local.set $kept (array.new $bytes (i32.const 7) (i32.const 1000)))
                (call $call)
                (drop (array.new $bytes (i32.const 1) (i32.const 1000)))
                (array.get_u $bytes (local.get $kept) (i32.const 999)))
              (func (export "make") (result (ref $bytes))
                (array.new $bytes (i32.const 2) (i32.const 10))))
            """
        ) { linker, store in
            linker.define(
                "host", "call",
                try Function(store, FunctionType()) { caller, _ in
                    let instance = try #require(caller.instance)
                    let type = try instance.function("make").type.results[0]
                    nonisolated(unsafe) let store = instance.store
                    let isDone = DispatchSemaphore(value: 0)
                    Thread.detachNewThread {
                        unsafe store.collectObjects()
                        do {
                            _ = try unsafe ArrayObject(store, type, [.i32(3)])
                        } catch {
                            found.withLock { $0 = error }
                        }
                        isDone.signal()
                    }
                    isDone.wait()
                    // One more object of the host's is no reason to forget what was put off.
                    _ = try unsafe Global(store, .external(ExternReference(1)))
                    return []
                })
        }
        let before = store.statistics.collections
        #expect(try instance.function("run", as: (() -> Int32).self)() == 7)
        let error = found.withLock { $0 }
        #expect(error as? AsynchronousCallError == .storeIsBusy)
        // What was put off.
        _ = try instance.function("make").call([])
        #expect(store.statistics.collections == before + 1)
    }
}
