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
;;   v3: i64 = constant 4
;;   v5: i64 = constant 23
;;   v7: i64 = constant -16
;;   v9: i32 = constant 64
;;   v15: i32 = constant 0
;;   v19: i64 = constant 1
;;   v20: i64 = constant -1
;;   v33: i32 = constant 0
;; block0(v0: v128, v1: i32):
;;   v2: i64 = extendUnsigned v1
;;   v4: i64 = shiftLeft v2, v3
;;   v6: i64 = add v4, v5
;;   v8: i64 = and v6, v7
;;   v10: ref = allocate v8, v9, v1 @5
;;   v11: i64 = bitcast v10
;;   v12: i32 = compare.lessOrEqualUnsigned v2, v3
;;   branch v12, block1(), block5()
;; block1():
;;   v16: i32 = compare.notEqual v1, v15
;;   branch v16, block2(), block3()
;; block2():
;;   store.full.element v11, none, 8, v0
;;   v21: i64 = add v2, v20
;;   v22: i64 = shiftLeft v21, v3
;;   store.full.element v11, v22, 8, v0
;;   v24: i64 = shiftRightUnsigned v21, v19
;;   v25: i64 = shiftLeft v24, v3
;;   store.full.element v11, v25, 8, v0
;;   v27: i64 = shiftRightUnsigned v2, v19
;;   v28: i64 = shiftLeft v27, v3
;;   store.full.element v11, v28, 8, v0
;;   jump block4()
;; block3():
;;   jump block4()
;; block4():
;;   jump block6()
;; block5():
;;   callRuntime.21 (v10, v33, v0, v1) @5
;;   jump block6()
;; block6():
;;   return (v10)
;; improved
;; function (v128, i32) -> (ref)
;;   v3: i64 = constant 4
;;   v5: i64 = constant 23
;;   v7: i64 = constant -16
;;   v9: i32 = constant 64
;;   v15: i32 = constant 0
;;   v19: i64 = constant 1
;;   v20: i64 = constant -1
;;   v33: i32 = constant 0
;; block0(v0: v128, v1: i32):
;;   v2: i64 = extendUnsigned v1
;;   v4: i64 = shiftLeft v2, v3
;;   v6: i64 = add v4, v5
;;   v8: i64 = and v6, v7
;;   v10: ref = allocate v8, v9, v1 @5
;;   v12: i32 = compare.lessOrEqualUnsigned v2, v3
;;   branch v12, block1(), block5()
;; block1():
;;   v16: i32 = compare.notEqual v1, v15
;;   branch v16, block2(), block3()
;; block2():
;;   v11: i64 = bitcast v10
;;   store.full.element v11, none, 8, v0
;;   v21: i64 = add v2, v20
;;   v22: i64 = shiftLeft v21, v3
;;   store.full.element v11, v22, 8, v0
;;   v24: i64 = shiftRightUnsigned v21, v19
;;   v25: i64 = shiftLeft v24, v3
;;   store.full.element v11, v25, 8, v0
;;   v27: i64 = shiftRightUnsigned v2, v19
;;   v28: i64 = shiftLeft v27, v3
;;   store.full.element v11, v28, 8, v0
;;   jump block4()
;; block3():
;;   jump block4()
;; block4():
;;   jump block6()
;; block5():
;;   callRuntime.21 (v10, v33, v0, v1) @5
;;   jump block6()
;; block6():
;;   return (v10)
;; function 1
;; function (ref, v128) -> ()
;;   v2: i32 = constant 1
;;   v9: i64 = constant 3
;;   v12: i32 = constant 0
;;   v15: i64 = constant 4
;; block0(v0: ref, v1: v128):
;;   v4: i64 = bitcast v0
;;   v5: i32 = load.full.constant.trap19 v4, none, 4 @9
;;   v6: i64 = extendUnsigned v5
;;   v10: i32 = compare.lessUnsigned v6, v9
;;   trapIf.21 v10 @9
;;   v13: i32 = select v10, v12, v2
;;   v14: i64 = extendUnsigned v13
;;   v16: i64 = shiftLeft v14, v15
;;   store.full.element v4, v16, 8, v1
;;   store.full.element v4, v16, 24, v1
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
