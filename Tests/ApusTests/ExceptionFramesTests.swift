import Apus
import ApusTestSupport
import Testing

/// Exceptions that leave frames of all kinds, one behind the other in an order of chance: what the
/// frame that catches had in registers is there again, whoever has used them since.
@Suite struct ExceptionFramesTests {
    /// What the numbers of a path stand for, and how many values live across the calls of each.
    private enum Kind: Equatable {
        case throwing
        case plain(UInt64)
        case catching(UInt64)
        case again
        case twice
        case host
        case tail

        static let all: [Kind] =
            [.throwing] + (1...5).map { .plain($0) } + (1...6).map { .catching($0) }
            + [.again, .twice, .host, .tail]

        var valueCount: UInt64 {
            switch self {
            case .plain(let count), .catching(let count): count
            case .again: 3
            case .twice: 2
            default: 0
            }
        }
    }

    private struct Thrown: Error { var seed: UInt64 }

    // MARK: What is right

    private static func values(_ kind: Kind, _ seed: UInt64) -> [UInt64] {
        (0..<kind.valueCount).map { seed &* (2 &* $0 &+ 3) &+ $0 }
    }

    private static func mix(_ kind: Kind, _ seed: UInt64) -> UInt64 {
        values(kind, seed).enumerated().reduce(0) { $0 &+ $1.element &* UInt64(3 + $1.offset) }
    }

    /// What the function returns that `path` begins with, or throws.
    private static func model(_ path: UInt64, _ seed: UInt64) throws(Thrown) -> UInt64 {
        let kind = Kind.all[Int(path & 15)]
        func next() throws(Thrown) -> UInt64 { try model(path >> 5, seed &+ 7) }
        func caught() -> UInt64 {
            do { return try next() } catch { return error.seed &+ 13 }
        }
        switch kind {
        case .throwing: throw Thrown(seed: seed)
        case .plain: return try next() &+ mix(kind, seed)
        case .catching: return caught() &+ mix(kind, seed)
        case .twice: return caught() &+ caught() &+ mix(kind, seed)
        case .host, .tail: return try next()
        case .again:
            do {
                return try next()
            } catch {
                if mix(kind, seed) & 1 == 0 { throw error }
                return mix(kind, seed)
            }
        }
    }

    // MARK: The guest

    private static func next(_ function: String) -> String {
        """
        (\(function)
          (i64.shr_u (local.get $path) (i64.const 5))
          (i64.add (local.get $seed) (i64.const 7))
          (i32.and (i32.wrap_i64 (local.get $path)) (i32.const 31)))
        """
    }

    private static let call = next("call_indirect $table (type $t)")
    private static let caught = """
        (block $done (result i64)
          (i64.add (i64.const 13)
            (block $h (result i64)
              (br $done (try_table (result i64) (catch $e $h) \(call))))))
        """

    private static func body(_ kind: Kind) -> String {
        var mix = "(i64.const 0)"
        for value in 0..<kind.valueCount {
            let times = "(i64.mul (local.get $v\(value)) (i64.const \(3 + value)))"
            mix = "(i64.add \(mix) \(times))"
        }
        return switch kind {
        case .throwing: "(throw $e (local.get $seed))"
        case .plain: "(i64.add \(call) \(mix))"
        case .catching: "(i64.add \(caught) \(mix))"
        case .twice:
            """
            (loop $both
              (local.set $sum (i64.add \(caught) (local.get $sum)))
              (br_if $both (local.tee $second (i32.eqz (local.get $second)))))
            (i64.add (local.get $sum) \(mix))
            """
        case .again:
            """
            (local.set $x
              (block $h (result exnref)
                (return (try_table (result i64) (catch_all_ref $h) \(call)))))
            (if (i64.eqz (i64.and \(mix) (i64.const 1))) (then (throw_ref (local.get $x))))
            \(mix)
            """
        case .host: next("call $through")
        case .tail: next("return_call_indirect $table (type $t)")
        }
    }

