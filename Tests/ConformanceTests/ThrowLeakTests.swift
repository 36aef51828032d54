import Apus
import ApusTestSupport
import Synchronization
import Testing

/// Exceptions of guests and of the host, caught and not, after which the process is as it was.
/// `APUS_TRAPS` is how many.
@Suite struct ThrowLeakTests {
    /// An object that exceptions carry, and how many there are.
    private final class Held: Sendable {
        static let living = Atomic(0)
        init() { Self.living.add(1, ordering: .relaxed) }
        deinit { Self.living.subtract(1, ordering: .relaxed) }
    }

    private static let text = """
        (module
          (import "host" "throw" (func $host (param externref)))
          (tag $tag (export "tag") (param externref))
          (func $guest (export "guest") (param externref) (throw $tag (local.get 0)))
          (func (export "host") (param externref) (call $host (local.get 0)))
          (func (export "caught guest") (param externref) (result externref)
            (block $caught (result externref)
              (try_table (catch $tag $caught) (call $guest (local.get 0)))
              unreachable))
          (func (export "caught host") (param externref) (result externref)
            (block $caught (result externref)
              (try_table (catch $tag $caught) (call $host (local.get 0)))
              unreachable))
          (func (export "rethrown") (param externref)
            (block $caught (result exnref)
              (try_table (catch_all_ref $caught) (call $host (local.get 0)))
              unreachable)
            throw_ref))
        """

    /// In a process of its own, whose objects are nobody else's.
    @Test func leaveNothingBehind() async {
        await #expect(processExitsWith: .success) {
            let count = TestEnvironment.number("APUS_TRAPS", standard: 20_000)
            for compiler in [Engine.Compiler.baseline, .optimizing] {
                try Self.throwExceptions(count, compiler)
                precondition(Held.living.load(ordering: .relaxed) == 0, "objects stay alive")
            }
        }
    }

    /// Throws `count` times, in turn caught by nobody and by a guest, each time with an object.
    private static func throwExceptions(_ count: Int, _ compiler: Engine.Compiler) throws {
        var configuration = Engine.Configuration()
        configuration.compiler = compiler
        let engine = Engine(configuration)
        let store = Store(engine)
        var linker = Linker(engine)
        linker.define("host", "throw") { (caller, object: ExternReference?) in
            guard let tag = try caller.instance?.tag("tag") else { return }
            throw try WasmException(tag, [.external(object)])
        }
        let instance = try linker.instantiate(Module(engine, text: text), in: store)
        let names = ["guest", "host", "rethrown", "caught guest", "caught host"]
        let functions = try names.map { ($0, try instance.function($0)) }
        var thrown = 0
        for _ in 0..<count / names.count {
            for (name, function) in functions {
                do {
                    _ = try function.call(.external(ExternReference(Held())))
                    precondition(name.hasPrefix("caught"), "\(name) throws nothing")
                } catch is WasmException {
                    precondition(!name.hasPrefix("caught"), "\(name) throws")
                    thrown += 1
                }
            }
        }
        precondition(thrown == count / names.count * 3, "\(thrown) exceptions")
        store.collectObjects()
        let living = Held.living.load(ordering: .relaxed)
        precondition(living == 0, "\(living) objects are alive in the store")
        precondition(
            store.statistics.heapBytes == 0, "\(store.statistics.heapBytes) bytes are taken")
    }
}
