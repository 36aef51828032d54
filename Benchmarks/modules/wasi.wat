;; What the WASI costs: `copy` takes input to output in pieces of so many bytes until it ends,
;; `time` asks for the time so many times.
;;
;; The number is the program's last argument; the first letter of the one before says which.
(module
  (import "wasi_snapshot_preview1" "args_get" (func $args_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_sizes_get"
    (func $args_sizes_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read"
    (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write"
    (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "clock_time_get"
    (func $clock_time_get (param i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 32)

  ;; Ends the program if `error` is not 0.
  (func $check (param $error i32)
    (if (local.get $error) (then (call $proc_exit (local.get $error)))))

  ;; The decimal number at `text`.
  (func $number (param $text i32) (result i32)
    (local $number i32) (local $digit i32)
    (loop $next
      (local.set $digit (i32.load8_u (local.get $text)))
      (if (local.get $digit)
        (then
          (local.set $number
            (i32.add (i32.mul (local.get $number) (i32.const 10))
              (i32.sub (local.get $digit) (i32.const 48))))
          (local.set $text (i32.add (local.get $text) (i32.const 1)))
          (br $next))))
    (local.get $number))

  (func $copy (param $size i32)
    (local $left i32)
    (if (i32.gt_u (local.get $size) (i32.const 0x100000)) (then (call $proc_exit (i32.const 64))))
    (loop $pieces
      (i32.store (i32.const 0) (i32.const 65536))
      (i32.store (i32.const 4) (local.get $size))
      (call $check
        (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
      (local.set $left (i32.load (i32.const 8)))
      (if (i32.eqz (local.get $left)) (then (return)))
      (loop $rest
        (i32.store (i32.const 4) (local.get $left))
        (call $check
          (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
        (i32.store (i32.const 0)
          (i32.add (i32.load (i32.const 0)) (i32.load (i32.const 8))))
        (local.set $left (i32.sub (local.get $left) (i32.load (i32.const 8))))
        (br_if $rest (local.get $left)))
      (br $pieces)))

  (func $time (param $count i32)
    (local $last i64)
    (loop $next
      (call $check
        (call $clock_time_get (i32.const 1) (i64.const 1) (i32.const 0)))
      (if (i64.lt_u (i64.load (i32.const 0)) (local.get $last)) (then unreachable))
      (local.set $last (i64.load (i32.const 0)))
      (local.set $count (i32.sub (local.get $count) (i32.const 1)))
      (br_if $next (local.get $count))))

  (func (export "_start")
    (local $argument i32) (local $number i32)
    (call $check (call $args_sizes_get (i32.const 0) (i32.const 4)))
    (if (i32.ne (i32.load (i32.const 0)) (i32.const 3)) (then (call $proc_exit (i32.const 64))))
    (call $check (call $args_get (i32.const 16) (i32.const 1024)))
    (local.set $argument (i32.load (i32.const 20)))
    (local.set $number (call $number (i32.load (i32.const 24))))
    (if (i32.eqz (local.get $number)) (then (call $proc_exit (i32.const 64))))
    (if (i32.eq (i32.load8_u (local.get $argument)) (i32.const 116))
      (then (call $time (local.get $number)))
      (else (call $copy (local.get $number))))))
