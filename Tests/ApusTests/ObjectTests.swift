import Apus
import Testing

/// Structures, arrays and small integers of guests, and what the host does with them.
@Suite(.serialized) struct ObjectTests {
    private static let text = """
        (module
          (type $pair (struct (field (mut i32)) (field i8) (field (mut anyref))))
          (type $bytes (array (mut i8)))
          (type $any (array (mut anyref)))
          (type $wide (struct (field v128) (field f64) (field (mut externref))))
          (global $kept (mut anyref) (ref.null any))
          (func (export "pair") (param i32 i32 anyref) (result (ref $pair))
            (struct.new $pair (local.get 0) (local.get 1) (local.get 2)))
          (func (export "first") (param (ref $pair)) (result i32)
            (struct.get $pair 0 (local.get 0)))
          (func (export "second") (param (ref $pair)) (result i32)
            (struct.get_s $pair 1 (local.get 0)))
          (func (export "third") (param (ref $pair)) (result anyref)
            (struct.get $pair 2 (local.get 0)))
          (func (export "wide") (param externref) (result (ref $wide))
            (struct.new $wide (v128.const i64x2 1 2) (f64.const 0.5) (local.get 0)))
          (func (export "bytes") (param i32) (result (ref $bytes))
            (array.new $bytes (i32.const 0x1ff) (local.get 0)))
          (func (export "sum") (param (ref $bytes)) (result i32) (local $i i32) (local $s i32)
            (block $done
              (loop $next
                (br_if $done (i32.ge_u (local.get $i) (array.len (local.get 0))))
                (local.set $s
                  (i32.add (local.get $s)
                    (array.get_u $bytes (local.get 0) (local.get $i))))
                (local.set $i (i32.add (local.get $i) (i32.const 1)))
                (br $next)))
            (local.get $s))
          (func (export "any") (param i32 anyref) (result (ref $any))
            (array.new $any (local.get 1) (local.get 0)))
          (func (export "same") (param anyref anyref) (result i32)
            (ref.eq (ref.cast (ref null eq) (local.get 0)) (ref.cast (ref null eq) (local.get 1))))
          (func (export "i31") (param i32) (result i31ref) (ref.i31 (local.get 0)))
          (func (export "asAny") (param externref) (result anyref)
            (any.convert_extern (local.get 0)))
          (func (export "asExtern") (param anyref) (result externref)
            (extern.convert_any (local.get 0)))
          (func (export "keep") (param anyref) (global.set $kept (local.get 0)))
          (func (export "kept") (result anyref) (global.get $kept))
          (func (export "waste") (param i32)
            (loop $next
              (drop (struct.new $pair (i32.const 1) (i32.const 2) (ref.null any)))
              (br_if $next (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
          (func (export "hoard") (local $list (ref null $pair))
            (loop $next
              (local.set $list (struct.new $pair (i32.const 1) (i32.const 2) (local.get $list)))
              (br $next)))
          (func $tree (export "tree") (param i32) (result (ref null $pair))
            (if (result (ref null $pair)) (local.get 0)
              (then
                (struct.new $pair
                  (i32.add
                    (call $weight (call $tree (i32.sub (local.get 0) (i32.const 1))))
                    (i32.const 1))
                  (local.get 0)
                  (call $tree (i32.sub (local.get 0) (i32.const 1)))))
              (else (ref.null $pair))))
          (func $weight (param (ref null $pair)) (result i32)
            (if (ref.is_null (local.get 0)) (then (return (i32.const 0))))
            (i32.add
              (struct.get $pair 0 (local.get 0))
              (call $weight
                (ref.cast (ref null $pair) (struct.get $pair 2 (local.get 0)))))))
        """

    private struct Guest {
        let instance: Instance
        var store: Store { instance.store }

