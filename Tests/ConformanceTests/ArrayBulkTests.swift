import Apus
import Testing

/// Bulk operations on arrays, of lengths that are known when they are compiled and of others: few
/// elements are written out, short ranges are the stub's that calls the runtime, and the rest the
/// runtime's.
@Suite struct ArrayBulkTests {
    enum Kind: CaseIterable {
        case i8, i16, i32, i64, f32, f64, v128, anyref, metered

        var storage: String { self == .metered ? "i32" : "\(self)" }
        var bytes: Int {
            switch self {
            case .i8: 1
            case .i16: 2
            case .i32, .f32, .metered: 4
            case .i64, .f64, .anyref: 8
            case .v128: 16
            }
        }
    }

    private static let counts = [0, 1, 2, 3, 4, 5, 8, 9, 16, 17, 31, 64, 128, 129]
    private static let size = 300
    /// What the segment has: as many bytes, or references.
    private static let segmentBytes = 260
    private static let segmentReferences = 140

    @Test(arguments: Kind.allCases, [Engine.Compiler.baseline, .optimizing])
    func copiesAndFills(kind: Kind, compiler: Engine.Compiler) throws {
        let guest = try Guest(kind, compiler)
        for count in Self.counts {
            for distance in Set([-count, -1, 0, 1, 5]) {
                let (from, to) = (140, 140 + distance)
                var expected = Guest.prepared
                expected.replaceSubrange(
                    to..<to + count, with: Guest.prepared[from..<from + count])
                for isKnown in [false, true] {
                    try guest.prepare()
                    try guest.call("copy", isKnown, count, to, from)
                    #expect(try guest.elements() == expected, "\(count) by \(distance)")
                }
            }
            var expected = Guest.prepared
            expected.replaceSubrange(7..<7 + count, with: [Int32](repeating: 99, count: count))
            for isKnown in [false, true] {
                try guest.prepare()
                try guest.call("fill", isKnown, count, 7, 99)
                #expect(try guest.elements() == expected, "\(count)")
            }
        }
    }

    /// What does not fit changes nothing.
    @Test(arguments: Kind.allCases, [Engine.Compiler.baseline, .optimizing])
    func ends(kind: Kind, compiler: Engine.Compiler) throws {
        let guest = try Guest(kind, compiler)
        try guest.prepare()
        let outside = TrapCode.arrayOutOfBounds
        for (count, isKnown) in Self.counts.flatMap({ [($0, false), ($0, true)] }) {
            let last = Self.size - count
            for place in [last + 1, -1] {
                guest.expect(outside) { try $0.call("copy", isKnown, count, place, 0) }
                guest.expect(outside) { try $0.call("copy", isKnown, count, 0, place) }
                guest.expect(outside) { try $0.call("fill", isKnown, count, place, 7) }
                guest.expect(outside) { try $0.call("init", isKnown, count, place, 0) }
            }
            #expect(try guest.elements() == Guest.prepared)
            try guest.call("copy", isKnown, count, last, last)
        }
        for operation in ["copy", "fill", "init"] {
            guest.expect(outside) { try $0.call(operation, false, -1, 0, 0) }
        }
        #expect(try guest.elements() == Guest.prepared)
    }

    /// New arrays, of the value, of zeros, and from a segment.
    @Test(arguments: Kind.allCases, [Engine.Compiler.baseline, .optimizing])
    func newArrays(kind: Kind, compiler: Engine.Compiler) throws {
        let guest = try Guest(kind, compiler)
        for (count, isKnown) in Self.counts.flatMap({ [($0, false), ($0, true)] }) {
            try guest.call("new", isKnown, count, 55, 0)
            #expect(try guest.elements() == [Int32](repeating: 55, count: count))
            try guest.call("newDefault", isKnown, count, 0, 0)
            #expect(try guest.elements() == [Int32](repeating: 0, count: count))
        }
    }

