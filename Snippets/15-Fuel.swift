// A guest that stops always at the same instruction, and one that never takes more than a share of
// its thread.

import Apus

var configuration = Engine.Configuration()
configuration.isFuelMetered = true
let engine = Engine(configuration)
let module = try Module(
    engine,
    text: """
        (module
          (func (export "count") (result i32)
            (local $count i32)
            (loop $again
              (local.set $count (i32.add (local.get $count) (i32.const 1)))
              (br $again))
            (local.get $count)))
        """)
let store = Store(engine, limits: Limits(fuel: 1_000_000))
do {
    _ = try Instance(store, module).function("count", as: (() -> Int32).self)()
} catch let trap as Trap where trap.code == .outOfFuel {
    print(trap)
}
store.fuel = 500_000  // the next call has this much
