;; Bulk operations of a few bytes or elements, of a number that is known, are written out.
(module
  (type $a (array (mut i32))) (type $b (array (mut i8))) (type $r (array (mut funcref)))
  (memory 1) (table $t 10 20 funcref)
  (data $d "abcdefgh") (elem $e func 0 0) (data $active (i32.const 0) "active")
  (func (param i32 i32) (memory.init $d (local.get 0) (local.get 1) (i32.const 0)))
  (func (param i32 i32) (memory.init $active (local.get 0) (local.get 1) (i32.const 0)))
  (func (param i32) (table.fill $t (local.get 0) (ref.null func) (i32.const 2)))
  (func (param i32 i32) (table.init $t $e (local.get 0) (local.get 1) (i32.const 1)))
  (func (param i32)
    (table.init $t $e (local.get 0) (i32.const 0) (i32.const 1)) (elem.drop $e)
    (table.init $t $e (local.get 0) (i32.const 0) (i32.const 1)))
  (func (param (ref null $a) i32 i32)
    (array.fill $a (local.get 0) (local.get 1) (local.get 2) (i32.const 1)))
  (func (param (ref null $b) i32 i32)
    (array.fill $b (local.get 0) (local.get 1) (local.get 2) (i32.const 24)))
  (func (param (ref null $a) i32 (ref null $a) i32)
    (array.copy $a $a (local.get 0) (local.get 1) (local.get 2) (local.get 3) (i32.const 4)))
  (func (param i32) (result (ref $a)) (array.new $a (local.get 0) (i32.const 2)))
  (func (param i32 i32) (result (ref $a)) (array.new $a (local.get 0) (local.get 1)))
  (func (param i32 i32) (result (ref $b)) (array.new_data $b $d (local.get 0) (local.get 1)))
  (func (param i32) (result (ref $b)) (array.new_data $b $d (local.get 0) (i32.const 8)))
  (func (param i32) (result (ref $r)) (array.new_elem $r $e (local.get 0) (i32.const 2)))
  (func (param (ref $b) i32)
    (array.init_data $b $d (local.get 0) (local.get 1) (i32.const 0) (i32.const 3)))
  (func (param (ref $r) i32 i32)
    (array.init_elem $r $e (local.get 0) (local.get 1) (local.get 2) (i32.const 1))))
