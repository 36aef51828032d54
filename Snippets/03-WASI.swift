// Runs a program that uses WASI: it gets one folder, its arguments and our output, nothing else.
// To be run from the package's folder.

import Apus
import ApusWASI

var wasi = WASI()
wasi.arguments = ["words", "/docs/security.md"]
wasi.preopen("/docs", "docs", access: .readOnly)
wasi.standardOutput = .inherit

let engine = Engine()
let module = try Module(engine, contentsOf: "Examples/programs/words.wasm")
let status = try wasi.run(module, in: Store(engine))
print("status", status)
