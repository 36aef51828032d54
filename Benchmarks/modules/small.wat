;; The least that is worth instantiating.
(module
  (memory (export "memory") 1)
  (func (export "f") (result i32) (i32.const 1)))