;; functions
;; function 0
;; function (i32, i32) -> ()
;;   v5: i64 = context
;; block0(v0: i32, v1: i32):
;;   v3: i64 = extendUnsigned v1
;;   v6: i64 = load.full.tableRecord v5, none, 120
;;   v7: i32 = compare.greaterUnsigned v3, v6
;;   trapIf.2 v7 @7
;;   v9: i64 = load.full.constant v5, none, 112
;;   v10: i64 = load.full.memorySize v5, none, 88
;;   v11: i64 = extendUnsigned v0
;;   v12: i32 = compare.greaterUnsigned v11, v10
;;   trapIf.2 v12 @7
;;   return ()
;; improved
;; function (i32, i32) -> ()
;;   v5: i64 = context
;; block0(v0: i32, v1: i32):
;;   v3: i64 = extendUnsigned v1
;;   v6: i64 = load.full.tableRecord v5, none, 120
;;   v7: i32 = compare.greaterUnsigned v3, v6
;;   trapIf.2 v7 @7
;;   v10: i64 = load.full.memorySize v5, none, 88
;;   v11: i64 = extendUnsigned v0
;;   v12: i32 = compare.greaterUnsigned v11, v10
;;   trapIf.2 v12 @7
;;   return ()
;; function 1
;; function (i32, i32) -> ()
;;   v2: i32 = constant 0
;;   v7: i64 = context
;; block0(v0: i32, v1: i32):
;;   v3: i64 = extendUnsigned v1
;;   v5: i32 = compare.notEqual v1, v2
;;   trapIf.2 v1 @7
;;   v8: i64 = load.full.memorySize v7, none, 88
;;   v9: i64 = extendUnsigned v0
;;   v10: i32 = compare.greaterUnsigned v9, v8
;;   trapIf.2 v10 @7
;;   return ()
;; improved
;; function (i32, i32) -> ()
;;   v7: i64 = context
;; block0(v0: i32, v1: i32):
;;   trapIf.2 v1 @7
;;   v8: i64 = load.full.memorySize v7, none, 88
;;   v9: i64 = extendUnsigned v0
;;   v10: i32 = compare.greaterUnsigned v9, v8
;;   trapIf.2 v10 @7
;;   return ()
;; function 2
;; function (i32) -> ()
;;   v1: ref = constant 0
;;   v3: i64 = context
;;   v5: i64 = constant 2
;;   v10: i64 = constant 0
;;   v13: i64 = constant 3
;; block0(v0: i32):
;;   v4: i64 = load.full.tableRecord v3, none, 72
;;   v6: i64 = extendUnsigned v0
;;   v7: i64 = add v6, v5
;;   v8: i32 = compare.greaterUnsigned v7, v4
;;   trapIf.3 v8 @7
;;   v11: i64 = select v8, v10, v6
;;   v12: i64 = load.full.tableRecord v3, none, 64
;;   v14: i64 = shiftLeft v11, v13
;;   store.full.table v12, v14, 0, v1
;;   store.full.table v12, v14, 8, v1
;;   return ()
;; function 3
;; function (i32, i32) -> ()
;;   v3: i64 = context
;;   v5: i64 = constant 1
;;   v10: i64 = constant 0
;;   v13: i64 = constant 3
;; block0(v0: i32, v1: i32):
;;   v4: i64 = load.full.tableRecord v3, none, 72
;;   v6: i64 = extendUnsigned v0
;;   v7: i64 = add v6, v5
;;   v8: i32 = compare.greaterUnsigned v7, v4
;;   trapIf.3 v8 @7
;;   v11: i64 = select v8, v10, v6
;;   v12: i64 = load.full.tableRecord v3, none, 64
;;   v14: i64 = shiftLeft v11, v13
;;   v15: i64 = extendUnsigned v1
;;   v16: i64 = load.full.tableRecord v3, none, 152
;;   v17: i64 = add v15, v5
;;   v18: i32 = compare.greaterUnsigned v17, v16
;;   trapIf.3 v18 @7
;;   v20: i64 = load.full.constant v3, none, 144
;;   v21: i64 = shiftLeft v15, v13
;;   v22: ref = load.full.table v20, v21, 0
;;   store.full.table v12, v14, 0, v22
;;   return ()
;; function 4
;; function (i32) -> ()
;;   v1: i32 = constant 0
;;   v3: i64 = context
;;   v5: i64 = constant 1
;;   v10: i64 = constant 0
;;   v13: i64 = constant 3
;; block0(v0: i32):
;;   v4: i64 = load.full.tableRecord v3, none, 72
;;   v6: i64 = extendUnsigned v0
;;   v7: i64 = add v6, v5
;;   v8: i32 = compare.greaterUnsigned v7, v4
;;   trapIf.3 v8 @7
;;   v11: i64 = select v8, v10, v6
;;   v12: i64 = load.full.tableRecord v3, none, 64
;;   v14: i64 = shiftLeft v11, v13
;;   v15: i64 = load.full.tableRecord v3, none, 152
;;   v16: i32 = compare.equal v15, v10
;;   trapIf.3 v16 @7
;;   v18: i64 = load.full.constant v3, none, 144
;;   v19: ref = load.full.table v18, v10, 0
;;   store.full.table v12, v14, 0, v19
;;   callRuntime.7 (v1) @11
;;   v22: i64 = load.full.tableRecord v3, none, 72
;;   v23: i32 = compare.greaterUnsigned v7, v22
;;   trapIf.3 v23 @20
;;   v25: i64 = select v23, v10, v6
;;   v26: i64 = load.full.tableRecord v3, none, 64
;;   v27: i64 = shiftLeft v25, v13
;;   v28: i64 = load.full.tableRecord v3, none, 152
;;   v29: i32 = compare.equal v28, v10
;;   trapIf.3 v29 @20
;;   v31: ref = load.full.table v18, v10, 0
;;   store.full.table v26, v27, 0, v31
;;   return ()
;; function 5
;; function (ref, i32, i32) -> ()
;;   v8: i64 = constant 1
;;   v12: i32 = constant 0
;;   v15: i64 = constant 2
;; block0(v0: ref, v1: i32, v2: i32):
;;   v4: i64 = bitcast v0
;;   v5: i32 = load.full.constant.trap19 v4, none, 4 @9
;;   v6: i64 = extendUnsigned v5
;;   v7: i64 = extendUnsigned v1
;;   v9: i64 = add v7, v8
;;   v10: i32 = compare.greaterUnsigned v9, v6
;;   trapIf.21 v10 @9
;;   v13: i32 = select v10, v12, v1
;;   v14: i64 = extendUnsigned v13
;;   v16: i64 = shiftLeft v14, v15
;;   store.full.element v4, v16, 8, v2
;;   return ()
;; function 6
;; function (ref, i32, i32) -> ()
;;   v8: i64 = constant 24
;;   v12: i32 = constant 0
;;   v16: i32 = constant 255
;;   v19: i64 = constant 72340172838076673
;; block0(v0: ref, v1: i32, v2: i32):
;;   v4: i64 = bitcast v0
;;   v5: i32 = load.full.constant.trap19 v4, none, 4 @9
;;   v6: i64 = extendUnsigned v5
;;   v7: i64 = extendUnsigned v1
;;   v9: i64 = add v7, v8
;;   v10: i32 = compare.greaterUnsigned v9, v6
;;   trapIf.21 v10 @9
;;   v13: i32 = select v10, v12, v1
;;   v14: i64 = extendUnsigned v13
;;   v17: i32 = and v2, v16
;;   v18: i64 = extendUnsigned v17
;;   v20: i64 = multiply v18, v19
;;   v21: i32 = wrap v20
;;   v22: v128 = vectorUnary.18 v20
;;   store.full.element v4, v14, 8, v22
;;   store.full.element v4, v14, 16, v22
;;   return ()
;; improved
;; function (ref, i32, i32) -> ()
;;   v8: i64 = constant 24
;;   v12: i32 = constant 0
;;   v16: i32 = constant 255
;;   v19: i64 = constant 72340172838076673
;; block0(v0: ref, v1: i32, v2: i32):
;;   v4: i64 = bitcast v0
;;   v5: i32 = load.full.constant.trap19 v4, none, 4 @9
;;   v6: i64 = extendUnsigned v5
;;   v7: i64 = extendUnsigned v1
;;   v9: i64 = add v7, v8
;;   v10: i32 = compare.greaterUnsigned v9, v6
;;   trapIf.21 v10 @9
;;   v13: i32 = select v10, v12, v1
;;   v14: i64 = extendUnsigned v13
;;   v17: i32 = and v2, v16
;;   v18: i64 = extendUnsigned v17
;;   v20: i64 = multiply v18, v19
;;   v22: v128 = vectorUnary.18 v20
;;   store.full.element v4, v14, 8, v22
;;   store.full.element v4, v14, 16, v22
;;   return ()
;; function 7
;; function (ref, i32, ref, i32) -> ()
;;   v11: i64 = constant 4
;;   v15: i32 = constant 0
;;   v18: i64 = constant 2
;; block0(v0: ref, v1: i32, v2: ref, v3: i32):
;;   v5: i64 = bitcast v0
;;   v6: i64 = bitcast v2
;;   v7: i32 = load.full.constant.trap19 v5, none, 4 @11
;;   v8: i32 = load.full.constant.trap19 v6, none, 4 @11
;;   v9: i64 = extendUnsigned v7
;;   v10: i64 = extendUnsigned v1
;;   v12: i64 = add v10, v11
;;   v13: i32 = compare.greaterUnsigned v12, v9
;;   trapIf.21 v13 @11
;;   v16: i32 = select v13, v15, v1
;;   v17: i64 = extendUnsigned v16
;;   v19: i64 = shiftLeft v17, v18
;;   v20: i64 = extendUnsigned v8
;;   v21: i64 = extendUnsigned v3
;;   v22: i64 = add v21, v11
;;   v23: i32 = compare.greaterUnsigned v22, v20
;;   trapIf.21 v23 @11
;;   v25: i32 = select v23, v15, v3
;;   v26: i64 = extendUnsigned v25
;;   v27: i64 = shiftLeft v26, v18
;;   v28: v128 = load.full.element v6, v27, 8
;;   store.full.element v5, v19, 8, v28
;;   return ()
;; function 8
;; function (i32) -> (ref)
;;   v1: i32 = constant 2
;;   v7: i64 = constant 16
;;   v8: i32 = constant 160
;; block0(v0: i32):
;;   v9: ref = allocate v7, v8, v1 @5
;;   v10: i64 = bitcast v9
;;   store.full.element v10, none, 8, v0
;;   store.full.element v10, none, 12, v0
;;   return (v9)
;; function 9
;; function (i32, i32) -> (ref)
;;   v3: i64 = constant 2
;;   v5: i64 = constant 23
;;   v7: i64 = constant -16
;;   v9: i32 = constant 160
;;   v12: i64 = constant 4
;;   v16: i32 = constant 0
;;   v20: i64 = constant 1
;;   v21: i64 = constant -1
;;   v34: i32 = constant 0
;; block0(v0: i32, v1: i32):
;;   v2: i64 = extendUnsigned v1
;;   v4: i64 = shiftLeft v2, v3
;;   v6: i64 = add v4, v5
;;   v8: i64 = and v6, v7
;;   v10: ref = allocate v8, v9, v1 @5
;;   v11: i64 = bitcast v10
;;   v13: i32 = compare.lessOrEqualUnsigned v2, v12
;;   branch v13, block1(), block5()
;; block1():
;;   v17: i32 = compare.notEqual v1, v16
;;   branch v17, block2(), block3()
;; block2():
;;   store.full.element v11, none, 8, v0
;;   v22: i64 = add v2, v21
;;   v23: i64 = shiftLeft v22, v3
;;   store.full.element v11, v23, 8, v0
;;   v25: i64 = shiftRightUnsigned v22, v20
;;   v26: i64 = shiftLeft v25, v3
;;   store.full.element v11, v26, 8, v0
;;   v28: i64 = shiftRightUnsigned v2, v20
;;   v29: i64 = shiftLeft v28, v3
;;   store.full.element v11, v29, 8, v0
;;   jump block4()
;; block3():
;;   jump block4()
;; block4():
;;   jump block6()
;; block5():
;;   callRuntime.20 (v10, v34, v0, v1) @5
;;   jump block6()
;; block6():
;;   return (v10)
;; improved
;; function (i32, i32) -> (ref)
;;   v3: i64 = constant 2
;;   v5: i64 = constant 23
;;   v7: i64 = constant -16
;;   v9: i32 = constant 160
;;   v12: i64 = constant 4
;;   v16: i32 = constant 0
;;   v20: i64 = constant 1
;;   v21: i64 = constant -1
;;   v34: i32 = constant 0
;; block0(v0: i32, v1: i32):
;;   v2: i64 = extendUnsigned v1
;;   v4: i64 = shiftLeft v2, v3
;;   v6: i64 = add v4, v5
;;   v8: i64 = and v6, v7
;;   v10: ref = allocate v8, v9, v1 @5
;;   v13: i32 = compare.lessOrEqualUnsigned v2, v12
;;   branch v13, block1(), block5()
;; block1():
;;   v17: i32 = compare.notEqual v1, v16
;;   branch v17, block2(), block3()
;; block2():
;;   v11: i64 = bitcast v10
;;   store.full.element v11, none, 8, v0
;;   v22: i64 = add v2, v21
;;   v23: i64 = shiftLeft v22, v3
;;   store.full.element v11, v23, 8, v0
;;   v25: i64 = shiftRightUnsigned v22, v20
;;   v26: i64 = shiftLeft v25, v3
;;   store.full.element v11, v26, 8, v0
;;   v28: i64 = shiftRightUnsigned v2, v20
;;   v29: i64 = shiftLeft v28, v3
;;   store.full.element v11, v29, 8, v0
;;   jump block4()
;; block3():
;;   jump block4()
;; block4():
;;   jump block6()
;; block5():
;;   callRuntime.20 (v10, v34, v0, v1) @5
;;   jump block6()
;; block6():
;;   return (v10)
;; function 10
;; function (i32, i32) -> (ref)
;;   v5: i64 = context
;;   v11: i64 = constant 23
;;   v13: i64 = constant -16
;;   v15: i32 = constant 164
;;   v18: i64 = constant 4
;;   v21: i32 = constant 0
;;   v25: i64 = constant 1
;;   v26: i64 = constant -1
;;   v43: i32 = constant 0
;;   v44: i32 = constant 112
;; block0(v0: i32, v1: i32):
;;   v2: i64 = extendUnsigned v0
;;   v3: i64 = extendUnsigned v1
;;   v6: i64 = load.full.tableRecord v5, none, 120
;;   v7: i64 = add v2, v3
;;   v8: i32 = compare.greaterUnsigned v7, v6
;;   trapIf.2 v8 @5
;;   v10: i64 = load.full.constant v5, none, 112
;;   v12: i64 = add v3, v11
;;   v14: i64 = and v12, v13
;;   v16: ref = allocate v14, v15, v1 @5
;;   v17: i64 = bitcast v16
;;   v19: i32 = compare.lessOrEqualUnsigned v3, v18
;;   branch v19, block1(), block5()
;; block1():
;;   v22: i32 = compare.notEqual v1, v21
;;   branch v22, block2(), block3()
;; block2():
;;   v24: i32 = load.unsigned8.memory.trap2 v10, v2, 0 @5
;;   v27: i64 = add v3, v26
;;   v28: i64 = add v2, v27
;;   v29: i32 = load.unsigned8.memory.trap2 v10, v28, 0 @5
;;   v30: i64 = shiftRightUnsigned v27, v25
;;   v31: i64 = add v2, v30
;;   v32: i32 = load.unsigned8.memory.trap2 v10, v31, 0 @5
;;   v33: i64 = shiftRightUnsigned v3, v25
;;   v34: i64 = add v2, v33
;;   v35: i32 = load.unsigned8.memory.trap2 v10, v34, 0 @5
;;   store.unsigned8.element v17, none, 8, v24
;;   store.unsigned8.element v17, v27, 8, v29
;;   store.unsigned8.element v17, v30, 8, v32
;;   store.unsigned8.element v17, v33, 8, v35
;;   jump block4()
;; block3():
;;   jump block4()
;; block4():
;;   jump block6()
;; block5():
;;   callRuntime.23 (v44, v16, v43, v0, v1) @5
;;   jump block6()
;; block6():
;;   return (v16)
;; improved
;; function (i32, i32) -> (ref)
;;   v5: i64 = context
;;   v11: i64 = constant 23
;;   v13: i64 = constant -16
;;   v15: i32 = constant 164
;;   v18: i64 = constant 4
;;   v21: i32 = constant 0
;;   v25: i64 = constant 1
;;   v26: i64 = constant -1
;;   v43: i32 = constant 0
;;   v44: i32 = constant 112
;; block0(v0: i32, v1: i32):
;;   v2: i64 = extendUnsigned v0
;;   v3: i64 = extendUnsigned v1
;;   v6: i64 = load.full.tableRecord v5, none, 120
;;   v7: i64 = add v2, v3
;;   v8: i32 = compare.greaterUnsigned v7, v6
;;   trapIf.2 v8 @5
;;   v12: i64 = add v3, v11
;;   v14: i64 = and v12, v13
;;   v16: ref = allocate v14, v15, v1 @5
;;   v19: i32 = compare.lessOrEqualUnsigned v3, v18
;;   branch v19, block1(), block5()
;; block1():
;;   v22: i32 = compare.notEqual v1, v21
;;   branch v22, block2(), block3()
;; block2():
;;   v10: i64 = load.full.constant v5, none, 112
;;   v24: i32 = load.unsigned8.memory.trap2 v10, v2, 0 @5
;;   v27: i64 = add v3, v26
;;   v28: i64 = add v2, v27
;;   v29: i32 = load.unsigned8.memory.trap2 v10, v28, 0 @5
;;   v30: i64 = shiftRightUnsigned v27, v25
;;   v31: i64 = add v2, v30
;;   v32: i32 = load.unsigned8.memory.trap2 v10, v31, 0 @5
;;   v33: i64 = shiftRightUnsigned v3, v25
;;   v34: i64 = add v2, v33
;;   v35: i32 = load.unsigned8.memory.trap2 v10, v34, 0 @5
;;   v17: i64 = bitcast v16
;;   store.unsigned8.element v17, none, 8, v24
;;   store.unsigned8.element v17, v27, 8, v29
;;   store.unsigned8.element v17, v30, 8, v32
;;   store.unsigned8.element v17, v33, 8, v35
;;   jump block4()
;; block3():
;;   jump block4()
;; block4():
;;   jump block6()
;; block5():
;;   callRuntime.23 (v44, v16, v43, v0, v1) @5
;;   jump block6()
;; block6():
;;   return (v16)
;; function 11
;; function (i32) -> (ref)
;;   v1: i32 = constant 8
;;   v3: i64 = constant 8
;;   v5: i64 = context
;;   v14: i64 = constant 16
;;   v15: i32 = constant 164
;; block0(v0: i32):
;;   v2: i64 = extendUnsigned v0
;;   v6: i64 = load.full.tableRecord v5, none, 120
;;   v7: i64 = add v2, v3
;;   v8: i32 = compare.greaterUnsigned v7, v6
;;   trapIf.2 v8 @5
;;   v10: i64 = load.full.constant v5, none, 112
;;   v16: ref = allocate v14, v15, v1 @5
;;   v17: i64 = bitcast v16
;;   v18: i64 = load.full.memory.trap2 v10, v2, 0 @5
;;   store.full.element v17, none, 8, v18
;;   return (v16)
;; function 12
;; function (i32) -> (ref)
;;   v1: i32 = constant 2
;;   v2: i64 = constant 2
;;   v4: i64 = context
;;   v10: i64 = constant 3
;;   v16: i64 = constant 32
;;   v17: i32 = constant 168
;; block0(v0: i32):
;;   v3: i64 = extendUnsigned v0
;;   v5: i64 = load.full.tableRecord v4, none, 152
;;   v6: i64 = add v3, v2
;;   v7: i32 = compare.greaterUnsigned v6, v5
;;   trapIf.3 v7 @5
;;   v9: i64 = load.full.constant v4, none, 144
;;   v11: i64 = shiftLeft v3, v10
;;   v18: ref = allocate v16, v17, v1 @5
;;   v19: i64 = bitcast v18
;;   v20: v128 = load.full.table v9, v11, 0
;;   store.full.element v19, none, 8, v20
;;   return (v18)
;; function 13
;; function (ref, i32) -> ()
;;   v2: i32 = constant 0
;;   v8: i64 = constant 3
;;   v14: i64 = constant 0
;;   v15: i64 = context
;; block0(v0: ref, v1: i32):
;;   v4: i64 = bitcast v0
;;   v5: i32 = load.full.constant.trap19 v4, none, 4 @9
;;   v6: i64 = extendUnsigned v5
;;   v7: i64 = extendUnsigned v1
;;   v9: i64 = add v7, v8
;;   v10: i32 = compare.greaterUnsigned v9, v6
;;   trapIf.21 v10 @9
;;   v12: i32 = select v10, v2, v1
;;   v13: i64 = extendUnsigned v12
;;   v16: i64 = load.full.tableRecord v15, none, 120
;;   v17: i32 = compare.lessUnsigned v16, v8
;;   trapIf.2 v17 @9
;;   v19: i64 = load.full.constant v15, none, 112
;;   v20: i32 = load.unsigned16.memory.trap2 v19, v14, 0 @9
;;   v21: i32 = load.unsigned16.memory.trap2 v19, v14, 1 @9
;;   store.unsigned16.element v4, v13, 8, v20
;;   store.unsigned16.element v4, v13, 9, v21
;;   return ()
;; function 14
;; function (ref, i32, i32) -> ()
;;   v8: i64 = constant 1
;;   v12: i32 = constant 0
;;   v15: i64 = constant 3
;;   v18: i64 = context
;; block0(v0: ref, v1: i32, v2: i32):
;;   v4: i64 = bitcast v0
;;   v5: i32 = load.full.constant.trap19 v4, none, 4 @9
;;   v6: i64 = extendUnsigned v5
;;   v7: i64 = extendUnsigned v1
;;   v9: i64 = add v7, v8
;;   v10: i32 = compare.greaterUnsigned v9, v6
;;   trapIf.21 v10 @9
;;   v13: i32 = select v10, v12, v1
;;   v14: i64 = extendUnsigned v13
;;   v16: i64 = shiftLeft v14, v15
;;   v17: i64 = extendUnsigned v2
;;   v19: i64 = load.full.tableRecord v18, none, 152
;;   v20: i64 = add v17, v8
;;   v21: i32 = compare.greaterUnsigned v20, v19
;;   trapIf.3 v21 @9
;;   v23: i64 = load.full.constant v18, none, 144
;;   v24: i64 = shiftLeft v17, v15
;;   v25: i64 = load.full.table v23, v24, 0
;;   store.full.element v4, v16, 8, v25
;;   return ()
