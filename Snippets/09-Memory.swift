// Texts, bytes and numbers in a guest's memory.

import Apus
import ApusSandbox

let engine = Engine()
let module = try Module(
    engine,
    text: """
        (module
          (memory (export "memory") 1)
          (global $top (mut i32) (i32.const 1024))
          (func (export "allocate") (param $count i32) (result i32)
            (global.get $top)
            (global.set $top (i32.add (global.get $top) (local.get $count))))
          (func (export "first") (param $start i32) (param $count i32) (result i32)
            (i32.load8_u (local.get $start))))
        """)
let instance = try Instance(Store(engine), module)
let memory = try instance.memory

let allocator = try GuestAllocator(of: instance)
let name = try allocator.allocate(utf8: "Ada")  // the guest says where there is room
print(try instance.function("first").call(name.values))
print(try memory.string(at: name.address, count: name.count))
try allocator.release(name)

try memory.store(1.5, at: 64)
print(try memory.load(Double.self, at: 64), memory.byteCount)

try memory.withMutableBytes { bytes in  // in place; no guest of the store can run meanwhile
    bytes.storeBytes(of: 7, toByteOffset: 72, as: UInt8.self)
}
do {
    print(try memory.load(UInt64.self, at: 65_530))
} catch {
    print(error)  // a MemoryError: 8 bytes at 65530 of 65536
}
