;; A loop's header has a parameter for each local that the loop assigns.
(module
  (memory 1)
  (func (param $count i32) (result i32)
    (local $sum i32)
    (loop $next
      (local.set $sum
        (i32.add (local.get $sum) (i32.load offset=8 (local.get $count))))
      (br_if $next
        (local.tee $count (i32.sub (local.get $count) (i32.const 4)))))
    (local.get $sum)))
;; functions
;; function 0
;; function (i32) -> (i32)
;;   v1: i32 = constant 0
;;   v2: i64 = context
;;   v10: i32 = constant -4
;; block0(v0: i32):
;;   v3: i64 = load.full.constant v2, none, 8
;;   jump block1(v0, v1)
;; block1(v5: i32, v6: i32) depth 1:
;;   v7: i32 = load.full.memory.trap2 v3, v5, 8 @9
;;   v8: i32 = add v6, v7
;;   v11: i32 = add v5, v10
;;   branch v11, block1(v11, v8), block2()
;; block2():
;;   return (v8)
