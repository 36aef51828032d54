import Apus
import ApusTestSupport
import Foundation
import Synchronization
import Testing

/// Traps of all kinds, after which the process is as it was. `APUS_TRAPS` is how many.
@Suite struct TrapLeakTests {
    /// An object that guests hold, and how many there are.
    final class Held: Sendable {
        static let living = Atomic(0)
        init() { Self.living.add(1, ordering: .relaxed) }
        deinit { Self.living.subtract(1, ordering: .relaxed) }
    }

    struct Failure: Error {}

    private static let text = """
        (module
          (import "host" "fail" (func $fail (param externref)))
          (import "host" "enter" (func $enter (param externref)))
          (memory 1) (table 2 funcref) (type $none (func))
          (func (export "unreachable") (param externref) unreachable)
          (func (export "divide") (param externref)
            (drop (i32.div_s (i32.const 1) (i32.const 0))))
          (func (export "load") (param externref) (drop (i32.load (i32.const -1))))
          (func (export "convert") (param externref) (drop (i32.trunc_f32_s (f32.const nan))))
          (func (export "call") (param externref) (call_indirect (type $none) (i32.const 0)))
          (func (export "table") (param externref) (drop (table.get 0 (i32.const 2))))
          (func (export "fail") (param externref) (call $fail (local.get 0)))
          (func (export "enter") (param externref) (call $enter (local.get 0)))
          (func $deep (export "deep") (param externref) (call $deep (local.get 0))))
        """

    /// In a process of its own, whose memory is nobody else's.
    @Test func leaveNothingBehind() async {
        await #expect(processExitsWith: .success) {
            let count = TestEnvironment.number("APUS_TRAPS", standard: 10_000)
            let growth = try Self.trap(count)
            precondition(growth < 1 << 20, "\(growth) bytes more")
            precondition(Held.living.load(ordering: .relaxed) == 0, "objects stay alive")
        }
    }

    /// Traps `count` times, each time for another reason, through the host and back, each time with
    /// an object in the guest's hands. Returns by how many bytes the process has grown after the
    /// first tenth: some 400 kB whatever the count, for pages that `malloc` takes later.
    private static func trap(_ count: Int) throws -> Int {
        var configuration = Engine.Configuration()
        // Nothing is compiled, and takes memory for that, while traps are counted.
        configuration.compiler = .optimizing
        let engine = Engine(configuration)
        let store = Store(engine)
        var linker = Linker(engine)
        let left = Counter()
        linker.define("host", "fail") { (_: ExternReference?) in
            defer { left.number.add(1, ordering: .relaxed) }
            throw Failure()
        }
        linker.define("host", "enter") { (caller, object: ExternReference?) in
            defer { left.number.add(1, ordering: .relaxed) }
            let inner = try caller.instance?.function("unreachable")
            _ = try inner?.call(.external(object))
        }
        let instance = try linker.instantiate(Module(engine, text: text), in: store)
        let names = ["unreachable", "divide", "load", "convert", "call", "table", "fail", "enter"]
        let functions = try names.map { try instance.function($0) }
        let deep = try instance.function("deep")
        var before = 0
        // The first of each kind may take memory that stays.
        for round in 0..<10 {
            if round == 1 { before = try residentBytes() }
            for _ in 0..<count / 80 {
                for function in functions { try expectFailure(of: function) }
            }
            for _ in 0..<count / 5000 { try expectFailure(of: deep) }
        }
        precondition(left.number.load(ordering: .relaxed) == count / 80 * 20)
        return try residentBytes() - before
    }

    private static func expectFailure(of function: Function) throws {
        do {
            _ = try function.call(.external(ExternReference(Held())))
            preconditionFailure("no trap")
        } catch is Trap {
        } catch is Failure {
        }
    }

    private final class Counter: Sendable {
        let number = Atomic(0)
    }

    private static func residentBytes() throws -> Int {
        let words = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8)
            .split(separator: " ")
        return (Int(words[1]) ?? 0) * 4096
    }
}
