;; Vectors go to the runtime by their addresses.
(module
  (type $a (array (mut v128)))
  (func (param v128 i32) (result (ref $a)) (array.new $a (local.get 0) (local.get 1)))
  (func (param (ref $a) v128)
    (array.fill $a (local.get 0) (i32.const 1) (local.get 1) (i32.const 2)))
  (func (param v128) (result (ref $a)) (array.new_fixed $a 2 (local.get 0) (local.get 0))))
;; functions
;; function 0
;; function (v128, i32) -> (ref)
;;   v2: i32 = constant 64
;; block0(v0: v128, v1: i32):
;;   v3: ref = callRuntime.17 (v2, v0, v1) @5
;;   return (v3)
;; function 1
;; function (ref, v128) -> ()
;;   v2: i32 = constant 1
;;   v3: i32 = constant 2
;; block0(v0: ref, v1: v128):
;;   callRuntime.21 (v0, v2, v1, v3) @9
;;   return ()
;; function 2
;; function (v128) -> (ref)
;;   v1: i64 = constant 48
;;   v2: i32 = constant 2
;;   v3: i32 = constant 64
;; block0(v0: v128):
;;   v4: ref = allocate v1, v3, v2 @5
;;   v5: i64 = bitcast v4
;;   store.full.element v5, none, 8, v0
;;   store.full.element v5, none, 24, v0
;;   return (v4)
