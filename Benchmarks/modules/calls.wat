;; Functions to call, and loops that make the number of calls that their parameter says.
(module
  (type $step (func (param i32) (result i32)))
  (import "env" "h0" (func $hostNothing))
  (import "env" "h" (func $hostStep (type $step)))
  (table funcref (elem $step $step $step $step))

  (func $step (type $step) (i32.add (local.get 0) (i32.const 1)))
  (func (export "nop"))
  (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
  (func (export "stop") (unreachable))

  (func (export "loop_h0") (param $left i32) (result i32)
    (loop $again
      (call $hostNothing)
      (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
    (i32.const 0))
  (func (export "loop_h") (param $left i32) (result i32) (local $value i32)
    (loop $again
      (local.set $value (call $hostStep (local.get $value)))
      (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
    (local.get $value))
  (func (export "loop_direct") (param $left i32) (result i32) (local $value i32)
    (loop $again
      (local.set $value (call $step (local.get $value)))
      (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
    (local.get $value))
  (func (export "loop_indirect") (param $left i32) (result i32) (local $value i32)
    (loop $again
      (local.set $value
        (call_indirect (type $step)
          (local.get $value) (i32.and (local.get $left) (i32.const 3))))
      (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
    (local.get $value)))
