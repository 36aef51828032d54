// What a program writes is read while it runs; when nobody reads, it waits.
// To be run from the package's folder.

import Apus
import ApusWASI

let output = StreamedOutput(byteLimit: 4096)
var wasi = WASI()
wasi.arguments = ["mandelbrot", "40", "50"]
wasi.standardOutput = .stream(output)

let engine = Engine()
let module = try Module(engine, contentsOf: "Examples/programs/mandelbrot.wasm")
let program = Task.detached { [wasi] in
    try wasi.run(module, in: Store(engine, limits: Limits(deadline: .seconds(10))))
}
var lines = 0
for await piece in output {
    lines += piece.count { $0 == UInt8(ascii: "\n") }
}
print(lines, "lines, status", try await program.value)
