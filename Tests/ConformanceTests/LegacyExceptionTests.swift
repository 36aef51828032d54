import Apus
import ApusCollections
import ApusFormat
import ApusText
import Testing

/// Exception handling as it was before it was standardised, as the decoder rewrites it.
@Suite struct LegacyExceptionTests {
    private static let features = FeatureSet.standard.union(.init(.legacyExceptions))

    private static let text = """
        (module
          (tag $e (param i32))
          (tag $f)
          (func $throw (param i32)
            (if (i32.eqz (local.get 0)) (then (throw $f)))
            (throw $e (local.get 0)))
          (func (export "nested") (param i32) (result i32) (local i64)
            (try $outer (result i32)
              (do
                (try (result i32)
                  (do (call $throw (local.get 0)) (i32.const -1))
                  (catch $e (drop) (rethrow 0))
                  (catch_all (i32.const 9))))
              (catch $e (i32.mul (i32.const 2)))))
          (func (export "delegated") (param i32) (result i32)
            (try $outer (result i32)
              (do
                (try (result i32)
                  (do
                    (try (result i32)
                      (do (call $throw (local.get 0)) (i32.const 1))
                      (delegate $outer)))
                  (catch_all (i32.const 55))))
              (catch $e (i32.sub (i32.const 1)))
              (catch_all (i32.const 66))))
          (func (export "toCaller") (param i32) (result i32)
            (try (result i32)
              (do (try (result i32) (do (call $throw (local.get 0)) (i32.const 1)) (delegate 1)))
              (catch_all (i32.const 55))))
          (func (export "parameters") (param i32) (result i32 i32)
            (i32.const 3)
            (local.get 0)
            try (param i32 i32) (result i32 i32)
              call $throw
              i32.const 1
            catch $e
              i32.const 40
              (br_if 0 (local.get 0))
            catch_all
              i32.const 7
              i32.const 8
            end)
          (func (export "both") (param i32) (result i32)
            (local $sum i32)
            (loop $again
              (try
                (do
                  (try
                    (do (call $throw (local.get 0)))
                    (catch $e
                      (local.set $sum (i32.add (local.get $sum)))
                      (try (do (rethrow 1)) (catch_all (rethrow 1))))))
                (catch $e (drop))
                (catch_all (return (local.get $sum))))
              (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
              (br $again))
            (unreachable))
          (func (export "table") (param i32) (result i32)
            (block $a
              (block $b
                (try
                  (do (br_table 0 $b $a (local.get 0)))
                  (catch_all))
                (return (i32.const 10)))
              (return (i32.const 11)))
            (i32.const 12))
          (func (export "trap")
            (try
              (do (nop) (unreachable))
              (catch_all))))
        """

    private static func engine(_ compiler: Engine.Compiler) -> Engine {
        var configuration = Engine.Configuration()
        configuration.compiler = compiler
        configuration.features = features
        return Engine(configuration)
    }

    private static func bytes(_ text: String) throws -> [UInt8] {
        try TextFormat.parseModule(text)
    }

    @Test(arguments: Engine.Compiler.allCases)
    func runsAsItDid(compiler: Engine.Compiler) throws {
        let engine = Self.engine(compiler)
        let instance = try Instance(Store(engine), Module(engine, text: Self.text))
        func call(_ name: String, _ argument: Int32) throws -> [Int32] {
            try instance.function(name).call(.i32(argument)).map {
                guard case .i32(let number) = $0 else { return .min }
                return number
            }
        }
        #expect(try call("nested", 5) == [10])
        #expect(try call("nested", 0) == [9])
        #expect(try call("delegated", 5) == [4])
        #expect(try call("delegated", 0) == [66])
        #expect(throws: WasmException.self) { try call("toCaller", 5) }
        #expect(throws: WasmException.self) { try call("toCaller", 0) }
        #expect(try call("parameters", 5) == [5, 40])
        #expect(try call("parameters", 0) == [7, 8])
        #expect(try call("both", 4) == [10])
        #expect(try [0, 1, 2].map { try call("table", $0) } == [[10], [11], [12]])
    }

    /// The last body may lie before the first one, which is written anew.
    @Test(arguments: Engine.Compiler.allCases)
    func bodiesLieInNoOrder(compiler: Engine.Compiler) throws {
        let engine = Self.engine(compiler)
        let bytes = try Self.bytes(
            """
            (tag $e (param i32))
            (func (export "caught") (param i32) (result i32)
              (try (result i32)
                (do (call $throw (local.get 0)) (i32.const 0))
                (catch $e)))
            (func $throw (param i32) (throw $e (local.get 0)))
            """)
        let module = try ModuleDecoder.decode(ByteStorage(bytes), features: Self.features)
        #expect(module.bodies[1].end < module.bodies[0].start)
        let instance = try Instance(Store(engine), Module(engine, bytes: bytes))
        #expect(try instance.function("caught", as: ((Int32) -> Int32).self)(7) == 7)
    }

