import Apus
import CApusHost
import Synchronization
import Testing

/// Many guests that wait, and what is left of them.
@Suite(.serialized) struct AsynchronousLifeTests {
    /// Calls an asynchronous function as often as it is told, with a reference of the host's.
    private static let waiting = """
        (module
          (import "host" "wait" (func $wait (param i32) (result i32)))
          (import "host" "look" (func $look (param externref) (result i32)))
          (func (export "sum") (param $count i32) (result i32) (local $sum i32)
            (loop $next
              (local.set $sum (i32.add (local.get $sum) (call $wait (local.get $count))))
              (local.set $count (i32.sub (local.get $count) (i32.const 1)))
              (br_if $next (local.get $count)))
            (local.get $sum))
          (func (export "keep") (param externref) (result i32)
            (drop (call $wait (i32.const 1)))
            (call $look (local.get 0)))
          (type $box (struct (field i32)))
          (func (export "box") (param i32) (result i32) (local $box (ref $box))
            (local.set $box (struct.new $box (local.get 0)))
            (drop (call $wait (i32.const 1)))
            (struct.get $box 0 (local.get $box)))
          (func (export "endless") (drop (call $wait (i32.const 1))) (loop $l (br $l))))
        """

    private typealias Wait = @Sendable (Int32) async throws -> Int32

    private static func prepare(
        _ compiler: Engine.Compiler = .optimizing, _ stacks: Engine.GuestStacks = .init(),
        interruption: Engine.Interruption = .signals, _ wait: @escaping Wait
    ) throws -> PreparedModule {
        var configuration = Engine.Configuration()
        configuration.compiler = compiler
        configuration.guestStacks = stacks
        configuration.interruption = interruption
        let engine = Engine(configuration)
        var linker = Linker(engine)
        linker.define("host", "wait") { (_: Caller, number: Int32) async throws -> Int32 in
            try await wait(number)
        }
        linker.define("host", "look") { (reference: ExternReference?) in
            (reference?.value as? Owned)?.number ?? -1
        }
        return try linker.prepare(Module(engine, text: Self.waiting))
    }

    private static func sum(_ prepared: PreparedModule, _ count: Int32) async throws -> Int32 {
        let instance = try prepared.instantiate(in: Store(prepared.module.engine))
        return try await instance.function("sum", as: ((Int32) -> Int32).self).callAsync(count)
    }

    // MARK: Many

    /// In a process of its own, in which nobody else maps memory.
    @Test func tenThousandGuestsWaitAtOnce() async {
        await #expect(processExitsWith: .success) {
            // The thread sanitizer knows eight thousand stacks at most.
            let count = Engine.Interruption.standard == .polling ? 1000 : 10_000
            let gate = Gate()
            let waiting = Counter()
            let prepared = try Self.prepare(.optimizing, .init(idle: 16)) { number in
                waiting.add()
                await gate.wait()
                return number
            }
            let mappings = apus_live_mappings()
            try await withThrowingTaskGroup(of: Int32.self) { group in
                for _ in 0..<count { group.addTask { try await Self.sum(prepared, 3) } }
                while waiting.total < count { try await Task.sleep(for: .milliseconds(5)) }
                #expect(apus_live_mappings() >= mappings + Int64(count))
                await gate.open()
                for try await sum in group { #expect(sum == 6) }
            }
            #expect(waiting.total == 3 * count)
            // But for the stacks, the code and the instances that are kept.
            #expect(apus_live_mappings() < mappings + 200)
        }
    }

