;; Tail calls of an import, through a table and by reference; the second one lies within clauses
;; that it leaves.
(module
  (type $f (func (param i64)))
  (import "m" "f" (func $import (type $f)))
  (table 4 4 funcref)
  (func (type $f) (return_call $import (local.get 0)))
  (func (type $f)
    (block $caught
      (try_table (catch_all $caught)
        (return_call_indirect (type $f) (local.get 0) (i32.const 1)))
      (unreachable)))
  (func (param (ref null $f)) (return_call_ref $f (i64.const 1) (local.get 0))))
;; functions
;; function 1
;; function (i64) -> ()
;;   v1: i64 = context
;;   v2: i64 = constant 64
;; block0(v0: i64):
;;   v3: i64 = add v1, v2
;;   tailCallFar.0 v3(v0) @3
;; function 2
;; function (i64) -> ()
;;   v6: i64 = context
;;   v9: i64 = constant 8
;; block0(v0: i64):
;;   v7: i64 = load.full.tableRecord v6, none, 80
;;   v10: i64 = load.full.table v7, v9, 0
;;   v11: i32 = load.full.constant.trap5 v10, none, 16 @12
;;   v12: i32 = load.full.constant v6, none, 96
;;   v13: i32 = compare.notEqual v12, v11
;;   trapIf.6 v13 @12
;;   tailCallFar.0 v10(v0) @12
;; function 3
;; function (ref) -> ()
;;   v1: i64 = constant 1
;; block0(v0: ref):
;;   v2: i64 = bitcast v0
;;   tailCallFar.15 v2(v1) @5
