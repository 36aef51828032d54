import Apus
import ApusTestSupport
import Testing

/// Modules on which compiled code was once wrong, made small by hand.
@Suite struct FoundFaultTests {
    /// An operand that a folded `select` or an addition of 0 left in the frame slot of the position
    /// above its own was overwritten by the next operand there.
    @Test(arguments: ["select", "sum"])
    func operandMovesDown(name: String) throws {
        let store = Store(Engine())
        let instance = try Instance(store, Module(store.engine, bytes: Self.operandMovesDown))
        let function = try instance.function(name, as: ((Int32) -> (Int32, Int32)).self)
        #expect(try function(10) == (50, 30))
    }

    /// Both functions compute a value before a call, move it down one position, and compute
    /// another before a second call.
    private static let operandMovesDown: [UInt8] = [
        0x00, 0x61, 0x73, 0x6D, 0x01, 0x00, 0x00, 0x00, 0x01, 0x0A, 0x02, 0x60, 0x00, 0x00,
        0x60, 0x01, 0x7F, 0x02, 0x7F, 0x7F, 0x03, 0x04, 0x03, 0x00, 0x01, 0x01, 0x07, 0x10,
        0x02, 0x06, 0x73, 0x65, 0x6C, 0x65, 0x63, 0x74, 0x00, 0x01, 0x03, 0x73, 0x75, 0x6D,
        0x00, 0x02, 0x0A, 0x2E, 0x03, 0x02, 0x00, 0x0B, 0x15, 0x00, 0x41, 0x07, 0x20, 0x00,
        0x41, 0x05, 0x6C, 0x10, 0x00, 0x41, 0x00, 0x1B, 0x20, 0x00, 0x41, 0x03, 0x6C, 0x10,
        0x00, 0x0B, 0x13, 0x00, 0x41, 0x00, 0x20, 0x00, 0x41, 0x05, 0x6C, 0x10, 0x00, 0x6A,
        0x20, 0x00, 0x41, 0x03, 0x6C, 0x10, 0x00, 0x0B, 0x00, 0x11, 0x04, 0x6E, 0x61, 0x6D,
        0x65, 0x01, 0x0A, 0x01, 0x00, 0x07, 0x6E, 0x6F, 0x74, 0x68, 0x69, 0x6E, 0x67,
    ]

    /// With every register taken, an old value of the local that a load or `copysign` sets was
    /// moved through the scratch register while that held the memory's base, or the sign.
    @Test func scratchInUse() throws {
        let store = Store(Engine())
        let instance = try Instance(store, Module(store.engine, bytes: Self.scratchInUse))
        let arguments = (1...11).map { Value.i32($0) } + [.i32(1000)]
        guard case .i32(let sum)? = try instance.function("load").call(arguments).first else {
            Issue.record("load gives no i32")
            return
        }
        #expect(sum == 3002)
        let copysign = try instance.function(
            "copysign", as: ((Double, Double, Double) -> Double).self)
        #expect(try copysign(1000, 5, -2) == 1274)
    }

