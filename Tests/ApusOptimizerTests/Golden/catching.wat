;; What comes of a caught exception alone is cold, on to where other code meets it.
(module
  (import "m" "f" (func $f (param i32)))
  (tag $e (param i32))
  (func (param i32) (result i32)
    (block $done
      (block $caught (result i32)
        (try_table (catch $e $caught) (call $f (local.get 0)))
        (br $done))
      (local.set 0)
      (call $f (local.get 0)))
    (local.get 0)))
;; functions
;; function 1
;; function (i32) -> (i32)
;; block0(v0: i32):
;;   tryCallImport 64(v0), block2(), [catch 0 block1()] @13
;; block1(v2: ref) cold:
;;   v3: i64 = bitcast v2
;;   v4: i32 = load.full.constant v3, none, 16
;;   jump block3()
;; block2():
;;   jump block4(v0)
;; block3() cold:
;;   callImport 64(v4) @23
;;   jump block4(v4)
;; block4(v9: i32):
;;   return (v9)
