import Apus
import Testing

/// Bulk operations of lengths that are known when they are compiled, which the optimizing compiler
/// writes out: at all distances between the two ranges, and at the memory's end.
@Suite struct ShortBulkTests {
    private static let counts = [
        0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 64, 100, 127, 128, 129,
    ]

    @Test(arguments: [Engine.Compiler.baseline, .optimizing])
    func copies(compiler: Engine.Compiler) throws {
        let instance = try Self.instance(compiler)
        let memory = try instance.memory("memory")
        for count in Self.counts {
            let function = try instance.function(
                "copy\(count)", as: ((Int32, Int32) -> Void).self)
            for distance in -count - 1...count + 1 {
                var expected = Self.pattern
                let from = 200
                let to = from + distance
                expected.replaceSubrange(
                    to..<to + count, with: Self.pattern[from..<from + count])
                try memory.write(Self.pattern, at: 0)
                try function(Int32(to), Int32(from))
                #expect(try memory.read(at: 0, count: Self.pattern.count) == expected)
            }
        }
    }

    /// What does not fit changes nothing, at either end of the two.
    @Test(arguments: [Engine.Compiler.baseline, .optimizing])
    func ends(compiler: Engine.Compiler) throws {
        let instance = try Self.instance(compiler)
        let memory = try instance.memory("memory")
        let start = 65536 - Self.pattern.count
        for count in Self.counts {
            let copy = try instance.function("copy\(count)", as: ((Int32, Int32) -> Void).self)
            let fill = try instance.function("fill\(count)", as: ((Int32, Int32) -> Void).self)
            try memory.write(Self.pattern, at: start)
            let last = Int32(65536 - count)
            #expect(throws: Trap.self) { try copy(last + 1, 0) }
            #expect(throws: Trap.self) { try copy(0, last + 1) }
            #expect(throws: Trap.self) { try copy(-1, 0) }
            #expect(throws: Trap.self) { try fill(last + 1, 7) }
            #expect(try memory.read(at: start, count: Self.pattern.count) == Self.pattern)
            try copy(last, Int32(start))
            try fill(last, 0x1A5)
            let expected = [UInt8](repeating: 0xA5, count: count)
            #expect(try memory.read(at: Int(last), count: count) == expected)
        }
    }

    /// From a data segment, at constant places and at others, until it is dropped.
    @Test(arguments: [Engine.Compiler.baseline, .optimizing])
    func segments(compiler: Engine.Compiler) throws {
        let instance = try Self.instance(compiler)
        let memory = try instance.memory("memory")
        let drop = try instance.function("drop", as: (() -> Void).self)
        for (isDropped, counts) in [(false, Self.counts), (true, Self.counts)] {
            for count in counts where count <= 100 {
                let start = try instance.function("init\(count)", as: ((Int32) -> Void).self)
                let any = try instance.function(
                    "initAt\(count)", as: ((Int32, Int32) -> Void).self)
                try memory.write(Self.pattern, at: 0)
                if isDropped {
                    // Even nothing at all does not fit after the start.
                    #expect(throws: Trap.self) { try start(7) }
                    #expect(throws: Trap.self) { try any(7, 100) }
                    continue
                }
                var expected = Self.pattern
                expected.replaceSubrange(7..<7 + count, with: Self.segment[5..<5 + count])
                try start(7)
                #expect(try memory.read(at: 0, count: Self.pattern.count) == expected)
                let last = Self.segment.count - count
                expected.replaceSubrange(207..<207 + count, with: Self.segment[last...])
                try any(207, Int32(last))
                #expect(try memory.read(at: 0, count: Self.pattern.count) == expected)
                #expect(throws: Trap.self) { try any(207, Int32(last + 1)) }
                #expect(throws: Trap.self) { try any(207, -1) }
                #expect(throws: Trap.self) { try any(Int32(65537 - count), 0) }
                #expect(throws: Trap.self) { try start(Int32(65537 - count)) }
                #expect(try memory.read(at: 0, count: Self.pattern.count) == expected)
            }
            try drop()
        }
        let nothing = try instance.function("active", as: ((Int32, Int32) -> Void).self)
        try nothing(0, 0)
        try nothing(65536, 0)
        #expect(throws: Trap.self) { try nothing(65537, 0) }
        #expect(throws: Trap.self) { try nothing(0, 1) }
    }

    /// Text, so that it needs no escapes.
    private static let segment = [UInt8](
        String(repeating: "abcdefghijklmnopqrstuvwxyz0123456789", count: 3).utf8)
    private static let pattern = (0..<500).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ 3) }

    private static func instance(
        _ compiler: Engine.Compiler
    ) throws -> Instance {
        var text = "(module (memory (export \"memory\") 1)"
        for count in counts {
            text += """
                 (func (export "copy\(count)") (param i32 i32)
                   (memory.copy (local.get 0) (local.get 1) (i32.const \(count))))
                 (func (export "fill\(count)") (param i32 i32)
                   (memory.fill (local.get 0) (local.get 1) (i32.const \(count))))
                """
        }
        for count in counts where count <= 100 {
            text += """
                 (func (export "init\(count)") (param i32)
                   (memory.init $d (local.get 0) (i32.const 5) (i32.const \(count))))
                 (func (export "initAt\(count)") (param i32 i32)
                   (memory.init $d (local.get 0) (local.get 1) (i32.const \(count))))
                """
        }
        text += """
            (func (export "drop") (data.drop $d)) (data $active (i32.const 0) "active")
            (func (export "active") (param i32 i32)
              (memory.init $active (local.get 0) (local.get 1) (i32.const 0)))
            """
        text += "(data $d \"\(String(decoding: segment, as: UTF8.self))\")"
        var configuration = Engine.Configuration()
        configuration.compiler = compiler
        let engine = Engine(configuration)
        return try Instance(Store(engine), Module(engine, text: text + ")"))
    }
}
