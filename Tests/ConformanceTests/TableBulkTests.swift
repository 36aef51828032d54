import Apus
import Testing

/// Bulk operations on tables, of lengths that are known when they are compiled and of others: the
/// shortest are written out, short ones are done by the stub that calls the runtime, and the rest
/// by the runtime.
@Suite struct TableBulkTests {
    enum Kind: CaseIterable {
        case own, imported, wide, metered, pooled
    }

    private static let counts = [0, 1, 2, 3, 4, 5, 8, 9, 15, 16, 17, 33]
    /// Elements of the table, each a function that returns its place in the segment.
    private static let size = 130

    @Test(arguments: Kind.allCases, [Engine.Compiler.baseline, .optimizing])
    func copiesFillsAndInitialises(kind: Kind, compiler: Engine.Compiler) throws {
        let guest = try Guest(kind, compiler)
        for count in Self.counts {
            for distance in Set([-count, -1, 0, 1, count]) {
                try guest.prepare()
                let (from, to) = (45, 45 + distance)
                var expected = Guest.prepared
                expected.replaceSubrange(
                    to..<to + count, with: Guest.prepared[from..<from + count])
                try guest.copy(Int32(to), Int32(from), Int32(count))
                #expect(try guest.elements() == expected)
                try guest.prepare()
                try guest.constantCopies[count]?(Int32(to), Int32(from))
                if guest.constantCopies[count] != nil {
                    #expect(try guest.elements() == expected)
                }
            }
            try guest.prepare()
            var expected = Guest.prepared
            expected.replaceSubrange(7..<7 + count, with: [Int32](repeating: 3, count: count))
            try guest.fill(7, Int32(count))
            #expect(try guest.elements() == expected)
            if let fill = guest.constantFills[count] {
                try guest.prepare()
                try fill(7)
                #expect(try guest.elements() == expected)
            }
            try guest.prepare()
            expected = Guest.prepared
            expected.replaceSubrange(9..<9 + count, with: (0..<count).map { Int32($0 + 10) })
            try guest.initialise(9, 10, Int32(count))
            #expect(try guest.elements() == expected)
            if let initialise = guest.constantInitialisations[count] {
                try guest.prepare()
                try initialise(9, 10)
                #expect(try guest.elements() == expected)
            }
        }
    }

