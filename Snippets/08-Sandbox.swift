// A guest with all that it needs, called with values of Swift's.

import Apus
import ApusSandbox

let plugin = """
    (module
      (memory (export "memory") 1)
      (global $top (mut i32) (i32.const 1024))
      (func $malloc (export "malloc") (param i32) (result i32)
        (global.get $top)
        (global.set $top (i32.add (global.get $top) (local.get 0))))
      (func (export "add") (param i32 i32) (result i32)
        (i32.add (local.get 0) (local.get 1)))
      (func (export "twice") (param $start i32) (param $count i32) (result i32 i32)
        (local $copy i32)
        (local.set $copy (call $malloc (i32.shl (local.get $count) (i32.const 1))))
        (memory.copy (local.get $copy) (local.get $start) (local.get $count))
        (memory.copy (i32.add (local.get $copy) (local.get $count)) (local.get $start)
          (local.get $count))
        (local.get $copy)
        (i32.shl (local.get $count) (i32.const 1))))
    """
let engine = Engine()
let sandbox = Sandbox(try Module(engine, text: plugin))
print(try await sandbox.call("add", 1, 2, as: Int.self))
print(try await sandbox.call("twice", "echo ", as: String.self))

try Module(engine, text: plugin).serialize(to: "/tmp/plugin.apus")
let precompiled = try Sandbox(precompiledAt: "/tmp/plugin.apus")
print(try await precompiled.call("add", 3, 4, as: Int.self))
