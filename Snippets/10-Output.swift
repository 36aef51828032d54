// A WASI program whose files, input and output are all in memory.
// To be run from the package's folder.

import Apus
import ApusWASI

let files = MemoryFileSystem()
try files.write(Array("the cat and the hat".utf8), to: "/story.txt")

let output = CapturedOutput(byteLimit: 1 << 16)
var wasi = WASI()
wasi.arguments = ["words", "/data/story.txt"]
wasi.preopen("/data", files, access: .readOnly)
wasi.standardInput = .bytes(Array("nothing to read here".utf8))
wasi.standardOutput = .capture(output)
wasi.standardError = .handler { bytes in print(String(decoding: bytes, as: UTF8.self)) }
wasi.capabilities.remove([.sockets, .threads])  // who imports these is refused

let engine = Engine()
let module = try Module(engine, contentsOf: "Examples/programs/words.wasm")
let status = try wasi.run(module, in: Store(engine, limits: Limits(deadline: .seconds(5))))
print(output.string, "status", status)
