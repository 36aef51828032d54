import Apus
import ApusLocks
import ApusSandbox
import ApusWASI
import Testing

@Suite struct SandboxTests {
    /// With an allocator that never frees, and functions of strings.
    private static let plugin = """
        (module
          (import "wasi_snapshot_preview1" "fd_write"
            (func $write (param i32 i32 i32 i32) (result i32)))
          (import "host" "wait" (func $wait (param i32) (result i32)))
          (memory (export "memory") 1)
          (global $top (export "top") (mut i32) (i32.const 1024))
          (global $freed (export "freed") (mut i32) (i32.const 0))
          (global $state (mut i32) (i32.const 0))
          (func $malloc (export "malloc") (param i32) (result i32)
            (global.get $top)
            (global.set $top (i32.add (global.get $top) (local.get 0))))
          (func (export "free") (param i32)
            (global.set $freed (i32.add (global.get $freed) (i32.const 1))))
          (func (export "add") (param i32 i32) (result i32)
            (i32.add (local.get 0) (local.get 1)))
          (func (export "half") (param f64) (result f64)
            (f64.div (local.get 0) (f64.const 2)))
          (func (export "wide") (param i64) (result i64) (local.get 0))
          (func (export "mixed") (param i32 i32 i32) (result i32) (local.get 2))
          ;; The same text twice.
          (func (export "double") (param $start i32) (param $count i32) (result i64)
            (local $copy i32)
            (local.set $copy (call $malloc (i32.shl (local.get $count) (i32.const 1))))
            (memory.copy (local.get $copy) (local.get $start) (local.get $count))
            (memory.copy (i32.add (local.get $copy) (local.get $count)) (local.get $start)
              (local.get $count))
            (i64.or
              (i64.shl (i64.extend_i32_u (local.get $copy)) (i64.const 32))
              (i64.extend_i32_u (i32.shl (local.get $count) (i32.const 1)))))
          (func (export "both") (param i32 i32) (result i32 i32)
            (local.get 0) (local.get 1))
          (func (export "print") (param $start i32) (param $count i32)
            (i32.store (i32.const 0) (local.get $start))
            (i32.store (i32.const 4) (local.get $count))
            (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))))
          (func (export "count") (result i32)
            (global.set $state (i32.add (global.get $state) (i32.const 1)))
            (global.get $state))
          (func (export "wait") (param i32) (result i32) (call $wait (local.get 0)))
          (func (export "trap") unreachable)
          (func (export "endless") (loop $l (br $l)))
          (func (export "far") (param i32 i32) (result i64) (i64.const -1)))
        """

    private func template(
        _ change: (inout Sandbox.Configuration) -> Void = { _ in },
        wait: @escaping @Sendable (Int32) async throws -> Int32 = { $0 }
    ) throws -> SandboxTemplate {
        var configuration = Sandbox.Configuration()
        // Other tests may keep all threads for long.
        configuration.deadline = .seconds(1000)
        change(&configuration)
        let module = try Module(Engine(), text: Self.plugin)
        return SandboxTemplate(module, configuration) { linker in
            linker.define("host", "wait") { (_: Caller, number: Int32) async throws -> Int32 in
                try await wait(number)
            }
        }
    }

    // MARK: Values

    @Test func numbersGoInAndOut() async throws {
        let sandbox = Sandbox(try template())
        #expect(try await sandbox.call("add", 1, 2, as: Int32.self) == 3)
        #expect(try await sandbox.call("add", UInt32.max, 0, as: UInt32.self) == .max)
        #expect(try await sandbox.call("add", Int32(-5), true, as: Int.self) == -4)
        #expect(try await sandbox.call("wide", Int64.min, as: Int64.self) == .min)
        #expect(try await sandbox.call("wide", UInt64.max, as: UInt64.self) == .max)
        #expect(try await sandbox.call("half", 5.0, as: Double.self) == 2.5)
        #expect(try await sandbox.call("half", 5, as: Float.self) == 2.5)
        #expect(try await sandbox.call("add", 1, -1, as: Bool.self) == false)
    }

