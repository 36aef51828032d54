import Apus
import Testing

/// Bulk operations whose lengths are known only when they run, on memories of each kind and on data
/// segments: the short ones are done by the stub that calls the runtime, the others by the runtime.
@Suite struct BulkLengthTests {
    enum Kind: CaseIterable {
        case plain, imported, wide, checked, metered
    }

    private static let lengths = Array(0...40) + [48, 63, 64, 65, 66, 96, 127, 128, 129, 150]
    private static let pattern = (0..<500).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ 3) }

    @Test(arguments: Kind.allCases, [Engine.Compiler.baseline, .optimizing])
    func copiesAndFills(kind: Kind, compiler: Engine.Compiler) throws {
        let instance = try Self.instance(kind, compiler)
        let memory = try instance.memory("memory")
        let copy = try instance.function("copy", as: ((Int32, Int32, Int32) -> Void).self)
        let fill = try instance.function("fill", as: ((Int32, Int32, Int32) -> Void).self)
        for count in Self.lengths {
            for distance in Set([-count - 1, -count, -17, -16, -8, -1, 0, 1, 3, 16, 33, count]) {
                var expected = Self.pattern
                let (from, to) = (200, 200 + distance)
                expected.replaceSubrange(
                    to..<to + count, with: Self.pattern[from..<from + count])
                try memory.write(Self.pattern, at: 0)
                try copy(Int32(to), Int32(from), Int32(count))
                #expect(try memory.read(at: 0, count: Self.pattern.count) == expected)
            }
            var expected = Self.pattern
            expected.replaceSubrange(
                77..<77 + count, with: [UInt8](repeating: 0xC3, count: count))
            try memory.write(Self.pattern, at: 0)
            try fill(77, 0x7FC3, Int32(count))
            #expect(try memory.read(at: 0, count: Self.pattern.count) == expected)
        }
    }

    /// What does not fit changes nothing.
    @Test(arguments: Kind.allCases, [Engine.Compiler.baseline, .optimizing])
    func ends(kind: Kind, compiler: Engine.Compiler) throws {
        let instance = try Self.instance(kind, compiler)
        let memory = try instance.memory("memory")
        let copy = try instance.function("copy", as: ((Int32, Int32, Int32) -> Void).self)
        let fill = try instance.function("fill", as: ((Int32, Int32, Int32) -> Void).self)
        let start = 65536 - Self.pattern.count
        for count in Self.lengths.map({ Int32($0) }) {
            try memory.write(Self.pattern, at: start)
            let last = 65536 - count
            for outside in [last + 1, -1, Int32.min] {
                #expect(throws: Trap.self) { try copy(outside, 0, count) }
                #expect(throws: Trap.self) { try copy(0, outside, count) }
                #expect(throws: Trap.self) { try fill(outside, 7, count) }
            }
            #expect(try memory.read(at: start, count: Self.pattern.count) == Self.pattern)
            try copy(last, Int32(start), count)
            try fill(last, 0xA5, count)
        }
        #expect(throws: Trap.self) { try copy(0, 0, -1) }
        #expect(throws: Trap.self) { try fill(0, 0, -1) }
    }

    /// From a data segment, until it is dropped; of an active one nothing is left.
    @Test(arguments: Kind.allCases, [Engine.Compiler.baseline, .optimizing])
    func segments(kind: Kind, compiler: Engine.Compiler) throws {
        let instance = try Self.instance(kind, compiler)
        let memory = try instance.memory("memory")
        let copy = try instance.function("init", as: ((Int32, Int32, Int32) -> Void).self)
        let active = try instance.function("active", as: ((Int32) -> Void).self)
        let bytes = Array("0123456789abcdefghijklmnopqrstuvwxyz".utf8)
        for count in 0...36 {
            try copy(100, 0, Int32(count))
            #expect(try memory.read(at: 100, count: count) == Array(bytes[..<count]))
            try copy(300, Int32(36 - count), Int32(count))
            #expect(try memory.read(at: 300, count: count) == Array(bytes[(36 - count)...]))
            #expect(throws: Trap.self) { try copy(0, Int32(37 - count), Int32(count)) }
            #expect(throws: Trap.self) { try copy(Int32(65537 - count), 0, Int32(count)) }
        }
        #expect(try memory.read(at: 60000, count: 6) == Array("active".utf8))
        try active(0)
        #expect(throws: Trap.self) { try active(1) }
        try instance.function("drop", as: (() -> Void).self)()
        try copy(0, 0, 0)
        #expect(throws: Trap.self) { try copy(0, 0, 1) }
    }

    private static func instance(
        _ kind: Kind, _ compiler: Engine.Compiler
    ) throws -> Instance {
        var configuration = Engine.Configuration()
        configuration.compiler = compiler
        configuration.alwaysChecksBounds = kind == .checked
        configuration.isFuelMetered = kind == .metered
        let engine = Engine(configuration)
        let store = Store(engine)
        if kind == .metered { store.fuel = 1 << 40 }
        var linker = Linker(engine)
        let index = kind == .wide ? "i64" : "i32"
        func address(_ local: Int) -> String {
            kind == .wide ? "(i64.extend_i32_u (local.get \(local)))" : "(local.get \(local))"
        }
        var memory = "(memory (export \"memory\") \(kind == .wide ? "i64 1" : "1"))"
        if kind == .imported {
            let owner = try Instance(
                store, Module(engine, text: "(module (memory (export \"memory\") 1))"))
            linker.define("owner", "memory", try #require(try owner.export("memory")))
            memory = "(import \"owner\" \"memory\" (memory 1)) (export \"memory\" (memory 0))"
        }
        let text = """
            (module \(memory)
              (data $active (\(index).const 60000) "active")
              (data $passive "0123456789abcdefghijklmnopqrstuvwxyz")
              (data $other "other")
              (func (export "copy") (param i32 i32 i32)
                (memory.copy \(address(0)) \(address(1)) \(address(2))))
              (func (export "fill") (param i32 i32 i32)
                (memory.fill \(address(0)) (local.get 1) \(address(2))))
              (func (export "init") (param i32 i32 i32)
                (memory.init $passive \(address(0)) (local.get 1) (local.get 2)))
              (func (export "active") (param i32)
                (memory.init $active (\(index).const 0) (i32.const 0) (local.get 0)))
              (func (export "drop") (data.drop $passive)))
            """
        return try linker.instantiate(Module(engine, text: text), in: store)
    }
}
