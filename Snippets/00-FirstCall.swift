// A guest that calls a function of the host, in a dozen lines.

import Apus

let engine = Engine()
let module = try Module(
    engine,
    text: """
        (module
          (import "env" "log" (func $log (param i32)))
          (func (export "main") (call $log (i32.const 42))))
        """)
var linker = Linker(engine)
linker.define("env", "log") { (number: Int32) in print("the guest says", number) }
try linker.instantiate(module, in: Store(engine)).function("main", as: (() -> Void).self)()
