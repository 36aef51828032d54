;; The second version: the same, but it doubles what it is told. It understands the state of the
;; first one.
(module
  (import "host" "say" (func $say (param i32)))
  (memory (export "memory") 1)
  (global $sum (mut i32) (i32.const 0))
  (func (export "handle") (param $amount i32)
    (global.set $sum
      (i32.add (global.get $sum) (i32.mul (local.get $amount) (i32.const 2))))
    (call $say (global.get $sum)))
  (func (export "save") (result i32 i32)
    (i32.store (i32.const 16) (global.get $sum))
    (i32.const 16) (i32.const 4))
  (func (export "allocate") (param i32) (result i32) (i32.const 16))
  (func (export "restore") (param $start i32) (param $count i32)
    (global.set $sum (i32.load (local.get $start)))))
