// Functions with several results, in both directions, and functions that Swift makes for a guest.

import Apus

let engine = Engine()
let module = try Module(
    engine,
    text: """
        (module
          (import "env" "split" (func $split (param i32) (result i32 i32)))
          (table $table 1 funcref)
          (type $unary (func (param i32) (result i32)))
          (func (export "halves") (param i32) (result i32 i32) (call $split (local.get 0)))
          (func (export "apply") (param $function funcref) (param i32) (result i32)
            (table.set $table (i32.const 0) (local.get $function))
            (call_indirect $table (type $unary) (local.get 1) (i32.const 0))))
        """)
var linker = Linker(engine)
linker.define("env", "split") { (number: Int32) -> (Int32, Int32) in
    (number / 2, number - number / 2)
}
let store = Store(engine)
let instance = try linker.instantiate(module, in: store)
let halves = try instance.function("halves", as: ((Int32) -> (Int32, Int32)).self)
print(try halves(7))

let double = try Function(store) { (number: Int32) -> Int32 in number * 2 }
let apply = try instance.function("apply", as: ((Function?, Int32) -> Int32).self)
print(try apply(double, 21))

// Types that are known only at run time:
print(try instance.function("halves").call(.i32(9)))