        init(
            _ compiler: Engine.Compiler, limits: Limits = Limits(), collectsAlways: Bool = false
        ) throws {
            var configuration = Engine.Configuration()
            configuration.compiler = compiler
            configuration.limits = limits
            configuration.collectsAtEachAllocation = collectsAlways
            let engine = Engine(configuration)
            let module = try Module(engine, text: ObjectTests.text)
            instance = try Linker(engine).instantiate(module, in: Store(engine))
        }

        func call(_ name: String, _ arguments: Value...) throws -> Value {
            try instance.function(name).call(arguments).first ?? .i32(0)
        }

        func number(_ name: String, _ arguments: Value...) throws -> Int32? {
            guard case .i32(let number) = try instance.function(name).call(arguments)[0] else {
                return nil
            }
            return number
        }

        func structure(_ name: String, _ arguments: Value...) throws -> Structure {
            let result = try instance.function(name).call(arguments)[0]
            guard case .any(.structure(let structure)?) = result else {
                throw TypeError(expected: [], found: [result.type], place: "a test")
            }
            return structure
        }

        func array(_ name: String, _ arguments: Value...) throws -> ArrayObject {
            let result = try instance.function(name).call(arguments)[0]
            guard case .any(.array(let array)?) = result else {
                throw TypeError(expected: [], found: [result.type], place: "a test")
            }
            return array
        }

        /// What the parameter of a function has to refer to.
        func parameter(_ name: String) throws -> ValueType {
            try instance.function(name).type.parameters[0]
        }
    }

    /// What is read of an array goes to a local whose old value is still wanted: that moves to
    /// where the array's address must not be.
    @Test(arguments: Engine.Compiler.allCases)
    func elementsGoToLocalsThatAreStillRead(compiler: Engine.Compiler) throws {
        var configuration = Engine.Configuration()
        configuration.compiler = compiler
        let text = """
            (module (type $bytes (array (mut i8)))
              (func (export "run") (param i32) (result i32) (local i32)
                (local.set 1 (i32.const 5))
                (loop $again
                  (local.get 1)
                  (array.get_s $bytes
                    (array.new $bytes (i32.const 7) (i32.const 4)) (i32.const 0))
                  (local.tee 1)
                  (i32.add)
                  (local.set 0)
                  (br_if $again (i32.lt_s (local.get 0) (i32.const 14))))
                (i32.add (local.get 0) (local.get 1))))
            """
        let module = try Module(Engine(configuration), text: text)
        let instance = try Linker(module.engine).instantiate(module, in: Store(module.engine))
        #expect(try instance.function("run", as: ((Int32) -> Int32).self)(1) == 21)
    }

    @Test(arguments: Engine.Compiler.allCases)
    func structuresAreReadAndWritten(compiler: Engine.Compiler) throws {
        let guest = try Guest(compiler)
        let pair = try guest.structure("pair", .i32(-7), .i32(0x1FE), .any(.integer(-5)))
        #expect(pair.count == 3)
        #expect("\(try pair.get(0))" == "i32(-7)")
        #expect("\(try pair.get(1))" == "i32(254)")
        #expect("\(try pair.get(2))" == "i31(-5)")
        try pair.set(0, .i32(9))
        #expect(try guest.number("first", .any(.structure(pair))) == 9)
        #expect(try guest.number("second", .any(.structure(pair))) == -2)
        #expect(throws: TypeError.self) { try pair.set(1, .i32(1)) }
        #expect(throws: TypeError.self) { try pair.set(0, .i64(1)) }
        #expect(throws: TypeError.self) { try pair.get(3) }
        #expect(throws: TypeError.self) { try pair.get(-1) }
        try pair.set(2, .any(.structure(pair)))
        #expect(try guest.structure("third", .any(.structure(pair))) == pair)
        let wide = try guest.structure("wide", .external(ExternReference("text")))
        #expect("\(try wide.get(0))" == "v128(\(Vector128(low: 1, high: 2)))")
        #expect("\(try wide.get(1))" == "f64(0.5)")
        guard case .external(let text?) = try wide.get(2) else {
            Issue.record("no reference")
            return
        }
        #expect(text.value as? String == "text")
    }

