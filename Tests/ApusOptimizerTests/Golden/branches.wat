;; Labels further down get a parameter for what differs; conditions that are constants are no
;; branches.
(module
  (func (param i32) (result i32)
    (if (result i32) (local.get 0)
      (then (i32.const 7))
      (else (local.set 0 (i32.const 8)) (local.get 0))))
  (func (param i32) (result i32)
    (block $out (result i32)
      (br_if $out (i32.const 1) (i32.const 1))
      (drop)
      (unreachable)))
  (func (param i32) (result i32)
    (block $c
      (block $b
        (block $a (br_table $a $b $c (local.get 0)))
        (return (i32.const 10)))
      (return (i32.const 11)))
    (i32.const 12)))
;; functions
;; function 0
;; function (i32) -> (i32)
;;   v2: i32 = constant 7
;;   v4: i32 = constant 8
;; block0(v0: i32):
;;   branch v0, block1(), block2()
;; block1():
;;   jump block3(v2, v0)
;; block2():
;;   jump block3(v4, v4)
;; block3(v6: i32, v7: i32):
;;   return (v6)
;; improved
;; function (i32) -> (i32)
;;   v2: i32 = constant 7
;;   v4: i32 = constant 8
;; block0(v0: i32):
;;   v9: i32 = select v0, v2, v4
;;   jump block1(v9)
;; block1(v6: i32):
;;   return (v6)
;; function 1
;; function (i32) -> (i32)
;;   v1: i32 = constant 1
;; block0(v0: i32):
;;   jump block1()
;; block1():
;;   return (v1)
;; function 2
;; function (i32) -> (i32)
;;   v2: i32 = constant 10
;;   v4: i32 = constant 11
;;   v6: i32 = constant 12
;; block0(v0: i32):
;;   branchTable v0, [block1(), block2(), block3()]
;; block1():
;;   return (v2)
;; block2():
;;   return (v4)
;; block3():
;;   return (v6)