    /// From a segment, until that is dropped; outside of the array comes before outside of it.
    @Test(arguments: Kind.allCases, [Engine.Compiler.baseline, .optimizing])
    func segments(kind: Kind, compiler: Engine.Compiler) throws {
        let guest = try Guest(kind, compiler)
        let unit = kind == .anyref ? 1 : kind.bytes
        let total = kind == .anyref ? Self.segmentReferences : Self.segmentBytes
        let outside: TrapCode = kind == .anyref ? .tableOutOfBounds : .memoryOutOfBounds
        for isDropped in [false, true] {
            for (count, isKnown) in Self.counts.flatMap({ [($0, false), ($0, true)] }) {
                let last = total - count * unit
                let fits = last >= 0 && (!isDropped || count == 0)
                for from in isDropped ? [0] : [0, 3, last] where fits && from >= 0 {
                    if from > last { continue }
                    let values = guest.values(count, from)
                    try guest.prepare()
                    try guest.call("init", isKnown, count, 9, from)
                    var expected = Guest.prepared
                    expected.replaceSubrange(9..<9 + count, with: values)
                    #expect(try guest.elements() == expected, "\(count) from \(from)")
                    try guest.call("newSegment", isKnown, count, from, 0)
                    #expect(try guest.elements() == values, "\(count) from \(from)")
                }
                try guest.prepare()
                for from in [isDropped ? (count == 0 ? 1 : 0) : max(last + 1, 0), -1] {
                    guest.expect(outside) { try $0.call("init", isKnown, count, 9, from) }
                    guest.expect(outside) { try $0.call("newSegment", isKnown, count, from, 0) }
                    guest.expect(.arrayOutOfBounds) {
                        try $0.call("init", isKnown, count, Self.size + 1, from)
                    }
                }
                #expect(try guest.elements() == Guest.prepared)
            }
            guest.expect(outside) { try $0.call("newSegment", false, -1, 0, 0) }
            try guest.drop()
        }
    }

    /// Null comes first, of whichever of two; the length does not matter.
    @Test(arguments: Kind.allCases, [Engine.Compiler.baseline, .optimizing])
    func null(kind: Kind, compiler: Engine.Compiler) throws {
        let guest = try Guest(kind, compiler)
        try guest.prepare()
        for (count, isKnown) in [0, 1, 8, 129].flatMap({ [($0, false), ($0, true)] }) {
            for place in [0, Self.size + 1] {
                for operation in ["toNull", "fromNull", "fillNull", "initNull"] {
                    guest.expect(.nullArrayReference) {
                        try $0.call(operation, isKnown, count, place, Self.size + 1)
                    }
                }
            }
        }
        #expect(try guest.elements() == Guest.prepared)
    }

    /// A module with an array in a global, of `size` elements when it has been prepared.
    private struct Guest {
        private let kind: Kind
        private let instance: Instance
        private let dump: TypedFunction<Int32>

        /// What `prepare` makes of the elements.
        static let prepared = (0..<size).map { Int32($0 * 7 % 120) }

        init(_ kind: Kind, _ compiler: Engine.Compiler) throws {
            self.kind = kind
            var configuration = Engine.Configuration()
            configuration.compiler = compiler
            configuration.isFuelMetered = kind == .metered
            let engine = Engine(configuration)
            let store = Store(engine)
            if kind == .metered { store.fuel = 1 << 40 }
            instance = try Instance(store, Module(engine, text: Self.text(kind)))
            dump = try instance.function("dump", as: (() -> Int32).self)
        }

        /// Calls an operation on `count` elements, a number that the compiler knows or not.
        func call(
            _ name: String, _ isKnown: Bool, _ count: Int, _ first: Int, _ second: Int
        ) throws {
            let name = isKnown ? "\(name)\(count)" : name
            try instance.function(name, as: ((Int32, Int32, Int32) -> Void).self)(
                Int32(truncatingIfNeeded: first), Int32(truncatingIfNeeded: second), Int32(count))
        }

        func expect(_ code: TrapCode, _ work: (Guest) throws -> Void) {
            // `#expect` describes what it looks at, which takes longer than all the rest.
            do {
                try work(self)
                Issue.record("no trap")
            } catch {
                if (error as? Trap)?.code != code { Issue.record(error) }
            }
        }

        func prepare() throws { try instance.function("prepare", as: (() -> Void).self)() }

        func drop() throws { try instance.function("drop", as: (() -> Void).self)() }

        func elements() throws -> [Int32] {
            let count = Int(try dump())
            let bytes = try instance.memory("memory").read(at: 0, count: 4 * count)
            return (0..<count).map { index in
                bytes[4 * index..<4 * index + 4].reversed().reduce(0) { $0 << 8 | Int32($1) }
            }
        }

        /// What elements are that are made of the segment from `from` on.
        func values(_ count: Int, _ from: Int) -> [Int32] {
            if kind == .anyref { return (from..<from + count).map { Int32($0 + 1) } }
            return (0..<count).map { index in
                let place = from + index * kind.bytes
                var bits: UInt64 = 0
                for byte in (0..<min(kind.bytes, 8)).reversed() {
                    bits = bits << 8 | UInt64(Self.segmentByte(place + byte))
                }
                return Int32(truncatingIfNeeded: bits)
            }
        }

        private static func segmentByte(_ place: Int) -> UInt8 {
            UInt8(ascii: "a") + UInt8(place % 26)
        }

