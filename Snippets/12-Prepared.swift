// A module is linked once, and instantiated for each request with a state of its own.

import Apus

final class Request {
    var log: [String] = []
}

var configuration = Engine.Configuration()
configuration.allocator = .pooling(.init(instances: 100, memoryBytes: 16 << 20))
let engine = Engine(configuration)

var definitions = Linker(engine)
definitions.define("env", "log") { (caller, start: Int32, count: Int32) in
    let request = try caller.state(as: Request.self)
    request.log.append(try caller.memory.string(at: start, count: count))
}
let linker = try definitions.shared()  // for any thread, and any module
let module = try Module(
    engine,
    text: """
        (module
          (import "env" "log" (func $log (param i32 i32)))
          (memory (export "memory") 1)
          (data (i32.const 8) "handled")
          (func (export "handle") (call $log (i32.const 8) (i32.const 7))))
        """)
let prepared = try linker.prepare(module)  // all its imports are looked up here

@Sendable func respond(_ number: Int) throws -> String {
    let request = Request()
    let store = Store(engine, limits: Limits(memoryBytes: 16 << 20, deadline: .seconds(1)))
    let instance = try prepared.instantiate(in: store, hostState: request)
    try instance.function("handle", as: (() -> Void).self)()
    return "\(number): \(request.log)"
}

try await withThrowingTaskGroup(of: String.self) { group in
    for number in 0..<3 { group.addTask { try respond(number) } }
    for try await line in group { print(line) }
}