    /// What does not fit changes nothing.
    @Test(arguments: Kind.allCases, [Engine.Compiler.baseline, .optimizing])
    func ends(kind: Kind, compiler: Engine.Compiler) throws {
        let guest = try Guest(kind, compiler)
        try guest.prepare()
        for count in Self.counts.map({ Int32($0) }) {
            let last = Int32(Self.size) - count
            for outside in [last + 1, -1, Int32.min] {
                #expect(throws: Trap.self) { try guest.copy(outside, 0, count) }
                #expect(throws: Trap.self) { try guest.copy(0, outside, count) }
                #expect(throws: Trap.self) { try guest.fill(outside, count) }
                #expect(throws: Trap.self) { try guest.initialise(outside, 0, count) }
                if let copy = guest.constantCopies[Int(count)] {
                    #expect(throws: Trap.self) { try copy(outside, 0) }
                    #expect(throws: Trap.self) { try copy(0, outside) }
                }
                if let fill = guest.constantFills[Int(count)] {
                    #expect(throws: Trap.self) { try fill(outside) }
                }
                if let initialise = guest.constantInitialisations[Int(count)] {
                    #expect(throws: Trap.self) { try initialise(outside, 0) }
                    #expect(throws: Trap.self) { try initialise(0, 51 - count) }
                    #expect(throws: Trap.self) { try initialise(0, -1) }
                }
            }
            #expect(throws: Trap.self) { try guest.initialise(0, 51 - count, count) }
            #expect(try guest.elements() == Guest.prepared)
            try guest.copy(last, last, count)
            try guest.initialise(0, 50 - count, 0)
        }
        #expect(throws: Trap.self) { try guest.copy(0, 0, -1) }
        #expect(try guest.elements() == Guest.prepared)
        try guest.drop()
        try guest.initialise(Int32(Self.size), 0, 0)
        #expect(throws: Trap.self) { try guest.initialise(0, 0, 1) }
        #expect(throws: Trap.self) { try guest.initialise(0, 1, 0) }
        try guest.constantInitialisations[0]?(Int32(Self.size), 0)
        for count in 0..<guest.constantInitialisations.count {
            let initialise = try #require(guest.constantInitialisations[count])
            #expect(throws: Trap.self) { try initialise(0, 1) }
            if count > 0 { #expect(throws: Trap.self) { try initialise(0, 0) } }
        }
    }

    /// What is known of a segment is not any more when it has been dropped, and of one that has
    /// been used for the table nothing is left.
    @Test(arguments: [false, true], [Engine.Compiler.baseline, .optimizing])
    func droppedOnTheWay(isMetered: Bool, compiler: Engine.Compiler) throws {
        var configuration = Engine.Configuration()
        configuration.compiler = compiler
        configuration.isFuelMetered = isMetered
        let engine = Engine(configuration)
        let store = Store(engine)
        if isMetered { store.fuel = 1 << 40 }
        let instance = try Instance(
            store,
            Module(
                engine,
                text: """
                    (module (table $t 10 funcref) (elem $e func $f $f) (func $f)
                      (elem $active (i32.const 9) func $f)
                      (func (export "drop")
                        (table.init $t $e (i32.const 0) (i32.const 0) (i32.const 2))
                        (elem.drop $e)
                        (table.init $t $e (i32.const 3) (i32.const 0) (i32.const 2)))
                      (func (export "nothing") (param i32)
                        (table.init $t $active (i32.const 10) (local.get 0) (i32.const 0)))
                      (func (export "active")
                        (table.init $t $active (i32.const 3) (i32.const 0) (i32.const 1)))
                      (func (export "isNull") (param i32) (result i32)
                        (ref.is_null (table.get $t (local.get 0)))))
                    """))
        #expect(throws: Trap.self) { try instance.function("drop", as: (() -> Void).self)() }
        let isNull = try instance.function("isNull", as: ((Int32) -> Int32).self)
        #expect(try (0..<5).map { try isNull($0) } == [0, 0, 1, 1, 1])
        let nothing = try instance.function("nothing", as: ((Int32) -> Void).self)
        try nothing(0)
        #expect(throws: Trap.self) { try nothing(1) }
        #expect(throws: Trap.self) { try instance.function("active", as: (() -> Void).self)() }
        #expect(try isNull(3) == 1)
    }

    /// An instance that is made again from what is left of another has its segments and elements.
    @Test(arguments: [Engine.Compiler.baseline, .optimizing])
    func recycledInstancesBeginAnew(compiler: Engine.Compiler) throws {
        for kind in [Kind.own, .pooled] {
            let engine = Guest.engine(kind, compiler)
            let module = try Module(engine, text: Guest.text(kind))
            for _ in 0..<5 {
                let guest = try Guest(Store(engine), module, Linker(engine))
                #expect(try guest.elements() == [Int32](repeating: -1, count: Self.size))
                try guest.initialise(3, 4, 5)
                #expect(try guest.elements()[3..<8] == [4, 5, 6, 7, 8])
                try guest.fill(90, 10)
                try guest.copy(20, 3, 5)
                try guest.drop()
            }
        }
    }

    /// Segments of references that are only known when the instance is made.
    @Test func segmentsOfExpressions() throws {
        let engine = Engine()
        let store = Store(engine)
        var linker = Linker(engine)
        let owner = try Instance(
            store,
            Module(
                engine,
                text: """
                    (module (func $f (export "f") (result i32) (i32.const 77))
                      (global (export "g") funcref (ref.func $f)))
                    """))
        linker.define("owner", "g", try #require(try owner.export("g")))
        let module = try Module(
            engine,
            text: """
                (module (import "owner" "g" (global $g funcref)) (table $t 3 funcref)
                  (elem $e funcref (ref.null func) (global.get $g) (ref.func $h))
                  (func $h (result i32) (i32.const 5))
                  (func (export "run") (param i32) (result i32)
                    (table.init $t $e (i32.const 0) (i32.const 0) (i32.const 3))
                    (call_indirect (result i32) (local.get 0))))
                """)
        let run = try linker.instantiate(module, in: store)
            .function("run", as: ((Int32) -> Int32).self)
        #expect(throws: Trap.self) { try run(0) }
        #expect(try run(1) == 77)
        #expect(try run(2) == 5)
    }

    /// A module with a table of `size` null elements and a segment of 50 functions.
    private struct Guest {
        let copy: TypedFunction<Void, Int32, Int32, Int32>
        let fill: TypedFunction<Void, Int32, Int32>
        let initialise: TypedFunction<Void, Int32, Int32, Int32>
        let drop: TypedFunction<Void>
        // Of lengths that the compiler knows.
        let constantCopies: [Int: TypedFunction<Void, Int32, Int32>]
        let constantFills: [Int: TypedFunction<Void, Int32>]
        let constantInitialisations: [Int: TypedFunction<Void, Int32, Int32>]
        private let get: TypedFunction<Int32, Int32>
        private let set: TypedFunction<Void, Int32, Int32>

        /// What `prepare` makes of the elements.
        static let prepared = (0..<size).map { Int32($0 % 7 == 0 ? -1 : $0 % 40) }

        init(_ kind: Kind, _ compiler: Engine.Compiler) throws {
            let engine = Self.engine(kind, compiler)
            let store = Store(engine)
            if kind == .metered { store.fuel = 1 << 40 }
            var linker = Linker(engine)
            if kind == .imported {
                let text = "(module (table (export \"t\") \(size) funcref))"
                let owner = try Instance(store, Module(engine, text: text))
                linker.define("owner", "t", try #require(try owner.export("t")))
            }
            try self.init(store, Module(engine, text: Self.text(kind)), linker)
        }

        init(_ store: Store, _ module: Module, _ linker: Linker) throws {
            let instance = try linker.instantiate(module, in: store)
            copy = try instance.function("copy", as: ((Int32, Int32, Int32) -> Void).self)
            fill = try instance.function("fill", as: ((Int32, Int32) -> Void).self)
            initialise = try instance.function("init", as: ((Int32, Int32, Int32) -> Void).self)
            drop = try instance.function("drop", as: (() -> Void).self)
            get = try instance.function("get", as: ((Int32) -> Int32).self)
            set = try instance.function("set", as: ((Int32, Int32) -> Void).self)
            var copies: [Int: TypedFunction<Void, Int32, Int32>] = [:]
            var fills: [Int: TypedFunction<Void, Int32>] = [:]
            var initialisations: [Int: TypedFunction<Void, Int32, Int32>] = [:]
            for count in 0...9 {
                copies[count] = try instance.function(
                    "copy\(count)", as: ((Int32, Int32) -> Void).self)
                fills[count] = try instance.function("fill\(count)", as: ((Int32) -> Void).self)
                initialisations[count] = try instance.function(
                    "init\(count)", as: ((Int32, Int32) -> Void).self)
            }
            constantCopies = copies
            constantFills = fills
            constantInitialisations = initialisations
        }

        func prepare() throws {
            for (place, value) in Self.prepared.enumerated() { try set(Int32(place), value) }
        }

        /// What the functions of the table return; -1 for null.
        func elements() throws -> [Int32] { try (0..<Int32(size)).map { try get($0) } }

        static func engine(_ kind: Kind, _ compiler: Engine.Compiler) -> Engine {
            var configuration = Engine.Configuration()
            configuration.compiler = compiler
            configuration.isFuelMetered = kind == .metered
            if kind == .pooled {
                configuration.allocator = .pooling(Engine.Pool(instances: 2, tableElements: 260))
            }
            return Engine(configuration)
        }

        static func text(_ kind: Kind) -> String {
            let index = kind == .wide ? "i64" : "i32"
            func wide(_ local: Int) -> String {
                kind == .wide ? "(i64.extend_i32_s (local.get \(local)))" : "(local.get \(local))"
            }
            func number(_ value: Int) -> String { "(\(index).const \(value))" }
            let table =
                kind == .imported
                ? "(import \"owner\" \"t\" (table $t \(size) funcref))"
                : "(table $t \(kind == .wide ? "i64 " : "")\(size) funcref)"
            var text = "(module \(table) (type $r (func (result i32)))"
            for place in 0..<50 { text += "(func $f\(place) (type $r) (i32.const \(place)))" }
            text += "(elem $e func \((0..<50).map { "$f\($0)" }.joined(separator: " ")))"
            for count in 0...9 {
                text += """
                    (func (export "copy\(count)") (param i32 i32)
                      (table.copy $t $t \(wide(0)) \(wide(1)) \(number(count))))
                    (func (export "fill\(count)") (param i32)
                      (table.fill $t \(wide(0)) (ref.func $f3) \(number(count))))
                    (func (export "init\(count)") (param i32 i32)
                      (table.init $t $e \(wide(0)) (local.get 1) (i32.const \(count))))
                    """
            }
            return text + """
                (func (export "copy") (param i32 i32 i32)
                  (table.copy $t $t \(wide(0)) \(wide(1)) \(wide(2))))
                (func (export "fill") (param i32 i32)
                  (table.fill $t \(wide(0)) (ref.func $f3) \(wide(1))))
                (func (export "init") (param i32 i32 i32)
                  (table.init $t $e \(wide(0)) (local.get 1) (local.get 2)))
                (func (export "drop") (elem.drop $e))
                (func (export "get") (param i32) (result i32)
                  (if (result i32) (ref.is_null (table.get $t \(wide(0))))
                    (then (i32.const -1))
                    (else (call_indirect $t (type $r) \(wide(0))))))
                (func (export "set") (param i32 i32)
                  (if (i32.lt_s (local.get 1) (i32.const 0))
                    (then (table.set $t \(wide(0)) (ref.null func)))
                    (else (table.init $t $e \(wide(0)) (local.get 1) (i32.const 1))))))
                """
        }
    }
}
