// Compiles a module, makes an instance of it and calls a function.

import Apus

let engine = Engine()
let module = try Module(
    engine,
    text: """
        (module
          (func (export "add") (param i32 i32) (result i32)
            (i32.add (local.get 0) (local.get 1))))
        """)
let instance = try Instance(Store(engine), module)
let add = try instance.function("add", as: ((Int32, Int32) -> Int32).self)  // checked once, here
print(try add(2, 3))