    /// `load`: an old local, 22 products, a load into the local, and the sum of all. `copysign`:
    /// the same with 18 products of floats, and the new value of the local added.
    private static let scratchInUse: [UInt8] = [
        0x00, 0x61, 0x73, 0x6D, 0x01, 0x00, 0x00, 0x00, 0x01, 0x1B, 0x03, 0x60, 0x00, 0x00,
        0x60, 0x0C, 0x7F, 0x7F, 0x7F, 0x7F, 0x7F, 0x7F, 0x7F, 0x7F, 0x7F, 0x7F, 0x7F, 0x7F,
        0x01, 0x7F, 0x60, 0x03, 0x7C, 0x7C, 0x7C, 0x01, 0x7C, 0x03, 0x04, 0x03, 0x00, 0x01,
        0x02, 0x05, 0x03, 0x01, 0x00, 0x01, 0x07, 0x13, 0x02, 0x04, 0x6C, 0x6F, 0x61, 0x64,
        0x00, 0x01, 0x08, 0x63, 0x6F, 0x70, 0x79, 0x73, 0x69, 0x67, 0x6E, 0x00, 0x02, 0x0A,
        0xB0, 0x04, 0x03, 0x02, 0x00, 0x0B, 0xAE, 0x02, 0x00, 0x20, 0x0B, 0x20, 0x0B, 0x72,
        0x21, 0x0B, 0x20, 0x00, 0x20, 0x00, 0x72, 0x21, 0x00, 0x20, 0x00, 0x20, 0x00, 0x72,
        0x21, 0x00, 0x20, 0x00, 0x20, 0x00, 0x72, 0x21, 0x00, 0x20, 0x00, 0x20, 0x00, 0x72,
        0x21, 0x00, 0x20, 0x01, 0x20, 0x01, 0x72, 0x21, 0x01, 0x20, 0x01, 0x20, 0x01, 0x72,
        0x21, 0x01, 0x20, 0x01, 0x20, 0x01, 0x72, 0x21, 0x01, 0x20, 0x01, 0x20, 0x01, 0x72,
        0x21, 0x01, 0x20, 0x02, 0x20, 0x02, 0x72, 0x21, 0x02, 0x20, 0x02, 0x20, 0x02, 0x72,
        0x21, 0x02, 0x20, 0x02, 0x20, 0x02, 0x72, 0x21, 0x02, 0x20, 0x02, 0x20, 0x02, 0x72,
        0x21, 0x02, 0x20, 0x03, 0x20, 0x03, 0x72, 0x21, 0x03, 0x20, 0x03, 0x20, 0x03, 0x72,
        0x21, 0x03, 0x20, 0x03, 0x20, 0x03, 0x72, 0x21, 0x03, 0x20, 0x03, 0x20, 0x03, 0x72,
        0x21, 0x03, 0x20, 0x04, 0x20, 0x04, 0x72, 0x21, 0x04, 0x20, 0x04, 0x20, 0x04, 0x72,
        0x21, 0x04, 0x20, 0x04, 0x20, 0x04, 0x72, 0x21, 0x04, 0x20, 0x04, 0x20, 0x04, 0x72,
        0x21, 0x04, 0x10, 0x00, 0x20, 0x0B, 0x20, 0x00, 0x41, 0x03, 0x6C, 0x20, 0x01, 0x41,
        0x04, 0x6C, 0x20, 0x02, 0x41, 0x05, 0x6C, 0x20, 0x03, 0x41, 0x06, 0x6C, 0x20, 0x04,
        0x41, 0x07, 0x6C, 0x20, 0x05, 0x41, 0x08, 0x6C, 0x20, 0x06, 0x41, 0x09, 0x6C, 0x20,
        0x07, 0x41, 0x0A, 0x6C, 0x20, 0x08, 0x41, 0x0B, 0x6C, 0x20, 0x09, 0x41, 0x0C, 0x6C,
        0x20, 0x0A, 0x41, 0x0D, 0x6C, 0x20, 0x00, 0x41, 0x0E, 0x6C, 0x20, 0x01, 0x41, 0x0F,
        0x6C, 0x20, 0x02, 0x41, 0x10, 0x6C, 0x20, 0x03, 0x41, 0x11, 0x6C, 0x20, 0x04, 0x41,
        0x12, 0x6C, 0x20, 0x05, 0x41, 0x13, 0x6C, 0x20, 0x06, 0x41, 0x14, 0x6C, 0x20, 0x07,
        0x41, 0x15, 0x6C, 0x20, 0x08, 0x41, 0x16, 0x6C, 0x20, 0x09, 0x41, 0x17, 0x6C, 0x20,
        0x0A, 0x41, 0x18, 0x6C, 0x20, 0x00, 0x41, 0x08, 0x6C, 0x41, 0xFF, 0x1F, 0x71, 0x28,
        0x02, 0x00, 0x21, 0x0B, 0x6A, 0x6A, 0x6A, 0x6A, 0x6A, 0x6A, 0x6A, 0x6A, 0x6A, 0x6A,
        0x6A, 0x6A, 0x6A, 0x6A, 0x6A, 0x6A, 0x6A, 0x6A, 0x6A, 0x6A, 0x6A, 0x6A, 0x20, 0x0B,
        0x6A, 0x0B, 0xFA, 0x01, 0x00, 0x10, 0x00, 0x20, 0x00, 0x20, 0x01, 0x44, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x08, 0x40, 0xA2, 0x20, 0x02, 0x44, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x10, 0x40, 0xA2, 0x20, 0x01, 0x44, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x14, 0x40, 0xA2, 0x20, 0x02, 0x44, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x18, 0x40,
        0xA2, 0x20, 0x01, 0x44, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x1C, 0x40, 0xA2, 0x20,
        0x02, 0x44, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x20, 0x40, 0xA2, 0x20, 0x01, 0x44,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x22, 0x40, 0xA2, 0x20, 0x02, 0x44, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x24, 0x40, 0xA2, 0x20, 0x01, 0x44, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x26, 0x40, 0xA2, 0x20, 0x02, 0x44, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x28, 0x40, 0xA2, 0x20, 0x01, 0x44, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x2A, 0x40,
        0xA2, 0x20, 0x02, 0x44, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x2C, 0x40, 0xA2, 0x20,
        0x01, 0x44, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x2E, 0x40, 0xA2, 0x20, 0x02, 0x44,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x30, 0x40, 0xA2, 0x20, 0x01, 0x44, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x31, 0x40, 0xA2, 0x20, 0x02, 0x44, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x32, 0x40, 0xA2, 0x20, 0x01, 0x44, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x33, 0x40, 0xA2, 0x20, 0x02, 0x44, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x34, 0x40,
        0xA2, 0x20, 0x01, 0x20, 0x02, 0xA6, 0x21, 0x00, 0xA0, 0xA0, 0xA0, 0xA0, 0xA0, 0xA0,
        0xA0, 0xA0, 0xA0, 0xA0, 0xA0, 0xA0, 0xA0, 0xA0, 0xA0, 0xA0, 0xA0, 0xA0, 0x20, 0x00,
        0xA0, 0x0B, 0x00, 0x11, 0x04, 0x6E, 0x61, 0x6D, 0x65, 0x01, 0x0A, 0x01, 0x00, 0x07,
        0x6E, 0x6F, 0x74, 0x68, 0x69, 0x6E, 0x67,
    ]

