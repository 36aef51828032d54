;; Calls within the module, through a table, and tail calls; a division that can trap stays even if
;; nobody needs it.
(module
  (type $unary (func (param i32) (result i32)))
  (table 4 4 funcref)
  (global $count (mut i64) (i64.const 0))
  (func $leaf (type $unary)
    (global.set $count (i64.add (global.get $count) (i64.const 1)))
    (drop (i32.div_s (local.get 0) (i32.const 0)))
    (local.get 0))
  (func (param i32) (result i32)
    (i32.add (call $leaf (local.get 0)) (call_indirect (type $unary) (i32.const 3) (local.get 0))))
  (func (param i32) (result i32)
    (return_call $leaf (local.get 0))))
;; functions
;; function 0
;; function (i32) -> (i32)
;;   v1: i64 = context
;;   v3: i64 = constant 1
;;   v6: i32 = constant 0
;; block0(v0: i32):
;;   v2: i64 = load.full.global v1, none, 80
;;   v4: i64 = add v2, v3
;;   store.full.global v1, none, 80, v4
;;   v7: i32 = divideSigned v0, v6 @12
;;   return (v0)
;; function 1
;; function (i32) -> (i32)
;;   v2: i32 = constant 3
;;   v4: i64 = constant 4
;;   v7: i64 = constant 0
;;   v9: i64 = context
;;   v11: i64 = constant 3
;; block0(v0: i32):
;;   v1: i32 = call 0(v0) @3
;;   v3: i64 = extendUnsigned v0
;;   v5: i32 = compare.greaterOrEqualUnsigned v3, v4
;;   trapIf.4 v5 @9
;;   v8: i64 = select v5, v7, v3
;;   v10: i64 = load.full.tableRecord v9, none, 64
;;   v12: i64 = shiftLeft v8, v11
;;   v13: i64 = load.full.table v10, v12, 0
;;   v14: i32 = load.full.constant.trap5 v13, none, 16 @9
;;   v15: i32 = load.full.constant v9, none, 96
;;   v16: i32 = compare.notEqual v15, v14
;;   trapIf.6 v16 @9
;;   v18: i32 = callFar.0 v13(v2) @9
;;   v19: i32 = add v1, v18
;;   return (v19)
;; function 2
;; function (i32) -> (i32)
;; block0(v0: i32):
;;   tailCall 0(v0) @3