    /// None is cut off, whichever way it goes.
    @Test func numbersHaveToFit() async throws {
        let sandbox = Sandbox(try template())
        let narrow: [any SandboxArgument] = [
            Int64.max, Int.min, Int(UInt32.max) + 1, Int(Int32.min) - 1, UInt64.max,
            UInt64.max - 4, Wide(1 << 64), Wide(.max),
        ]
        for number in narrow {
            let error = await #expect(throws: SandboxError.self) {
                try await sandbox.call("add", number, 0, as: Int.self)
            }
            guard case .argument("add", 0, let reason)? = error else {
                Issue.record("\(number)")
                continue
            }
            #expect(reason.hasSuffix("has more than 32 bits"))
        }
        for number in [Wide(.min), Wide(Int128(Int64.min) - 1), Wide(1 << 64)] {
            await #expect(throws: SandboxError.self) {
                try await sandbox.call("wide", number, as: Int.self)
            }
        }
        // What goes out of a guest has its bits, and no more of them than the function gives.
        #expect(try await sandbox.call("add", -1, 0, as: UInt64.self) == UInt64(UInt32.max))
        #expect(try await sandbox.call("wide", -1, as: UInt64.self) == .max)
        await #expect(throws: SandboxError.self) {
            try await sandbox.call("wide", -1, as: UInt32.self)
        }
        await #expect(throws: SandboxError.self) {
            try await sandbox.call("wide", Int64.max, as: Int32.self)
        }
    }

    /// What is allocated for a call that is not made, or whose result is of no use, is freed.
    @Test func refusedCallsLeaveNothingBehind() async throws {
        let sandbox = Sandbox(try template())
        await #expect(throws: SandboxError.self) {
            try await sandbox.call("mixed", "text", Int64.max, as: Int.self)
        }
        await #expect(throws: SandboxError.self) {
            try await sandbox.call("mixed", "text", 1, as: String.self)
        }
        let counts = try await sandbox.withInstance { instance in
            try ["top", "freed"].map { name -> Int32? in
                guard case .i32(let number) = try instance.global(name).value else { return nil }
                return number
            }
        }
        // Of the second call alone.
        #expect(counts == [1028, 1])
    }

    @Test func textAndBytesGoInAndOut() async throws {
        let sandbox = Sandbox(try template())
        #expect(try await sandbox.call("double", "Grüße ", as: String.self) == "Grüße Grüße ")
        let bytes: [UInt8] = [0, 255, 7]
        #expect(try await sandbox.call("both", bytes, as: [UInt8].self) == bytes)
        #expect(try await sandbox.call("double", "", as: String.self) == "")
        // Each address once: the result of the second call is its argument, and what is empty is
        // nowhere else.
        let freed = try await sandbox.withInstance { instance -> Int32 in
            guard case .i32(let count) = try instance.global("freed").value else { return -1 }
            return count
        }
        #expect(freed == 4)
    }

    @Test func codableValuesGoInAndOut() async throws {
        let sandbox = Sandbox(try template())
        let result = try await sandbox.call(
            "double", "ab", as: String.self, coder: TextCoder())
        #expect(result == "abab")
    }

    @Test func whatDoesNotFitIsRefused() async throws {
        let sandbox = Sandbox(try template())
        await #expect(throws: SandboxError.self) {
            try await sandbox.call("add", 1, as: Int.self)
        }
        await #expect(throws: SandboxError.self) {
            try await sandbox.call("add", 1 << 40, 1, as: Int.self)
        }
        await #expect(throws: SandboxError.self) {
            try await sandbox.call("add", 1.5, 1, as: Int.self)
        }
        await #expect(throws: SandboxError.self) {
            try await sandbox.call("add", 1, 1, as: Double.self)
        }
        await #expect(throws: SandboxError.self) {
            try await sandbox.call("add", 1, 1, as: String.self)
        }
        await #expect(throws: ExportError.self) { try await sandbox.call("nothing") }
        await #expect(throws: MemoryError.self) {
            try await sandbox.call("far", "x", as: String.self)
        }
    }

    /// The first of several results is not the result.
    @Test func severalResultsAreNotOne() async throws {
        let text = """
            (module (type $pair (struct (field i32)))
              (global $calls (export "calls") (mut i32) (i32.const 0))
              (func (export "two") (result i32 i32)
                (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
                (i32.const 1) (i32.const 2))
              (func (export "odd") (result (ref $pair) v128)
                (struct.new $pair (i32.const 1)) (v128.const i64x2 1 2))
              (func (export "take") (param (ref null $pair)))
              (func (export "pair") (result (ref $pair)) (struct.new $pair (i32.const 1))))
            """
        let sandbox = Sandbox(try Module(Engine(), text: text))
        await #expect(
            throws: SandboxError.result(function: "two", reason: "there are 2 of them")
        ) { try await sandbox.call("two", as: Int.self) }
        // None of them is wanted.
        try await sandbox.call("two")
        try await sandbox.call("odd")
        let calls = try await sandbox.withInstance { instance -> Int32 in
            guard case .i32(let count) = try instance.global("calls").value else { return -1 }
            return count
        }
        #expect(calls == 1)
        // Messages show what types are made of.
        await #expect(
            throws: SandboxError.result(
                function: "pair", reason: "it is a (ref (struct (field i32)))")
        ) { try await sandbox.call("pair", as: Int.self) }
        await #expect(
            throws: SandboxError.argument(
                function: "take", position: 0,
                reason: "the parameter is a (ref null (struct (field i32)))")
        ) { try await sandbox.call("take", 1) }
    }

    @Test func outputIsKept() async throws {
        let sandbox = Sandbox(try template { $0.outputBytesLimit = 8 })
        try await sandbox.call("print", "Hello, ")
        try await sandbox.call("print", "world")
        #expect(sandbox.standardOutput == "Hello, w")
        #expect(sandbox.standardOutputBytes == Array("Hello, w".utf8))
        #expect(sandbox.standardErrorBytes == [])
        sandbox.clearOutput()
        #expect(sandbox.standardOutput == "")
    }

    // MARK: Failures

    @Test func aGuestThatHasTrappedIsReplaced() async throws {
        let sandbox = Sandbox(try template())
        #expect(try await sandbox.call("count", as: Int.self) == 1)
        #expect(try await sandbox.call("count", as: Int.self) == 2)
        await #expect(throws: Trap.self) { try await sandbox.call("trap") }
        #expect(try await sandbox.call("count", as: Int.self) == 1)
        try await sandbox.reset()
        #expect(try await sandbox.call("count", as: Int.self) == 1)
    }

    @Test func aGuestThatHasTrappedMayBeQuarantined() async throws {
        let sandbox = Sandbox(try template { $0.afterFailure = .quarantine })
        await #expect(throws: Trap.self) { try await sandbox.call("trap") }
        #expect(await sandbox.isQuarantined)
        await #expect(throws: SandboxError.self) { try await sandbox.call("count") }
        try await sandbox.reset()
        #expect(try await sandbox.call("count", as: Int.self) == 1)
    }

    /// Whatever the error's type, it has gone through the guest.
    @Test(arguments: 0..<3)
    func errorsOfTheHostLeaveNobodyKnowsWhat(kind: Int) async throws {
        let sandbox = Sandbox(
            try template({ $0.afterFailure = .quarantine }) { _ in
                switch kind {
                case 0: throw SandboxError.noAllocator
                case 1: throw ExportError(name: "x", expected: "function", found: nil)
                default: throw CancellationError()
                }
            })
        await #expect(throws: (any Error).self) { try await sandbox.call("wait", 1) }
        #expect(await sandbox.isQuarantined)
    }

    /// A guest that there is no room for, or nothing to import, has done nothing.
    @Test func guestsThatAreNotMadeAreNotInQuarantine() async throws {
        var engine = Engine.Configuration()
        engine.allocator = .pooling(.init(instances: 1, memoryBytes: 1 << 20))
        var configuration = Sandbox.Configuration()
        configuration.afterFailure = .quarantine
        let module = try Module(
            Engine(engine),
            text: """
                (module (import "host" "get" (func (result i32))) (memory 1)
                  (export "get" (func 0)))
                """)
        let template = SandboxTemplate(module, configuration) { linker in
            linker.define("host", "get") { () -> Int32 in 7 }
        }
        let first = Sandbox(template)
        let second = Sandbox(template)
        #expect(try await first.call("get", as: Int.self) == 7)
        await #expect(throws: ResourceError.self) { try await second.call("get", as: Int.self) }
        try await first.reset()
        #expect(try await second.call("get", as: Int.self) == 7)
        let unlinked = Sandbox(module, configuration)
        for _ in 0..<2 {
            await #expect(throws: LinkError.self) { try await unlinked.call("get", as: Int.self) }
        }
        #expect(await !unlinked.isQuarantined)
    }

    /// What it does while it is made is its own doing.
    @Test func guestsThatFailAtTheirStartAreInQuarantine() async throws {
        var configuration = Sandbox.Configuration()
        configuration.afterFailure = .quarantine
        let sandbox = try Sandbox(
            text: """
                (module (func (export "_initialize") unreachable) (func (export "get"))
                  (func (export "_start")))
                """, configuration)
        await #expect(throws: Trap.self) { try await sandbox.run() }
        await #expect(throws: Trap.self) { try await sandbox.call("get") }
        await #expect(throws: SandboxError.self) { try await sandbox.call("get") }
    }

    @Test func callsThatAreNotMadeLeaveTheGuest() async throws {
        let sandbox = Sandbox(try template { $0.afterFailure = .quarantine })
        #expect(try await sandbox.call("count", as: Int.self) == 1)
        await #expect(throws: SandboxError.self) { try await sandbox.call("add", 1) }
        await #expect(throws: ExportError.self) { try await sandbox.call("nothing") }
        await #expect(throws: SandboxError.self) {
            try await sandbox.call("add", 1, 1, as: String.self)
        }
        #expect(try await sandbox.call("count", as: Int.self) == 2)
    }

    /// Where the second of two texts is, its parameter cannot say.
    @Test func whatIsStoredForARefusedCallIsFreed() async throws {
        let text = """
            (module
              (memory (export "memory") 300)
              (global $top (mut i32) (i32.const 0x1000001))
              (global $freed (export "freed") (mut i32) (i32.const 0))
              (func (export "malloc") (param i32) (result i32)
                (global.get $top)
                (global.set $top (i32.add (global.get $top) (local.get 0))))
              (func (export "free") (param i32)
                (global.set $freed (i32.add (global.get $freed) (i32.const 1))))
              (func (export "take") (param i32 i32 f32 i32)))
            """
        let sandbox = Sandbox(try Module(Engine(), text: text))
        await #expect(throws: SandboxError.self) { try await sandbox.call("take", "ab", "c") }
        let freed = try await sandbox.withInstance { instance -> Int32 in
            guard case .i32(let count) = try instance.global("freed").value else { return -1 }
            return count
        }
        #expect(freed == 2)
    }

    /// The limit counts from when the guest is made, however short each of its calls is.
    @Test func limitsOfGuestsHoldForAllCalls() async throws {
        let limit = Duration.milliseconds(100)
        let sandbox = Sandbox(
            try template {
                $0.limits.deadline = limit
                $0.deadline = .seconds(5)
            })
        for _ in 0..<2 { _ = try? await sandbox.call("count", as: Int.self) }
        let error = await #expect(throws: Trap.self) { try await sandbox.call("endless") }
        #expect(error?.interruption == .deadline(after: limit))
    }

    @Test func callsEndInTime() async throws {
        let sandbox = Sandbox(try template { $0.deadline = .milliseconds(20) })
        let error = await #expect(throws: Trap.self) { try await sandbox.call("endless") }
        #expect(error?.interruption == .deadline(after: .milliseconds(20)))
        // Each call has its own time.
        for _ in 0..<5 {
            try await Task.sleep(for: .milliseconds(10))
            #expect(try await sandbox.call("add", 1, 1, as: Int.self) == 2)
        }
    }

    @Test func callsEndWithTheirTask() async throws {
        let sandbox = Sandbox(try template())
        let task = Task { try await sandbox.call("endless") }
        try await Task.sleep(for: .milliseconds(20))
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(try await sandbox.call("count", as: Int.self) == 1)
    }

    // MARK: Several callers

    @Test func callsWaitForEachOther() async throws {
        let inside = SystemMutex(0)
        let sandbox = Sandbox(
            try template(wait: { number in
                inside.withLock { $0 += 1 }
                #expect(inside.withLock { $0 } == 1)
                try await Task.sleep(for: .milliseconds(1))
                inside.withLock { $0 -= 1 }
                return number
            }))
        try await withThrowingTaskGroup(of: Int32.self) { group in
            for number in 0..<20 {
                group.addTask { try await sandbox.call("wait", Int32(number), as: Int32.self) }
            }
            var sum: Int32 = 0
            for try await number in group { sum += number }
            #expect(sum == 190)
        }
    }

    @Test func whoWaitsMayGiveUp() async throws {
        let sandbox = Sandbox(
            try template(wait: { number in
                try await Task.sleep(for: .milliseconds(100))
                return number
            }))
        let first = Task { try await sandbox.call("wait", 1, as: Int.self) }
        try await Task.sleep(for: .milliseconds(10))
        let second = Task { try await sandbox.call("wait", 2, as: Int.self) }
        try await Task.sleep(for: .milliseconds(10))
        second.cancel()
        await #expect(throws: CancellationError.self) { try await second.value }
        #expect(try await first.value == 1)
        #expect(try await sandbox.call("count", as: Int.self) == 1)
    }

    @Test func aPoolHasSoManyAndNoMore() async throws {
        let inside = SystemMutex((now: 0, most: 0))
        let template = try template(wait: { number in
            inside.withLock {
                $0.now += 1
                $0.most = max($0.most, $0.now)
            }
            try await Task.sleep(for: .milliseconds(2))
            inside.withLock { $0.now -= 1 }
            return number
        })
        let pool = SandboxPool(template, count: 3)
        try await withThrowingTaskGroup(of: Int.self) { group in
            for number in 0..<30 {
                group.addTask {
                    try await pool.withSandbox { try await $0.call("wait", number, as: Int.self) }
                }
            }
            var sum = 0
            for try await number in group { sum += number }
            #expect(sum == 435)
        }
        #expect(inside.withLock { $0.most } <= 3)
        #expect(inside.withLock { $0.most } > 1)
        let count = try await pool.withSandbox(isFresh: true) {
            try await $0.call("count", as: Int.self)
        }
        #expect(count == 1)
    }

    // MARK: Programs

    @Test func programsRun() async throws {
        let sandbox = try Sandbox(
            text: """
                (module
                  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
                  (memory (export "memory") 1)
                  (func (export "_start") (call $exit (i32.const 3))))
                """)
        #expect(try await sandbox.run() == 3)
    }
}

/// Texts as their own bytes.
private struct TextCoder: SandboxCoder {
    func encode(_ value: some Encodable) throws -> [UInt8] { Array("\(value)".utf8) }

    func decode<Value: Decodable>(_ type: Value.Type, from bytes: [UInt8]) throws -> Value {
        guard let value = String(decoding: bytes, as: UTF8.self) as? Value else {
            throw SandboxError.result(function: "", reason: "no text")
        }
        return value
    }
}

/// An integer that may be wider than any of a guest's.
private struct Wide: SandboxArgument {
    let sandboxData: SandboxData

    init(_ number: Int128) { sandboxData = .integer(number) }
}
