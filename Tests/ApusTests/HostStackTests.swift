import ApusFormat
import ApusLocks
import CApusHost
import Testing

@testable import Apus
@testable import ApusRuntime

/// How much stack host functions have, wherever the guest calls them.
struct HostStackTests {
    private static let text = """
        (module (import "host" "f" (func $f))
          (func $deep (export "deep") (param i32)
            (call $f)
            (call $deep (i32.add (local.get 0) (i32.const 1)))))
        """

    /// Uses so much stack, and a little more.
    @inline(never)
    private static func use(_ kibibytes: Int) -> Int {
        // Not of bytes: in builds for debugging a call writes each element.
        var some = InlineArray<512, Int>(repeating: 1)
        some[kibibytes & 511] = 2
        return kibibytes <= 0 ? some[7] : use(kibibytes - 4) + some[9]
    }

    /// What recursion to the end on a thread ends in, with a host function at each level that needs
    /// so much.
    private static func end(
        threadKibibytes: Int, hostKibibytes: Int, _ limits: Limits
    ) -> any Error {
        final class End: Sendable { let error = SystemMutex<(any Error)?>(nil) }
        let end = End()
        runOnThread(stackBytes: threadKibibytes << 10) {
            do {
                let engine = Engine()
                var linker = Linker(engine)
                let calls = Counter()
                linker.define("host", "f") { () -> Void in
                    calls.add()
                    // Wherever the end is, this is near it.
                    if calls.total % 64 == 0 { _ = use(hostKibibytes) }
                }
                let instance = try linker.instantiate(
                    Module(engine, text: text), in: Store(engine, limits: limits))
                try instance.function("deep", as: ((Int32) -> Void).self)(0)
            } catch {
                end.error.withLock { $0 = error }
            }
        }
        return end.error.withLock { $0 } ?? TestError(number: 0)
    }

    @Test(arguments: [
        (512, 140, 1 << 20), (1024, 300, 1 << 20), (2048, 700, 16 << 20), (384, 100, 1 << 20),
    ])
    func hostFunctionsHaveHalfOfTheStack(_ thread: Int, _ host: Int, _ guests: Int) async {
        let end = Self.end(
            threadKibibytes: thread, hostKibibytes: host, Limits(stackBytes: guests))
        #expect((end as? Trap)?.code == .stackExhausted)
    }

    @Test func moreIsKeptIfTheHostWantsIt() {
        let limits = Limits(stackBytes: 16 << 20, hostStackBytes: 3 << 20)
        let end = Self.end(threadKibibytes: 4096, hostKibibytes: 2900, limits)
        #expect((end as? Trap)?.code == .stackExhausted)
    }

    @Test func threadsThatAreTooSmallAreToldApart() async {
        // The system gives a thread the larger stack of another one that has ended.
        await #expect(processExitsWith: .success) {
            let limits = Limits(hostStackBytes: 1 << 20)
            let end = HostStackTests.end(threadKibibytes: 512, hostKibibytes: 1, limits)
            #expect(end is ResourceError)
            #expect("\(end)".hasPrefix("the thread's stack is too small: "))
        }
    }

    // MARK: Calls

    /// Calls a function of the host at each depth, with as many arguments and results as there may
    /// be, from a function with a small frame.
    private static func widest(tailCall: Bool) -> String {
        let types = String(repeating: " v128", count: 1000)
        let arguments = String(repeating: " (local.get 0)", count: 1000)
        let body =
            tailCall
            ? "(func $wide (param v128) (result\(types)) (return_call $f\(arguments)))"
            : "(func $wide (param v128) (result\(types)) (call $f\(arguments)))"
        return """
            (module (import "host" "f" (func $f (param\(types)) (result\(types))))
              \(body)
              (func $drop (param v128) (call $wide (local.get 0))
                \(String(repeating: "(drop)", count: 1000)))
              (func $deep (export "deep") (param i32)
                (call $drop (v128.const i64x2 0 0))
                (call $deep (i32.add (local.get 0) (i32.const 1)))))
            """
    }

    /// What a call takes for arguments and results is none of the host's stack.
    @Test(arguments: [Engine.Compiler.baseline, .optimizing], [false, true])
    func callsTakeNothingOfTheHosts(_ compiler: Engine.Compiler, _ isTailCall: Bool) throws {
        final class Least: Sendable { let bytes = SystemMutex(UInt.max) }
        let least = Least()
        let calls = Counter()
        let host = 256 << 10
        var configuration = Engine.Configuration()
        configuration.compiler = compiler
        configuration.limits = Limits(stackBytes: 16 << 20, hostStackBytes: host)
        let module = try Module(Engine(configuration), text: Self.widest(tailCall: isTailCall))
        runOnThread(stackBytes: 512 << 10) {
            do {
                let store = Store(module.engine)
                let types = Array(repeating: ValueType.v128, count: 1000)
                let reference = try store.runtime.makeHostFunction(
                    FunctionType(types, types)
                ) { _ in
                    calls.add()
                    // SAFETY: the record is the thread's own.
                    let left = unsafe apus_stack_address() - apus_thread_record().pointee.stack_low
                    least.bytes.withLock { $0 = min($0, left) }
                }
                var linker = Linker(module.engine)
                linker.define("host", "f", try Function(reference, in: store))
                let deep = try linker.instantiate(module, in: store)
                    .function("deep", as: ((Int32) -> Void).self)
                #expect(trap { try deep(0) }?.code == .stackExhausted)
            } catch {
                Issue.record(error)
            }
        }
        #expect(calls.total > 2)
        // But for a frame of 8 KiB and what Swift takes until it gets there.
        #expect(least.bytes.withLock { $0 } > UInt(host - (12 << 10)))
    }
}
