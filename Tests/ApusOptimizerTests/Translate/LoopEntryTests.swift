import ApusABI
import ApusBaseline
import ApusCollections
import ApusFormat
import ApusText
import Testing

@testable import ApusOptimizer

/// Code that begins at a loop, with a frame of the baseline compiler.
@Suite struct LoopEntryTests {
    /// Offsets in the body of what follows each `loop` of function 0, and for each of them whether
    /// code can begin there. With `first` only those from that one on.
    private static func entries(_ text: String, from first: Int = 0) throws -> [Bool] {
        let module = try ModuleDecoder.decode(ByteStorage(try TextFormat.parseModule(text)))
        try ModuleValidator.validate(module)
        var environment = ModuleEnvironment(
            module: module, processor: [.popcnt, .lzcnt, .bmi1, .bmi2, .avx, .avx2, .fma])
        environment.linkage = .table(nil)
        environment.verifiesCompilation = true
        var validator = FunctionValidator(module)
        try validator.validate(0)
        var baseline = BaselineCompiler(environment)
        let frame = try baseline.frameMap(0, validator.analysis)
        var compiler = OptimizingCompiler(environment)
        var result: [Bool] = []
        var count = 0
        var reader = InstructionReader(
            module.bytes, from: validator.analysis.codeStart, to: validator.analysis.codeEnd)
        let bodyStart = Int(module.bodies[0].start)
        while reader.position < validator.analysis.codeEnd {
            let operation = reader.next()
            reader.skipImmediates(of: operation)
            guard case .loop = operation else { continue }
            count += 1
            if count <= first { continue }
            var batch = CodeBatch()
            result.append(
                try compiler.compile(
                    0, validator.analysis, from: reader.position - bodyStart, frame, into: &batch))
        }
        return result
    }

    @Test func codeBeginsAtLoops() throws {
        let entries = try Self.entries(
            """
            (module (func (param i32 i64) (result i32) (local v128 f32)
              (block $out (result i32)
                (if (local.get 0) (then
                  (loop $a (br_if $a (i32.eqz (i32.const 3))) (br_if $a (local.get 0)))))
                (i32.const 4)
                (loop $b (param i32) (result i32)
                  (br_if $out (local.get 0))
                  (loop $c (br_if $c (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
                  (br_if $b (i64.eqz (local.get 1)))))
              (loop $d (br_if $d (f32.eq (local.get 3) (f32.const 1))))))
            """)
        #expect(entries == [true, true, true, true])
    }

    /// A loop that what is known of constants leaves out is not one to begin at.
    @Test func loopsThatAreNeverReachedAreNot() throws {
        let entries = try Self.entries(
            """
            (module (func (param i32)
              (block $out
                (br_if $out (i32.const 1))
                (loop $a (br_if $a (local.get 0))))))
            """)
        #expect(entries == [false])
    }

    /// Operands below a block around the loop are those of the image.
    @Test func codeBeginsAboveOperandsOfBlocks() throws {
        let entries = try Self.entries(
            """
            (module (func (param i32) (result i32)
              (local.get 0)
              (block $out
                (br_if $out (local.get 0))
                (loop $a (br_if $a (local.get 0))))))
            """)
        #expect(entries == [true])
    }

    /// What is around is done with, whatever it is, whether anybody goes back or not.
    @Test func codeBeginsInTheMiddleOfAnything() throws {
        let entries = try Self.entries(
            """
            (module (tag $t (param i32)) (func (param i32) (result i32) (local i64 v128)
              (loop $first (result i32)
                (block $caught (result i32)
                  (try_table (result i32) (catch $t $caught)
                    (loop $second (result i32)
                      (if (result i32) (local.get 0)
                        (then
                          (loop $third (param) (result i32)
                            (throw $t (local.get 0))))
                        (else
                          (loop $fourth (result i32)
                            (br_table $second $first $fourth (local.get 0))))))))
                (br_if $first (local.get 0)))))
            """)
        #expect(entries == [true, true, true, true])
    }

    /// Loops in each other are there once for each one around, up to the limit of size.
    @Test func loopsInLoopsAreBounded() throws {
        func nest(_ count: Int) -> String {
            let opening = (0..<count).map { "(loop $l\($0) " }
            let closing = (0..<count).reversed().map { number in
                "(br_if $l\(number) (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))"
            }
            return """
                (module (func (param i32)
                  \(opening.joined()) (nop) \(closing.joined(separator: " "))))
                """
        }
        #expect(try Self.entries(nest(10)).allSatisfy { $0 })
        #expect(try Self.entries(nest(1000), from: 999) == [false])
    }
}
