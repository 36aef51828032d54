import Apus
import Testing

/// Jumps over loops, of all distances around those that a short jump reaches: how far they go is
/// only known once loops are aligned.
@Suite struct ShortJumpTests {
    private static let sizes = 0..<28

    @Test(arguments: [Engine.Compiler.baseline, .optimizing])
    func jumpsArriveOverLoopsOfAnySize(compiler: Engine.Compiler) throws {
        var configuration = Engine.Configuration()
        configuration.compiler = compiler
        let engine = Engine(configuration)
        let text = "(module" + Self.sizes.map(Self.function).joined() + ")"
        let instance = try Instance(Store(engine), Module(engine, text: text))
        for size in Self.sizes {
            let function = try instance.function("f\(size)", as: ((Int32) -> Int32).self)
            #expect(try function(10) == Self.expected(10, size), "\(size) steps")
        }
    }

    /// Two loops in a third one, each of which is jumped over every other time.
    private static func function(_ size: Int) -> String {
        let step = """
             (local.set $sum (i32.rotl (i32.add (local.get $sum) (i32.const 7)) (i32.const 5)))
            """
        let body = String(repeating: step, count: size)
        func inner(_ bit: Int) -> String {
            """
             (block $over
               (br_if $over (i32.and (local.get $round) (i32.const \(bit))))
               (local.set $left (i32.const 3))
               (loop $again \(body)
                 (br_if $again
                   (local.tee $left (i32.sub (local.get $left) (i32.const 1))))))
            """
        }
        return """
             (func (export "f\(size)") (param $rounds i32) (result i32)
               (local $round i32) (local $left i32) (local $sum i32)
               (loop $next \(inner(1)) \(inner(2))
                 (local.set $sum (i32.xor (local.get $sum) (local.get $round)))
                 (br_if $next
                   (i32.lt_u
                     (local.tee $round (i32.add (local.get $round) (i32.const 1)))
                     (local.get $rounds))))
               (local.get $sum))
            """
    }

    private static func expected(_ rounds: Int32, _ size: Int) -> Int32 {
        var sum: UInt32 = 0
        for round in 0..<UInt32(rounds) {
            for bit in [1, 2] as [UInt32] where round & bit == 0 {
                for _ in 0..<3 * size {
                    let next = sum &+ 7
                    sum = next << 5 | next >> 27
                }
            }
            sum ^= round
        }
        return Int32(bitPattern: sum)
    }
}
