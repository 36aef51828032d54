;; Constants are folded, equal values are made once, and what a load has read or a store has
;; written is not loaded again.
(module
  (memory 1)
  (func (param i32 i32) (result i32)
    (i32.mul (i32.add (i32.const 2) (i32.const 3)) (i32.add (local.get 0) (i32.const 0))))
  (func (param i32 i32) (result i32)
    (i32.xor
      (i32.mul (i32.add (local.get 0) (local.get 1)) (i32.const 8))
      (i32.add (local.get 1) (local.get 0))))
  (func (param i32 i32) (result i32)
    (i32.store (local.get 0) (local.get 1))
    (i32.add (i32.load (local.get 0)) (i32.load offset=4 (local.get 0)))
    (i32.load offset=4 (local.get 0))
    i32.add))
;; functions
;; function 0
;; function (i32, i32) -> (i32)
;;   v4: i32 = constant 5
;; block0(v0: i32, v1: i32):
;;   v6: i32 = multiply v0, v4
;;   return (v6)
;; function 1
;; function (i32, i32) -> (i32)
;;   v4: i32 = constant 3
;; block0(v0: i32, v1: i32):
;;   v2: i32 = add v0, v1
;;   v5: i32 = shiftLeft v2, v4
;;   v6: i32 = add v1, v0
;;   v7: i32 = xor v5, v6
;;   return (v7)
;; function 2
;; function (i32, i32) -> (i32)
;;   v2: i64 = context
;; block0(v0: i32, v1: i32):
;;   v3: i64 = load.full.constant v2, none, 8
;;   store.full.memory.trap2 v3, v0, 0, v1 @5
;;   v5: i32 = load.full.memory.trap2 v3, v0, 4 @15
;;   v6: i32 = add v1, v5
;;   v7: i32 = add v6, v5
;;   return (v7)
