;; What was loaded before an atomic access, or the size of a memory, is not known behind it; the
;; address is tested once. A store is an exchange, a subtraction the addition of the negative.
(module
  (memory 1 2 shared)
  (func (param i32 i32) (result i32)
    (i32.load (local.get 0))
    (i32.atomic.store offset=4 (local.get 0) (local.get 1))
    (i32.load (local.get 0))
    (i32.atomic.rmw.sub (local.get 0) (local.get 1))
    (i32.atomic.rmw8.cmpxchg_u (local.get 0) (local.get 1) (i32.const 9))
    i32.add
    i32.add
    i32.add)
  (func (result i32)
    memory.size
    memory.size
    i32.add)
  (func (param i32) (result i32)
    (loop $again
      (br_if $again (i32.load (local.get 0)))
      atomic.fence
      (br_if $again (i32.load (local.get 0))))
    (i32.atomic.load16_u offset=3 (local.get 0)))
  (func
    (drop (i64.atomic.load (i32.const 12)))))
;; functions
;; function 0
;; function (i32, i32) -> (i32)
;;   v2: i64 = context
;;   v5: i32 = constant 3
;;   v10: i32 = constant 0
;;   v13: i32 = constant 9
;; block0(v0: i32, v1: i32):
;;   v3: i64 = load.full.constant v2, none, 8
;;   v4: i32 = load.full.memory.trap2 v3, v0, 0 @3
;;   v6: i32 = and v0, v5
;;   trapIf.16 v6 @10
;;   v8: i32 = atomicExchange.full.memory.trap2 v3, v0, 4, v1 @10
;;   v9: i32 = load.full.memory.trap2 v3, v0, 0 @16
;;   v11: i32 = subtract v10, v1
;;   v12: i32 = atomicAdd.full.memory.trap2 v3, v0, 0, v11 @23
;;   v14: i32 = atomicCompareExchange.unsigned8.memory.trap2 v3, v0, 0, v13, v1 @33
;;   v15: i32 = add v12, v14
;;   v16: i32 = add v9, v15
;;   v17: i32 = add v4, v16
;;   return (v17)
;; function 1
;; function () -> (i32)
;;   v0: i64 = context
;;   v3: i64 = constant 16
;; block0():
;;   v1: i64 = load.full.constant v0, none, 64
;;   v2: i64 = load.full.memorySize v1, none, 8
;;   v4: i64 = shiftRightUnsigned v2, v3
;;   v5: i32 = wrap v4
;;   v6: i64 = load.full.memorySize v1, none, 8
;;   v7: i64 = shiftRightUnsigned v6, v3
;;   v8: i32 = wrap v7
;;   v9: i32 = add v5, v8
;;   return (v9)
;; function 2
;; function (i32) -> (i32)
;;   v1: i64 = context
;;   v9: i32 = constant 1
;; block0(v0: i32):
;;   v2: i64 = load.full.constant v1, none, 8
;;   jump block1()
;; block1() depth 1:
;;   v4: i32 = load.full.memory.trap2 v2, v0, 0 @5
;;   branch v4, block1(), block2()
;; block2() depth 1:
;;   fence
;;   v7: i32 = load.full.memory.trap2 v2, v0, 0 @15
;;   branch v7, block1(), block3()
;; block3():
;;   v10: i32 = add v0, v9
;;   v11: i32 = and v10, v9
;;   trapIf.16 v11 @23
;;   v13: i32 = atomicLoad.unsigned16.memory.trap2 v2, v0, 3 @23
;;   return (v13)
;; function 3
;; function () -> ()
;; block0():
;;   trap.16 @3