    /// Places are those of the module as it is.
    @Test func placesAreThoseOfTheModule() throws {
        var configuration = Engine.Configuration()
        configuration.features = Self.features
        let engine = Engine(configuration)
        let bytes = try Self.bytes(Self.text)
        let module = try Module(engine, bytes: bytes)
        let instance = try Instance(Store(engine), module)
        do {
            _ = try instance.function("trap").call()
            Issue.record("it did not trap")
        } catch let trap as Trap {
            // nop, unreachable, catch_all
            let offset = try #require(trap.backtrace.first?.offset)
            #expect(Array(bytes[offset - 1...offset + 1]) == [0x01, 0x00, 0x19])
        }
        let error = #expect(throws: ModuleError.self) {
            try Module(engine, bytes: Self.bytes("(func (try (do (nop) (i32.eqz) (drop))))"))
        }
        let broken = try Self.bytes("(func (try (do (nop) (i32.eqz) (drop))))")
        #expect(broken[try #require(error?.offset)] == 0x45)
    }

    @Test(arguments: [
        ("(func (rethrow 0))", "invalid rethrow label"),
        ("(func (try (do (rethrow 0)) (catch_all)))", "invalid rethrow label"),
        ("(func (try (do) (delegate 7)))", "unknown label"),
        ("(func (try (do) (catch 3)))", "unknown tag"),
        ("(func (try (type 9) (do) (catch_all)))", "unknown type"),
        ("(func (try (do)) (try_table))", "try_table in a function with legacy"),
        ("(tag) (func (try (result i32) (do (i32.const 1)) (catch 0)))", "type mismatch"),
        ("(func (try (do (br 9)) (catch_all)))", "unknown label 9"),
        ("(func (try (do (br_table 0 8 0 (i32.const 0))) (catch_all)))", "unknown label 8"),
        (
            "(func (local i32) (try (do) (catch_all (rethrow 0))) (drop (local.get 1)))",
            "unknown local 1"
        ),
        (
            "(func (try (do) (catch_all (rethrow 0))) (local.set 0 (ref.null exn)))",
            "unknown local 0"
        ),
    ])
    func whatIsWrongIsSaid(text: String, message: String) throws {
        let error = #expect(throws: ModuleError.self) { try Self.check(Self.bytes(text)) }
        #expect(error?.message.contains(message) == true, "\(error?.message ?? "")")
    }

    /// Types of blocks are made for each pair of what a `try` takes and what is caught: of a few
    /// bytes each, they must not become many large ones.
    /// The types that blocks need which the decoder writes are nobody else's.
    @Test(arguments: [
        "(func (type 2) (unreachable))", "(func (drop (ref.null 2)))",
        "(func (block (type 2) (unreachable)) (drop) (drop))",
        "(func (try (do) (catch_all)) (block (type 2) (unreachable)) (drop) (drop))",
        "(func (try (type 2) (do (unreachable)) (catch_all (unreachable))) (drop) (drop))",
        "(global (ref null 2) (ref.null nofunc))", "(tag (type 2))", "(table 1 (ref null 2))",
        "(func (call_indirect (type 2) (i32.const 0)) (drop) (drop)) (table 1 funcref)",
        "(elem (ref null 2))", "(func (local (ref null 2)))",
        "(func (local (ref null 2)) (try (do) (catch_all)))",
    ])
    func typesOfRewrittenBlocksAreNoOthers(text: String) throws {
        let legacy = "(tag (param i32 i64)) (func (try (do) (catch 0 (drop) (drop))))"
        let bytes = try Self.bytes("\(legacy) \(text)")
        let module = try Self.bytes(legacy)
        try Self.check(module)
        let error = #expect(throws: ModuleError.self) { try Self.check(bytes) }
        #expect(error?.message.hasPrefix("unknown type 2") == true)
    }

    /// A body that is written anew has no hints, others keep theirs.
    @Test func hintsAreOfNoOtherInstructions() throws {
        let hinted = #"(block (@metadata.code.branch_hint "\01") (br_if 0 (local.get 0)))"#
        let bytes = try Self.bytes(
            "(func (param i32) (try (do) (catch_all)) \(hinted)) (func (param i32) \(hinted))")
        let module = try ModuleDecoder.decode(ByteStorage(bytes), features: Self.features)
        #expect(module.bodies.map { module.branchHints.range(of: $0).count } == [0, 1])
    }

    @Test func typesOfBlocksAreBounded() throws {
        func text(values: Int) -> String {
            let lists = (0..<36).map { String(repeating: " i32", count: values + $0) }
            let types = lists.enumerated().map { "(type $b\($0) (func (param\($1))))" }
            let tags = lists.enumerated().map { "(tag $t\($0) (param\($1)))" }
            let tries = (0..<36).flatMap { block in
                (0..<36).map { tag in
                    "unreachable try (type $b\(block)) unreachable catch $t\(tag) unreachable end"
                }
            }
            return (types + tags + ["(func"] + tries + [")"]).joined(separator: "\n")
        }
        let error = #expect(throws: ModuleError.self) {
            try Self.check(Self.bytes(text(values: 900)))
        }
        #expect(error?.kind == .limit)
        try Self.check(Self.bytes(text(values: 9)))
    }

    private static func check(_ bytes: [UInt8]) throws(ModuleError) {
        let module = try ModuleDecoder.decode(ByteStorage(bytes), features: features)
        try ModuleValidator.validate(module, features: features)
        var validator = FunctionValidator(module, features: features)
        for index in module.importedFunctionCount..<module.functions.count {
            try validator.validate(index)
        }
    }

    /// Whatever the bytes are, they are accepted or refused.
    @Test func damagedModulesAreRefusedOrRewritten() throws {
        let bytes = try Self.bytes(Self.text)
        var state: UInt64 = 88
        func next(_ count: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % count
        }
        let opcodes: [UInt8] = [0x06, 0x07, 0x09, 0x0B, 0x0C, 0x0E, 0x18, 0x19, 0x1C, 0x1F, 0xFF]
        var accepted = 0
        for _ in 0..<20_000 {
            var damaged = bytes
            for _ in 0...next(3) {
                damaged[next(damaged.count)] =
                    next(2) == 0 ? opcodes[next(opcodes.count)] : UInt8(next(256))
            }
            do throws(ModuleError) {
                try Self.check(damaged)
                accepted += 1
            } catch {
                #expect(error.offset <= damaged.count)
            }
        }
        #expect(accepted > 100)
    }
}
