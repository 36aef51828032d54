;; What hints call unlikely is cold: an arm, and the rest of a block after a likely branch.
(module
  (func (param i32) (result i32)
    (@metadata.code.branch_hint "\00")
    (if (i32.eq (local.get 0) (i32.const 7))
      (then (local.set 0 (i32.const 1)))
      (else (local.set 0 (i32.const 2))))
    (block
      (@metadata.code.branch_hint "\01")
      (br_if 0 (local.get 0))
      (local.set 0 (i32.const 3)))
    (local.get 0)))
;; functions
;; function 0
;; function (i32) -> (i32)
;;   v1: i32 = constant 7
;;   v4: i32 = constant 1
;;   v6: i32 = constant 2
;;   v10: i32 = constant 3
;; block0(v0: i32):
;;   v2: i32 = compare.equal v0, v1
;;   branch v2, block1(), block2()
;; block1() cold:
;;   jump block3(v4)
;; block2():
;;   jump block3(v6)
;; block3(v8: i32):
;;   branch v8, block5(v8), block4()
;; block4() cold:
;;   jump block5(v10)
;; block5(v12: i32):
;;   return (v12)
