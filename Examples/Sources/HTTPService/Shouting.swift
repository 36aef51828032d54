import Apus
import ApusSandbox
import Hummingbird

/// Answers each request with what a guest makes of its body: an instance for each, with memory that
/// no other request has seen.
struct Shouting: Sendable {
    private let instances: InstancePool

    init(instances count: Int = 64) throws {
        var configuration = Engine.Configuration()
        configuration.allocator = .pooling(.init(instances: count, memoryBytes: 1 << 20))
        let engine = Engine(configuration)
        let module = try Module(engine, text: Self.guest)
        instances = InstancePool(
            try Linker(engine).prepare(module),
            limits: Limits(memoryBytes: 1 << 20, deadline: .milliseconds(50)))
    }

    func router() -> Router<BasicRequestContext> {
        let router = Router()
        router.post("shout") { request, _ in
            let body = try await request.body.collect(upTo: 32 << 10)
            let answer = try await shout(Array(body.readableBytesView))
            return Response(
                status: .ok, headers: [.contentType: "text/plain; charset=utf-8"],
                body: .init(byteBuffer: ByteBuffer(bytes: answer)))
        }
        return router
    }

    private func shout(_ body: [UInt8]) async throws -> [UInt8] {
        try await instances.withInstance { instance in
            try instance.memory.write(body, at: 0)
            let shout = try instance.function("shout", as: ((Int32) -> Void).self)
            try await shout.callAsync(Int32(body.count))
            return try instance.memory.read(at: 0, count: body.count)
        }
    }

    /// Makes capital letters of small ones, in place.
    private static let guest = """
        (module
          (memory (export "memory") 1)
          (func (export "shout") (param $count i32)
            (local $letter i32)
            (block $done
              (loop $next
                (br_if $done (i32.eqz (local.get $count)))
                (local.set $count (i32.sub (local.get $count) (i32.const 1)))
                (local.set $letter (i32.load8_u (local.get $count)))
                (if (i32.lt_u (i32.sub (local.get $letter) (i32.const 97)) (i32.const 26))
                  (then
                    (i32.store8 (local.get $count)
                      (i32.sub (local.get $letter) (i32.const 32)))))
                (br $next)))))
        """
}
