// A guest that waits for the host without a thread.

import Apus

let engine = Engine()
var linker = Linker(engine)
linker.define("env", "pause") { (_, milliseconds: Int32) async throws in
    try await Task.sleep(for: .milliseconds(milliseconds))
}
let module = try Module(
    engine,
    text: """
        (module
          (import "env" "pause" (func $pause (param i32)))
          (func (export "nap") (param i32) (result i32)
            (call $pause (local.get 0))
            (local.get 0)))
        """)
let nap = try linker.instantiate(module, in: Store(engine))
    .function("nap", as: ((Int32) -> Int32).self)
print(try await nap.callAsync(20))