    @Test(arguments: Engine.Compiler.allCases)
    func theHostMakesObjects(compiler: Engine.Compiler) throws {
        let guest = try Guest(compiler)
        let type = try guest.parameter("first")
        let pair = try Structure(guest.store, type, [.i32(3), .i32(-1), .any(nil)])
        #expect(pair.type == type)
        #expect(try guest.number("first", .any(.structure(pair))) == 3)
        #expect(try guest.number("second", .any(.structure(pair))) == -1)
        let bytes = try ArrayObject(
            guest.store, guest.parameter("sum"), (1...100).map { .i32($0) })
        #expect(bytes.count == 100)
        #expect(try guest.number("sum", .any(.array(bytes))) == 5050)
        #expect(throws: TypeError.self) { try Structure(guest.store, type, [.i32(3)]) }
        #expect(throws: TypeError.self) {
            try Structure(guest.store, type, [.i64(3), .i32(0), .any(nil)])
        }
        #expect(throws: TypeError.self) { try Structure(guest.store, .funcref, []) }
        #expect(throws: TypeError.self) { try ArrayObject(guest.store, type, []) }
        #expect(throws: TypeError.self) { try guest.call("sum", .any(.structure(pair))) }
        #expect(throws: TypeError.self) { try guest.call("first", .any(nil)) }
    }

    @Test(arguments: Engine.Compiler.allCases)
    func arraysAreReadAndWritten(compiler: Engine.Compiler) throws {
        let guest = try Guest(compiler)
        let bytes = try guest.array("bytes", .i32(10))
        #expect(bytes.count == 10)
        #expect("\(try bytes.get(9))" == "i32(255)")
        try bytes.set(9, .i32(0x101))
        #expect(try guest.number("sum", .any(.array(bytes))) == 255 * 9 + 1)
        for index in [-1, 10] {
            let trap = #expect(throws: Trap.self) { try bytes.get(index) }
            #expect(trap?.code == .arrayOutOfBounds)
            #expect(throws: Trap.self) { try bytes.set(index, .i32(0)) }
        }
        let any = try guest.array("any", .i32(3), .any(.array(bytes)))
        for index in 0..<3 {
            guard case .any(.array(let element)?) = try any.get(index) else {
                Issue.record("no array")
                return
            }
            #expect(element == bytes)
        }
    }

    @Test(arguments: Engine.Compiler.allCases)
    func integersAndObjectsOfTheHost(compiler: Engine.Compiler) throws {
        final class Thing {}
        let guest = try Guest(compiler)
        for number: Int32 in [0, 1, -1, 1 << 30 - 1, -1 << 30] {
            #expect("\(try guest.call("i31", .i32(number)))" == "i31(\(number))")
        }
        #expect("\(try guest.call("i31", .i32(.min + 5)))" == "i31(5)")
        #expect(try guest.number("same", .any(.integer(4)), .any(.integer(4))) == 1)
        #expect(try guest.number("same", .any(.integer(4)), .any(nil)) == 0)
        let thing = Thing()
        guard
            case .any(.external(let converted)?) = try guest.call(
                "asAny", .external(ExternReference(thing)))
        else {
            Issue.record("no object of the host")
            return
        }
        #expect(converted.value as? Thing === thing)
        #expect(throws: Trap.self) {
            try guest.call("same", .any(.external(converted)), .any(nil))
        }
        let pair = try guest.structure("pair", .i32(1), .i32(2), .any(nil))
        guard case .external(let hidden?) = try guest.call("asExtern", .any(.structure(pair)))
        else {
            Issue.record("no external reference")
            return
        }
        guard case .structure(let shown)? = hidden.value as? AnyReference else {
            Issue.record("no structure")
            return
        }
        #expect(shown == pair)
        guard case .any(.structure(let back)?) = try guest.call("asAny", .external(hidden)) else {
            Issue.record("no structure")
            return
        }
        #expect(back == pair)
    }

    @Test(arguments: Engine.Compiler.allCases)
    func heldObjectsStayAndOthersGo(compiler: Engine.Compiler) throws {
        let guest = try Guest(compiler)
        let gone = Counter()
        final class Canary {
            let gone: Counter
            init(_ gone: Counter) { self.gone = gone }
            deinit { gone.add() }
        }
        do {
            let held = try guest.structure("wide", .external(ExternReference(Canary(gone))))
            _ = try guest.call("keep", .any(.structure(held)))
            _ = try guest.call("waste", .i32(1_000_000))
            guest.store.collectObjects()
            #expect(gone.total == 0)
            _ = try guest.call("keep", .any(nil))
            guest.store.collectObjects()
            #expect(gone.total == 0)
            #expect("\(try held.get(1))" == "f64(0.5)")
        }
        guest.store.collectObjects()
        #expect(gone.total == 1)
        let statistics = guest.store.statistics
        #expect(statistics.collections >= 4)
        #expect(statistics.heapBytes > 0 && statistics.heapBytes <= 24 << 20)
        #expect(statistics.peakHeapBytes >= statistics.heapBytes)
    }

    @Test(arguments: Engine.Compiler.allCases)
    func aFullHeapIsATrap(compiler: Engine.Compiler) throws {
        let guest = try Guest(compiler, limits: Limits(heapBytes: 3 << 20))
        let trap = #expect(throws: Trap.self) { try guest.call("hoard") }
        #expect(trap?.code == .heapExhausted)
        let large = #expect(throws: Trap.self) { try guest.call("bytes", .i32(-1)) }
        #expect(large?.code == .allocationTooLarge)
        #expect(guest.store.statistics.heapBytes <= 3 << 20)
        // What was made is let go of.
        #expect(try guest.array("bytes", .i32(1 << 20)).count == 1 << 20)
    }

    @Test(arguments: Engine.Compiler.allCases, [false, true])
    func whatFramesReferToStays(compiler: Engine.Compiler, collectsAlways: Bool) throws {
        let guest = try Guest(compiler, collectsAlways: collectsAlways)
        let depth: Int32 = collectsAlways ? 7 : 10
        let tree = try guest.structure("tree", .i32(depth))
        var weights: [Int32] = []
        var next: Structure? = tree
        while let structure = next {
            guard case .i32(let weight) = try structure.get(0) else { break }
            weights.append(weight)
            guard case .any(let below) = try structure.get(2) else { break }
            if case .structure(let structure)? = below { next = structure } else { next = nil }
        }
        // Each node's weight is one more than all weights of the chain below it.
        var expected: [Int32] = []
        var sum: Int32 = 0
        for _ in 0..<depth {
            expected.insert(sum + 1, at: 0)
            sum += sum + 1
        }
        #expect(weights == expected)
        if collectsAlways { #expect(guest.store.statistics.collections >= (1 << depth) - 1) }
    }

    @Test func objectsBelongToTheirStore() throws {
        let guest = try Guest(.optimizing)
        let other = try Guest(.optimizing)
        let pair = try guest.structure("pair", .i32(1), .i32(2), .any(nil))
        #expect(throws: (any Error).self) { try other.call("keep", .any(.structure(pair))) }
    }

    @Test func typedFunctionsTakeThem() throws {
        let guest = try Guest(.optimizing)
        let keep = try guest.instance.function("keep", as: ((AnyReference?) -> Void).self)
        let kept = try guest.instance.function("kept", as: (() -> AnyReference?).self)
        try keep(.integer(12))
        #expect("\(try kept()!)" == "i31(12)")
        try keep(nil)
        #expect(try kept() == nil)
    }
}
