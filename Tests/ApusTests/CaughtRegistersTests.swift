import Apus
import Testing

/// What callers of a function that catches have in the registers that calls keep.
struct CaughtRegistersTests {
    /// `run` has values in such registers while it calls `catch`, which needs few of them and calls
    /// `throw`, which has others there when it throws, if it is told to.
    private static let text = """
        (module
          (tag $e)
          (type $f (func (param i32) (result i32)))
          (memory (export "memory") 1)
          (table 4 funcref) (elem (i32.const 0) $nothing $throw $catch $catchMore)
          (func $nothing (type $f) (local.get 0))
          (func $throw (type $f) (local $a i32) (local $b i32) (local $c i32) (local $d i32)
            (local.set $a (i32.load (i32.const 32))) (local.set $b (i32.load (i32.const 36)))
            (local.set $c (i32.load (i32.const 40))) (local.set $d (i32.load (i32.const 44)))
            (drop (call_indirect (type $f) (local.get 0) (i32.const 0)))
            (if (local.get 0) (then (throw $e)))
            (i32.add (i32.add (local.get $a) (local.get $b))
              (i32.add (local.get $c) (local.get $d))))
          (func $catch (type $f)
            (block $caught
              (try_table (catch $e $caught)
                (return (call_indirect (type $f) (local.get 0) (i32.const 1)))))
            (i32.const 1000))
          (func $catchMore (type $f) (local $x i32)
            (local.set $x (i32.load (i32.const 48)))
            (block $caught
              (try_table (catch_all $caught)
                (drop (call_indirect (type $f) (local.get 0) (i32.const 1)))))
            (i32.add (local.get $x)
              (call_indirect (type $f) (local.get 0) (i32.const 2))))
          (func (export "run") (param $throws i32) (param $callee i32) (result i32)
            (local $a i32) (local $b i32) (local $c i32) (local $d i32) (local $result i32)
            (local.set $a (i32.load (i32.const 0))) (local.set $b (i32.load (i32.const 4)))
            (local.set $c (i32.load (i32.const 8))) (local.set $d (i32.load (i32.const 12)))
            (local.set $result
              (call_indirect (type $f) (local.get $throws) (local.get $callee)))
            (i32.add (local.get $result)
              (i32.add (i32.mul (local.get $a) (i32.const 10000))
                (i32.add (i32.mul (local.get $b) (i32.const 100000))
                  (i32.add (i32.mul (local.get $c) (i32.const 1000000))
                    (i32.mul (local.get $d) (i32.const 10000000)))))))
          (data (i32.const 0) "\\01\\00\\00\\00\\02\\00\\00\\00\\03\\00\\00\\00\\04\\00\\00\\00")
          (data (i32.const 32) "\\05\\00\\00\\00\\06\\00\\00\\00\\07\\00\\00\\00\\08\\00\\00\\00")
          (data (i32.const 48) "\\02\\00\\00\\00"))
        """

    @Test(arguments: Engine.Compiler.allCases)
    func areTheirs(compiler: Engine.Compiler) throws {
        var configuration = Engine.Configuration()
        configuration.compiler = compiler
        let engine = Engine(configuration)
        let instance = try Linker(engine).instantiate(
            Module(engine, text: Self.text), in: Store(engine))
        let run = try instance.function("run", as: ((Int32, Int32) -> Int32).self)
        #expect(try run(0, 2) == 43_210_026)
        #expect(try run(1, 2) == 43_211_000)
        #expect(try run(0, 3) == 43_210_028)
        #expect(try run(1, 3) == 43_211_002)
    }
}