        /// The i32 `value` as an element.
        private static func element(_ kind: Kind, _ value: String) -> String {
            switch kind {
            case .i8, .i16, .i32, .metered: value
            case .i64: "(i64.extend_i32_u \(value))"
            case .f32: "(f32.reinterpret_i32 \(value))"
            case .f64: "(f64.reinterpret_i64 (i64.extend_i32_u \(value)))"
            case .v128: "(i32x4.splat \(value))"
            case .anyref: "(ref.i31 \(value))"
            }
        }

        /// An element as an i32.
        private static func number(_ kind: Kind, _ element: String) -> String {
            switch kind {
            case .i8, .i16, .i32, .metered: element
            case .i64: "(i32.wrap_i64 \(element))"
            case .f32: "(i32.reinterpret_f32 \(element))"
            case .f64: "(i32.wrap_i64 (i64.reinterpret_f64 \(element)))"
            case .v128: "(i32x4.extract_lane 0 \(element))"
            case .anyref: "(call $number \(element))"
            }
        }

        private static func text(_ kind: Kind) -> String {
            let get = kind == .i8 || kind == .i16 ? "array.get_u" : "array.get"
            let prepared = "(i32.rem_u (i32.mul (local.get $i) (i32.const 7)) (i32.const 120))"
            var text = """
                (module (type $a (array (mut \(kind.storage))))
                  (global $g (mut (ref null $a)) (ref.null $a))
                  (global $null (mut (ref null $a)) (ref.null $a))
                  (func $number (param anyref) (result i32)
                    (if (result i32) (ref.is_null (local.get 0)) (then (i32.const 0))
                      (else (i31.get_u (ref.cast (ref i31) (local.get 0))))))
                  (memory (export "memory") 1)
                  (func (export "dump") (result i32) (local $i i32)
                    (block $b (loop $l
                      (br_if $b (i32.eq (local.get $i) (array.len (global.get $g))))
                      (i32.store (i32.mul (local.get $i) (i32.const 4))
                        \(number(kind, "(\(get) $a (global.get $g) (local.get $i))")))
                      (local.set $i (i32.add (local.get $i) (i32.const 1)))
                      (br $l)))
                    (local.get $i))
                  (func (export "prepare") (local $i i32)
                    (global.set $g (array.new_default $a (i32.const \(size))))
                    (loop $l
                      (array.set $a (global.get $g) (local.get $i)
                        \(element(kind, prepared)))
                      (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1)))
                        (i32.const \(size))))))

                """
            if kind == .anyref {
                let references = (1...segmentReferences).map { "(ref.i31 (i32.const \($0)))" }
                text += """
                    (elem $s anyref \(references.joined(separator: " ")))
                    (func (export "drop") (elem.drop $s))
                    """
            } else {
                let bytes = (0..<segmentBytes).map { segmentByte($0) }
                text += """
                    (data $s "\(String(decoding: bytes, as: UTF8.self))")
                    (func (export "drop") (data.drop $s))
                    """
            }
            for count in counts { text += operations(kind, "\(count)", "(i32.const \(count))") }
            return text + operations(kind, "", "(local.get 2)") + ")"
        }

        private static func operations(_ kind: Kind, _ suffix: String, _ count: String) -> String {
            let segment = kind == .anyref ? "elem" : "data"
            let (first, second) = ("(local.get 0)", "(local.get 1)")
            let array = "(global.get $g)"
            let null = "(global.get $null)"
            let bodies = [
                "copy": "(array.copy $a $a \(array) \(first) \(array) \(second) \(count))",
                "toNull": "(array.copy $a $a \(null) \(first) \(array) \(second) \(count))",
                "fromNull": "(array.copy $a $a \(array) \(first) \(null) \(second) \(count))",
                "fill": "(array.fill $a \(array) \(first) \(element(kind, second)) \(count))",
                "fillNull": "(array.fill $a \(null) \(first) \(element(kind, second)) \(count))",
                "init": "(array.init_\(segment) $a $s \(array) \(first) \(second) \(count))",
                "initNull": "(array.init_\(segment) $a $s \(null) \(first) \(second) \(count))",
                "new": "(global.set $g (array.new $a \(element(kind, first)) \(count)))",
                "newDefault": "(global.set $g (array.new_default $a \(count)))",
                "newSegment": "(global.set $g (array.new_\(segment) $a $s \(first) \(count)))",
            ]
            return bodies.map { name, body in
                "(func (export \"\(name)\(suffix)\") (param i32 i32 i32) \(body))\n"
            }.joined()
        }
    }
}
