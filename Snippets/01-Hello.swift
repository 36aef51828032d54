// Compiles a module, makes an instance of it and calls a function.

import Apus

// (module (func (export "add") (param i32 i32) (result i32)
//   (i32.add (local.get 0) (local.get 1))))
let bytes: [UInt8] = [
    0x00, 0x61, 0x73, 0x6D, 0x01, 0x00, 0x00, 0x00,  // \0asm, version 1
    0x01, 0x07, 0x01, 0x60, 0x02, 0x7F, 0x7F, 0x01, 0x7F,  // types: [i32 i32] -> [i32]
    0x03, 0x02, 0x01, 0x00,  // functions: one, of type 0
    0x07, 0x07, 0x01, 0x03, 0x61, 0x64, 0x64, 0x00, 0x00,  // exports: "add", function 0
    0x0A, 0x09, 0x01, 0x07, 0x00, 0x20, 0x00, 0x20, 0x01, 0x6A, 0x0B,  // code
]

let engine = Engine()
let module = try Module(engine, bytes: bytes)
let instance = try Instance(Store(engine), module)
let add = try instance.function("add", as: ((Int32, Int32) -> Int32).self)  // checked once, here
print(try add(2, 3))