    /// A branch whose two ways lead to the same code dropped its test, and the load in it.
    @Test func loadsOfTestsWithoutConsequenceTrap() throws {
        let store = Store(Engine())
        let text = """
            (module (memory 1)
              (func (export "f") (param i32) (if (i32.load8_u (local.get 0)) (then)))
              (func (export "g") (param i32)
                (if (f64.ne (f64.load (local.get 0)) (f64.const 0)) (then))))
            """
        let instance = try Instance(store, Module(store.engine, text: text))
        for name in ["f", "g"] {
            let function = try instance.function(name, as: ((Int32) -> Void).self)
            try function(65528)
            let trap = #expect(throws: Trap.self) { try function(65536) }
            #expect(trap?.code == .memoryOutOfBounds)
        }
    }

    /// Many locals and many branches that carry them: as much as their product is left to the
    /// baseline compiler.
    @Test func manyLocalsOnManyBranches() throws {
        let locals = 3000
        var text = "(module (func (export \"f\") (param i32) (result i32) (local"
        text += String(repeating: " i32", count: locals) + ") (block"
        for local in 1...locals {
            text += " (local.set \(local) (i32.add (local.get 0) (i32.const \(local))))"
        }
        text += String(repeating: " (br_if 0 (local.get 0))", count: 3000)
        text += ") (i32.add (local.get 1) (local.get \(locals)))))"
        let store = Store(Engine())
        let instance = try Instance(store, Module(store.engine, text: text))
        let function = try instance.function("f", as: ((Int32) -> Int32).self)
        #expect(try function(0) == 3001)
        #expect(try function(10) == 3021)
    }

    /// Aligning an inner loop made a jump back to the outer one long, and so a jump over that,
    /// which had been measured as short, did not reach its label.
    @Test(arguments: 36..<52)
    func jumpsOverJumpsBackReachTheirLabels(before: Int) throws {
        let engine = Engine()
        var text = "(module (memory 1)\n"
        for behind in 55..<64 { text += Self.jumpOverJumpBack(before, behind) }
        let instance = try Instance(Store(engine), Module(engine, text: text + ")"))
        for behind in 55..<64 {
            let function = try instance.function("f\(behind)", as: ((Int32, Int32) -> Int32).self)
            #expect(try function(0, 3) == 3)
            #expect(try function(3, 2) == 6)
        }
    }

    /// Counts what an inner loop does, with so many instructions of two bytes before the jump back
    /// and behind it.
    private static func jumpOverJumpBack(_ before: Int, _ behind: Int) -> String {
        func instructions(_ count: Int) -> String {
            (0..<count).map {
                $0 % 2 == 0
                    ? "(local.set 4 (i32.add (local.get 4) (local.get 0)))"
                    : "(local.set 4 (i32.xor (local.get 4) (local.get 1)))"
            }.joined()
        }
        return """
            (func (export "f\(behind)") (param i32 i32) (result i32) (local i32 i32 i32)
              (loop
                (local.set 3 (local.get 1))
                (loop
                  (local.set 2 (i32.add (local.get 2) (i32.const 1)))
                  (br_if 0 (local.tee 3 (i32.sub (local.get 3) (i32.const 1)))))
                \(instructions(before))
                (block
                  (br_if 0 (i32.le_s (local.get 0) (i32.const 1)))
                  (br_if 1 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))
                  \(instructions(behind))))
              (i32.store (i32.const 8) (local.get 4))
              (local.get 2))

            """
    }

