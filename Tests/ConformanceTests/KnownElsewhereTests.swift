import Apus
import ApusTestSupport
import Testing

/// What one way computes, loads or checks is not known on another one. The shapes are those in
/// which the inner end is reached only by branches, so that code goes on where most of what was
/// learned before was learned on ways that do not lead there.
@Suite struct KnownElsewhereTests {
    private func instance(_ text: String, _ compilation: Compilation) throws -> Instance {
        let engine = Engine(compilation.configuration)
        return try Instance(Store(engine), Module(engine, text: text))
    }

    /// `inner` is done on the one way that branches to `$C`, `other` on the one that leaves; all
    /// that follows the outer end must do without either.
    private static func ways(other: String, inner: String) -> String {
        """
        (block $A
          (block $B
            (block $C
              (br_if $C (local.get $x))
              \(other)
              (br $A))
            \(inner)
            (br $B)))
        """
    }

    private static let sums = (5...9).map {
        "(drop (i64.add (local.get $v) (i64.const \($0))))"
    }.joined()

    @Test(arguments: Compilation.allCases)
    func loadOnOneWay(compilation: Compilation) throws {
        let ways = Self.ways(
            other: "(drop (i32.add (local.get $y) (i32.const 5)))",
            inner: "(drop (global.get $g))")
        let instance = try instance(
            """
            (module
              (global $g (mut i32) (i32.const 49)) (global $h (mut i32) (i32.const 0))
              (func (export "f") (param $x i32) (param $y i32) (result i32)
                (global.set $h (local.get $y)) \(ways) (global.get $g)))
            """, compilation)
        let function = try instance.function("f", as: ((Int32, Int32) -> Int32).self)
        #expect(try function(0, 7) == 49)
        #expect(try function(1, 7) == 49)
    }

    @Test(arguments: Compilation.allCases)
    func loadOnOneWayBeforeALoop(compilation: Compilation) throws {
        let ways = Self.ways(
            other: "(drop (i32.add (local.get $y) (i32.const 5)))",
            inner: "(drop (global.get $g))")
        let instance = try instance(
            """
            (module
              (memory 1)
              (global $g (mut i32) (i32.const 49)) (global $h (mut i32) (i32.const 0))
              (func (export "f") (param $x i32) (param $y i32) (result i32)
                (global.set $h (local.get $y)) \(ways)
                (loop $L
                  (i32.store (i32.const 0) (i32.mul (global.get $g) (local.get $y)))
                  (br_if $L (local.tee $x (i32.sub (local.get $x) (i32.const 1)))))
                (i32.load (i32.const 0))))
            """, compilation)
        let function = try instance.function("f", as: ((Int32, Int32) -> Int32).self)
        #expect(try function(1, 2) == 98)
        #expect(try function(3, 3) == 147)
    }

    /// The access on the one way checks the address; the one behind the end has to check it again.
    @Test(
        arguments: [
            (memory: "i64 1 2", index: "i64", always: false),
            (memory: "1 2", index: "i32", always: true),
            (memory: "i64 1 2", index: "i64", always: true),
            (memory: "70000 70000 (pagesize 1)", index: "i32", always: false),
        ], Compilation.allCases)
    func checkOnOneWay(
        access: (memory: String, index: String, always: Bool), compilation: Compilation
    ) throws {
        let ways = Self.ways(other: Self.sums, inner: "(drop (i64.load (local.get $a)))")
        var configuration = compilation.configuration
        configuration.alwaysChecksBounds = access.always
        let engine = Engine(configuration)
        let text = """
            (module
              (memory \(access.memory))
              (func (export "f") (param $x i32) (param $a \(access.index)) (param $v i64)
                (result i64)
                \(ways)
                (i64.store (local.get $a) (local.get $v))
                (i64.load8_u (local.get $a))))
            """
        let instance = try Instance(Store(engine), Module(engine, text: text))
        let function = try instance.function("f")
        let is64 = access.index == "i64"
        for x in [Int32(0), 1] {
            func arguments(_ address: Int64) -> [Value] {
                [
                    .i32(x), is64 ? .i64(address) : .i32(Int32(truncatingIfNeeded: address)),
                    .i64(65),
                ]
            }
            let results = try function.call(arguments(1000)).map { ReferenceValue($0) }
            #expect(results == [.i64(65)])
            let outside: [Int64] =
                is64 ? [0x7FFF_0000_0000, 1 << 20, -8] : [1 << 20, -8, 0x7FFF_0000]
            for address in outside {
                let trap = try #require(throws: Trap.self) {
                    try function.call(arguments(address))
                }
                #expect(trap.code == .memoryOutOfBounds, "\(x), \(address)")
            }
        }
    }

    /// Branches out of several levels to a label that nothing else reaches; in the middle, blocks
    /// whose end nobody reaches at all.
    @Test(arguments: Compilation.allCases)
    func branchesOutOfSeveralLevels(compilation: Compilation) throws {
        let instance = try instance(
            """
            (module
              (global $g (mut i32) (i32.const 3)) (global $h (mut i32) (i32.const 0))
              (func (export "f") (param $x i32) (param $y i32) (result i32)
                (global.set $h (local.get $y))
                (block $out
                  (block $one
                    (block $two
                      (block $three
                        (br_table $one $two $three $out (local.get $x)))
                      (drop (i32.div_u (i32.const 100) (local.get $y)))
                      (br $one))
                    (drop (global.get $g))
                    (block $dead (drop (global.get $g)) (br $one))
                    (unreachable))
                  (if (i32.eq (local.get $x) (i32.const 1))
                    (then (drop (global.get $g)) (br $out))
                    (else (br $out))))
                (i32.add (global.get $g) (i32.div_u (i32.const 100) (local.get $y)))))
            """, compilation)
        let function = try instance.function("f", as: ((Int32, Int32) -> Int32).self)
        for x in Int32(0)...4 {
            #expect(try function(x, 10) == 13)
            let trap = try #require(throws: Trap.self) { try function(x, 0) }
            #expect(trap.code == .integerDivideByZero, "\(x)")
        }
    }

    /// A check after an `if` with a check on one arm only, and one on both.
    @Test(arguments: Compilation.allCases)
    func checksOnArms(compilation: Compilation) throws {
        let instance = try instance(
            """
            (module
              (memory i64 1)
              (func (export "one") (param $x i32) (param $a i64) (result i64)
                (if (local.get $x) (then (drop (i64.load (local.get $a)))))
                (i64.load (local.get $a)))
              (func (export "both") (param $x i32) (param $a i64) (result i64)
                (if (local.get $x)
                  (then (drop (i64.load (local.get $a))))
                  (else (drop (i64.load8_u (local.get $a)))))
                (i64.load (local.get $a))))
            """, compilation)
        for name in ["one", "both"] {
            let function = try instance.function(name, as: ((Int32, Int64) -> Int64).self)
            for x in [Int32(0), 1] {
                #expect(try function(x, 65528) == 0)
                for address in [65529, 1 << 40] as [Int64] {
                    let trap = try #require(throws: Trap.self) { try function(x, address) }
                    #expect(trap.code == .memoryOutOfBounds)
                }
            }
        }
    }
}