    @Test func aLimitedNumberOfStacks() async throws {
        let gate = Gate()
        let prepared = try Self.prepare(.optimizing, .init(limit: 1)) { number in
            await gate.wait()
            return number
        }
        let first = Task { try await Self.sum(prepared, 1) }
        await gate.awaitWaiter()
        let error = await #expect(throws: ResourceError.self) {
            try await Self.sum(prepared, 1)
        }
        #expect(error?.resource == .guestStacks)
        #expect(error?.limit == 1)
        await gate.open()
        #expect(try await first.value == 1)
        #expect(try await Self.sum(prepared, 1) == 1)
    }

    @Test func guestsGoFromThreadToThread() async throws {
        let prepared = try Self.prepare { number in
            await Task.yield()
            if number % 10 == 0 { try await Task.sleep(for: .microseconds(10)) }
            return number
        }
        try await withThrowingTaskGroup(of: Int32.self) { group in
            for _ in 0..<200 { group.addTask { try await Self.sum(prepared, 200) } }
            for try await sum in group { #expect(sum == 20_100) }
        }
    }

    // MARK: Cancellation

    /// A guest waits ten times; its task is cancelled at each of these in turn.
    @Test func cancelledAtEveryWait() async throws {
        let owned = Counter()
        for place in 1...10 {
            let gate = Gate()
            let prepared = try Self.prepare { number in
                let kept = Owned(1, owned)
                if number == Int32(place) {
                    await gate.wait()
                    try Task.checkCancellation()
                }
                return kept.number
            }
            let task = Task { try await Self.sum(prepared, 10) }
            await gate.awaitWaiter()
            task.cancel()
            await gate.open()
            await #expect(throws: CancellationError.self) { try await task.value }
        }
        #expect(owned.total == 0)
    }

    /// The function does not look whether it is cancelled: the guest is not gone on with.
    @Test func aCancelledGuestDoesNotGoOn() async throws {
        let gate = Gate()
        let calls = Counter()
        let prepared = try Self.prepare { number in
            calls.add()
            await gate.wait()
            return number
        }
        let task = Task { try await Self.sum(prepared, 10) }
        await gate.awaitWaiter()
        task.cancel()
        await gate.open()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(calls.total == 1)
    }

    @Test(arguments: Engine.Interruption.allCases)
    func aGuestThatRunsIsCancelled(interruption: Engine.Interruption) async throws {
        let prepared = try Self.prepare(interruption: interruption) { number in
            await Task.yield()
            return number
        }
        let task = Task {
            let instance = try prepared.instantiate(in: Store(prepared.module.engine))
            try await instance.function("endless", as: (() -> Void).self).callAsync()
        }
        try await Task.sleep(for: .milliseconds(20))
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
    }

    /// A function of the host has its own scope, which ends before the task is cancelled, or after.
    @Test(arguments: [false, true])
    func scopesWithinACallLeaveItsTask(isCancelledBefore: Bool) async throws {
        let engine = Engine()
        var linker = Linker(engine)
        linker.define("host", "wait") { (caller: Caller, number: Int32) async throws -> Int32 in
            if isCancelledBefore { unsafe withUnsafeCurrentTask { unsafe $0?.cancel() } }
            try await caller.store.withTaskCancellation {}
            if !isCancelledBefore { unsafe withUnsafeCurrentTask { unsafe $0?.cancel() } }
            return number
        }
        linker.define("host", "look") { (_: ExternReference?) -> Int32 in 0 }
        let prepared = try linker.prepare(Module(engine, text: Self.waiting))
        let task = Task {
            let store = Store(engine)
            store.setDeadline(after: .seconds(20))
            let instance = try prepared.instantiate(in: store)
            try await instance.function("endless", as: (() -> Void).self).callAsync()
        }
        await #expect(throws: CancellationError.self) { try await task.value }
    }

    @Test func aDeadlineThatPassesWhileTheGuestWaits() async throws {
        let prepared = try Self.prepare { number in
            try await Task.sleep(for: .milliseconds(30))
            return number
        }
        let store = Store(prepared.module.engine)
        let instance = try prepared.instantiate(in: store)
        let sum = try instance.function("sum", as: ((Int32) -> Int32).self)
        store.setDeadline(after: .milliseconds(10))
        let error = await #expect(throws: Trap.self) { try await sum.callAsync(10) }
        #expect(error?.interruption == .deadline(after: .milliseconds(10)))
        #expect(error?.backtrace.count == 1)
        store.deadline = nil
        #expect(try await sum.callAsync(1) == 1)
    }

    @Test func aDeadlineThatPassesWhileTheGuestRuns() async throws {
        let prepared = try Self.prepare { number in
            await Task.yield()
            return number
        }
        let store = Store(prepared.module.engine, limits: Limits(deadline: .milliseconds(20)))
        let instance = try prepared.instantiate(in: store)
        let error = await #expect(throws: Trap.self) {
            try await instance.function("endless", as: (() -> Void).self).callAsync()
        }
        #expect(error?.interruption == .deadline(after: .milliseconds(20)))
    }

    // MARK: References

    /// While it waits, nothing but its stack has what the guest was given.
    @Test(arguments: Engine.Compiler.allCases)
    func whatWaitingGuestsHoldIsKept(compiler: Engine.Compiler) async throws {
        let owned = Counter()
        var configuration = Engine.Configuration()
        configuration.compiler = compiler
        let engine = Engine(configuration)
        var linker = Linker(engine)
        linker.define("host", "wait") { (caller: Caller, number: Int32) async throws -> Int32 in
            await Task.yield()
            if number == 1, caller.store.externalReferenceCount < 10 {
                caller.store.collectObjects()
            }
            return number
        }
        linker.define("host", "look") { (reference: ExternReference?) in
            (reference?.value as? Owned)?.number ?? -1
        }
        let module = try Module(engine, text: Self.waiting)
        try await {
            let store = Store(engine)
            let instance = try linker.instantiate(module, in: store)
            let keep = try instance.function("keep", as: ((ExternReference?) -> Int32).self)
            #expect(try await keep.callAsync(ExternReference(Owned(7, owned))) == 7)
            // So many that they are looked through between calls.
            for number in 0..<3000 {
                let reference = ExternReference(Owned(Int32(number), owned))
                #expect(try await keep.callAsync(reference) == Int32(number))
            }
            #expect(owned.total < 2500)
            let box = try instance.function("box", as: ((Int32) -> Int32).self)
            #expect(try await box.callAsync(12) == 12)
        }()
        #expect(owned.total == 0)
    }
}

/// Something of the host's that is counted.
private final class Owned: Sendable {
    let number: Int32
    private let counter: Counter

    init(_ number: Int32, _ counter: Counter) {
        self.number = number
        self.counter = counter
        counter.add()
    }

    deinit { counter.add(-1) }
}