    private static func function(_ kind: Kind, _ index: Int) -> String {
        let places = 0..<kind.valueCount
        let locals = places.map { "(local $v\($0) i64)" }.joined(separator: " ")
        let values = places.map {
            """
            (local.set $v\($0) (i64.add (i64.const \($0))
              (i64.mul (local.get $seed) (i64.const \(2 * $0 + 3)))))
            """
        }.joined(separator: "\n")
        return """
            (func $f\(index) (type $t) (param $path i64) (param $seed i64) (result i64)
              \(locals) (local $sum i64) (local $second i32) (local $x exnref)
              \(values)
              \(body(kind)))
            """
    }

    /// Functions of all kinds, from `start` on in the table that all instances share.
    private static func text(from start: Int) -> String {
        let functions = Kind.all.enumerated().map { function($1, $0) }.joined(separator: "\n")
        return """
            (module
              (type $t (func (param i64 i64) (result i64)))
              (import "host" "through" (func $through (param i64 i64 i32) (result i64)))
              (import "host" "e" (tag $e (param i64)))
              (import "host" "table" (table $table 32 funcref))
              \(functions)
              (func (export "run") (param i64 i64 i32) (result i64)
                (call_indirect $table (type $t)
                  (local.get 0) (local.get 1) (local.get 2)))
              (elem (i32.const \(start))
                \((0..<Kind.all.count).map { "$f\($0)" }.joined(separator: " "))))
            """
    }

    // MARK: Runs

    @Test(arguments: Engine.Compiler.allCases, [false, true])
    func registersAreAsTheyWere(compiler: Engine.Compiler, isMetered: Bool) throws {
        var configuration = Engine.Configuration()
        configuration.compiler = compiler
        configuration.isFuelMetered = isMetered
        let engine = Engine(configuration)
        let store = Store(engine)
        if isMetered { store.fuel = .max / 2 }
        var linker = Linker(engine)
        let tag = try Tag(store, parameters: [.i64])
        linker.define("host", "e", tag)
        let tableType = TableType(element: .funcref, limits: SizeLimits(minimum: 32))
        linker.define("host", "table", try Table(store, tableType))
        linker.define("host", "through") {
            (caller: Caller, path: Int64, seed: Int64, index: Int32) throws -> Int64 in
            let instance = try #require(caller.instance)
            return try instance.function("run", as: ((Int64, Int64, Int32) -> Int64).self)(
                path, seed, index)
        }
        let instances = try [0, 16].map {
            try linker.instantiate(Module(engine, text: Self.text(from: $0)), in: store)
        }
        let run = try instances[0].function("run", as: ((Int64, Int64, Int32) -> Int64).self)
        var choices = ChoiceSource(seed: 20_261_130)
        var thrown = 0
        for _ in 0..<3000 {
            var path: UInt64 = 0
            for _ in 0...choices.below(12) { path = path << 5 | UInt64(1 + choices.below(31)) }
            let seed = UInt64(choices.below(1 << 31)) &* 0x9E37_79B9_7F4A_7C15
            let expected = Result { () throws(Thrown) in try Self.model(path, seed) }
            let found = Result {
                try run(
                    Int64(bitPattern: path >> 5), Int64(bitPattern: seed), Int32(path & 31))
            }
            switch expected {
            case .success(let value):
                #expect(try found.get() == Int64(bitPattern: value), "path \(path)")
            case .failure(let error):
                thrown += 1
                let exception = #expect(throws: WasmException.self) { try found.get() }
                #expect(exception?.hasTag(tag) == true)
                guard case .i64(let value)? = try exception?.values(in: store).first else {
                    Issue.record("it carries nothing")
                    continue
                }
                #expect(value == Int64(bitPattern: error.seed))
            }
        }
        #expect(thrown > 100)
    }
}
