// A guest that would run for ever is stopped.

import Apus

let engine = Engine()
let module = try Module(engine, text: #"(module (func (export "run") (loop $again (br $again))))"#)
let store = Store(engine)
store.deadline = .now + .milliseconds(50)  // or store.interruptHandle, from any thread
let run = try Instance(store, module).function("run", as: (() -> Void).self)
do {
    try run()
} catch let trap as Trap where trap.code == .interrupted {
    print(trap)
}
