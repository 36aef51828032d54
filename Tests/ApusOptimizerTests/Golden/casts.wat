;; What a branch has decided, or a check has let pass, is not asked for again behind it.
(module
  (type $shape (sub (struct (field i32))))
  (type $circle (sub final $shape (struct (field i32) (field i64))))
  (func (param (ref null $shape)) (result i64)
    (block $is (result (ref $circle))
      (br_on_cast $is (ref null $shape) (ref $circle) (local.get 0))
      (drop)
      (return (i64.extend_i32_u (ref.test (ref $circle) (local.get 0)))))
    (drop)
    (struct.get $circle 1 (ref.cast (ref null $circle) (local.get 0))))
  (func (param (ref null $shape)) (result i64)
    (if (result i64) (ref.test (ref $circle) (local.get 0))
      (then (struct.get $circle 1 (ref.cast (ref $circle) (local.get 0))))
      (else (struct.get $circle 1 (ref.cast (ref $circle) (local.get 0))))))
  (func (param (ref null $shape)) (result i32)
    (drop (ref.cast (ref $circle) (local.get 0)))
    (ref.test (ref $circle) (local.get 0))))
;; functions
;; function 0
;; function (ref) -> (i64)
;;   v1: i32 = constant 68
;; block0(v0: ref):
;;   v2: i32 = typeTest.258 v0, v1
;;   branch v2, block2(), block1()
;; block1():
;;   v4: i64 = extendUnsigned v2
;;   return (v4)
;; block2():
;;   v8: i64 = bitcast v0
;;   v9: i64 = load.full.field.trap18 v8, none, 16 @27
;;   return (v9)
;; function 1
;; function (ref) -> (i64)
;;   v1: i32 = constant 68
;;   v4: i32 = constant 0
;;   v9: i32 = constant 0
;; block0(v0: ref):
;;   v2: i32 = typeTest.258 v0, v1
;;   branch v2, block1(), block2()
;; block1():
;;   v5: i32 = compare.equal v2, v4
;;   v6: i64 = bitcast v0
;;   v7: i64 = load.full.field.trap18 v6, none, 16 @13
;;   jump block3()
;; block2() cold:
;;   v10: i32 = compare.equal v2, v9
;;   trap.22 @20
;; block3():
;;   return (v7)
;; improved
;; function (ref) -> (i64)
;;   v1: i32 = constant 68
;; block0(v0: ref):
;;   v2: i32 = typeTest.258 v0, v1
;;   branch v2, block1(), block2()
;; block1():
;;   v6: i64 = bitcast v0
;;   v7: i64 = load.full.field.trap18 v6, none, 16 @13
;;   jump block3()
;; block2() cold:
;;   trap.22 @20
;; block3():
;;   return (v7)
;; function 2
;; function (ref) -> (i32)
;;   v1: i32 = constant 68
;;   v3: i32 = constant 0
;; block0(v0: ref):
;;   v2: i32 = typeTest.258 v0, v1
;;   v4: i32 = compare.equal v2, v3
;;   trapIf.22 v4 @3
;;   return (v2)