    /// A global that begins as an earlier one of the module had only the low half of a vector.
    @Test(arguments: [Compilation.baseline, .optimizing])
    func globalsBeginAsEarlierOnes(compilation: Compilation) throws {
        let engine = Engine(compilation.configuration)
        let instance = try Instance(
            Store(engine),
            Module(
                engine,
                text: """
                    (module
                      (func $f (export "f"))
                      (global $v v128 (v128.const i64x2 1 2)) (global $i i64 (i64.const -1))
                      (global $n f64 (f64.const nan:0x4000000000001))
                      (global $r funcref (ref.func $f)) (global $z externref (ref.null extern))
                      (global (export "v") (mut v128) (global.get $v))
                      (global $w v128 (global.get $v))
                      (global (export "w") v128 (global.get $w))
                      (global (export "i") i64 (i64.mul (global.get $i) (i64.const 3)))
                      (global (export "n") f64 (global.get $n))
                      (global (export "r") (mut funcref) (global.get $r))
                      (global (export "z") externref (global.get $z)))
                    """))
        let values = try ["v", "w", "i", "n", "z"].map { name in
            ReferenceValue(try instance.global(name).value)
        }
        let vector = ReferenceValue(.v128(Vector128(low: 1, high: 2)))
        let number = ReferenceValue(.f64(Double(bitPattern: 0x7FF4_0000_0000_0001)))
        #expect(
            values == [
                vector, vector, ReferenceValue(.i64(-3)), number, ReferenceValue(.external(nil)),
            ])
        guard case .function(let function?) = try instance.global("r").value else {
            Issue.record("r is no function")
            return
        }
        #expect(try function == instance.function("f"))
    }

    /// Arrays of constant expressions were filled one element at a time: seconds for a few bytes of
    /// module. They are filled in pieces now, each element at its place.
    @Test(arguments: [
        ("i8", "i32", "i32.const -2", "get_u", ReferenceValue.i32(254)),
        ("i16", "i32", "i32.const 0x12345", "get_s", .i32(0x2345)),
        ("f32", "f32", "f32.const 2.5", "get", .f32(0x4020_0000)),
        ("i64", "i64", "i64.const -7", "get", .i64(UInt64(bitPattern: -7))),
        ("v128", "v128", "v128.const i64x2 3 4", "get", .v128(low: 3, high: 4)),
    ])
    func constantArrays(
        storage: String, type: String, value: String, read: String, expected: ReferenceValue
    ) throws {
        let store = Store(Engine())
        let length = 300_001
        let instance = try Instance(
            store,
            Module(
                store.engine,
                text: """
                    (module
                      (type $a (array \(storage)))
                      (global $g (ref $a) (array.new $a (\(value)) (i32.const \(length))))
                      (func (export "at") (param i32) (result \(type))
                        (array.\(read) $a (global.get $g) (local.get 0)))
                      (func (export "length") (result i32) (array.len (global.get $g))))
                    """))
        let found = try [0, 1, 131_071, 131_072, 262_144, length - 1].map { place in
            try instance.function("at").call([.i32(Int32(place))]).map { ReferenceValue($0) }
        }
        #expect(found == Array(repeating: [expected], count: found.count))
        #expect(try instance.function("length", as: (() -> Int32).self)() == Int32(length))
    }

    /// The optimizing compiler took the lower half of a constant size for the size: where the heap
    /// has room, which it has once there is an object, it made an array that said that it had more
    /// elements than lay in the heap.
    @Test(
        arguments: Compilation.allCases,
        [
            ("i8", 1), ("i16", 2), ("i32", 4), ("f32", 4), ("i64", 8), ("f64", 8), ("v128", 16),
            ("anyref", 8), ("funcref", 8),
        ])
    func arraysOfSizesBeyond32Bits(compilation: Compilation, element: (String, UInt64)) throws {
        let (storage, unit) = element
        let whole = (1 << 32) / unit
        var counts = [UInt64(UInt32.max), UInt64(UInt32.max) - 8]
        if unit > 1 { counts += [whole - 1, whole, whole + 1, whole + 100, whole / 2 * 3] }
        counts = counts.filter { $0 < 1 << 32 }
        let fixed = counts.enumerated().map { index, count in
            """
            (func (export "new\(index)") (result i32)
              (array.len (array.new_default $a (i32.const \(count)))))
            (func $count\(index) (result i32) (i32.const \(count)))
            (func (export "inlined\(index)") (result i32)
              (array.len (array.new_default $a (call $count\(index)))))
            """
        }
        let engine = Engine(compilation.configuration)
        let functions = fixed.joined(separator: "\n")
        let text = """
            (module (type $a (array (mut \(storage))))
              (func $small (drop (array.new_default $a (i32.const 1)))) (start $small) \(functions))
            """
        let module = try Module(engine, text: text)
        let instance = try Instance(Store(engine, limits: Limits(heapBytes: 16 << 20)), module)
        for name in module.exports.map(\.name) {
            let trap = #expect(throws: Trap.self, "\(name) of \(counts)") {
                try instance.function(name, as: (() -> Int32).self)()
            }
            #expect(trap?.code == .allocationTooLarge, "\(name) of \(counts)")
        }
    }
}
