// A guest that wants more than it may have.

import Apus

let engine = Engine()
let text = """
    (module (memory 1)
      (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
      (func (export "run") (loop $again (br $again))))
    """
let module = try Module(engine, text: text)
let store = Store(engine, limits: Limits(memoryBytes: 64 << 20, deadline: .milliseconds(50)))
let instance = try Instance(store, module)
let grow = try instance.function("grow", as: ((Int32) -> Int32).self)
print(try grow(100), try grow(1000))  // 1, the pages there were, and -1, since it may not
do {
    try instance.function("run", as: (() -> Void).self)()
} catch let trap as Trap where trap.code == .interrupted {
    print(trap)
}
print(store.statistics.peakMemoryBytes, "bytes of memory,", store.statistics.traps, "trap")
