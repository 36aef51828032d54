// A guest is stopped from elsewhere: by a handle, and with its task.

import Apus

let engine = Engine()
let module = try Module(
    engine, text: #"(module (func (export "run") (loop $again (br $again))))"#)

let store = Store(engine)
let handle = store.interruptHandle  // for any thread
Task.detached {
    try await Task.sleep(for: .milliseconds(50))
    handle.interrupt()
}
do {
    try Instance(store, module).function("run", as: (() -> Void).self)()
} catch let trap as Trap where trap.code == .interrupted {
    print(trap.message ?? "")
}

let task = Task.detached {
    let run = try Instance(Store(engine), module).function("run", as: (() -> Void).self)
    try await run.callAsync()
}
try await Task.sleep(for: .milliseconds(50))
task.cancel()
do {
    try await task.value
} catch is CancellationError {
    print("cancelled")
}
