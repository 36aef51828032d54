// A function of the host that the guest calls: its Swift types are its WebAssembly type.

import Apus

let engine = Engine()
let module = try Module(
    engine,
    text: """
        (module
          (import "env" "log" (func $log (param i32 i32)))
          (memory (export "memory") 1)
          (data (i32.const 8) "hello from the guest")
          (func (export "main") (call $log (i32.const 8) (i32.const 20))))
        """)
var linker = Linker(engine)
linker.define("env", "log") { (caller, start: Int32, count: Int32) in
    print(try caller.memory.string(at: start, count: count))
}
let instance = try linker.instantiate(module, in: Store(engine))
try instance.function("main", as: (() -> Void).self)()
