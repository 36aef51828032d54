// A program that takes no thread while it sleeps.

import Apus
import ApusWASI

let engine = Engine()
let module = try Module(
    engine,
    text: """
        (module
          (import "wasi_snapshot_preview1" "poll_oneoff"
            (func $poll (param i32 i32 i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
          (memory (export "memory") 1)
          (func (export "_start")  ;; sleeps for 20 ms, and exits with 3
            (i32.store (i32.const 16) (i32.const 1))
            (i64.store (i32.const 24) (i64.const 20_000_000))
            (drop (call $poll (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 128)))
            (call $exit (i32.const 3))))
        """)
var wasi = WASI()
wasi.clock = .system

let status = try await wasi.runAsync(module, in: Store(engine))
print("status", status)
