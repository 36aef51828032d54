// What goes wrong, and what is said of it.

import Apus

struct Denied: Error {}

let engine = Engine()
do {
    _ = try Module(engine, text: "(module (func (result i32) (i64.const 1)))")
} catch let error as ModuleError {
    print("not a module:", error)
}

let module = try Module(
    engine,
    text: """
        (module
          (import "env" "ask" (func $ask))
          (func $divide (export "divide") (param i32 i32) (result i32)
            (i32.div_s (local.get 0) (local.get 1)))
          (func (export "ask") (call $ask)))
        """)
do {
    _ = try Linker(engine).prepare(module)
} catch let error as LinkError {
    print("not linked:", error)
}

var linker = Linker(engine)
linker.define("env", "ask") { () throws in throw Denied() }
let instance = try linker.instantiate(module, in: Store(engine))
do {
    _ = try instance.function("divide", as: ((Int32) -> Int32).self)
} catch let error as ExportError {
    print("not called:", error)
}
do {
    _ = try instance.function("divide", as: ((Int32, Int32) -> Int32).self)(1, 0)
} catch let trap as Trap where trap.code == .integerDivideByZero {
    print("trapped:", trap)
    print("in", trap.backtrace.first?.name ?? "?")
}
do {
    try instance.function("ask", as: (() -> Void).self)()
} catch is Denied {  // errors of the host's come back as they were thrown
    print("denied, at", instance.store.lastBacktrace.first?.description ?? "?")
}
