import ApusABI
import ApusCollections
import ApusTestSupport
import Testing

@testable import Apus
@testable import ApusRuntime

/// What is made of how code has run: usual callees, and hot ones, in their callers.
struct ProfileTests {
    private static func engine(
        after threshold: Int?, _ change: (inout Engine.Configuration) -> Void = { _ in }
    ) -> Engine {
        var configuration = Engine.Configuration()
        configuration.compiler = threshold == nil ? .baseline : .tiered
        configuration.tiering.threshold = threshold
        configuration.tiering.isSynchronous = true
        change(&configuration)
        return Engine(configuration)
    }

    /// What came of calls, one after the other: results, or the trap with its places.
    private static func transcript(
        _ module: Module, _ calls: [(name: String, arguments: [Value])],
        imports: (inout Linker, Store) throws -> Void = { _, _ in }
    ) throws -> [String] {
        let store = Store(module.engine)
        var linker = Linker(module.engine)
        try imports(&linker, store)
        let instance = try linker.instantiate(module, in: store)
        return try calls.map { call in
            do {
                let results = try instance.function(call.name).call(call.arguments)
                return results.map { "\($0)" }.joined(separator: " ")
            } catch let trap as Trap {
                let places = trap.backtrace.map { "\($0.function)@\($0.offset)" }
                return "\(trap.code) \(places.joined(separator: " "))"
            }
        }
    }

    /// How many hot callees functions of `module` have in them.
    private static func hotCallees(_ module: Module) -> Int {
        module.tiers?.optimizations.reduce(0) { $0 + $1.hotCallees } ?? 0
    }

    /// Calls that are the same for all, some of them often enough; then the module, and what came.
    private static func expectSame(
        _ text: String, _ calls: [(name: String, arguments: [Value])],
        after thresholds: [Int] = [1, 2, 5], hasHotCallees: Bool? = true
    ) throws {
        let expected = try transcript(Module(engine(after: nil), text: text), calls)
        for threshold in thresholds {
            let module = try Module(engine(after: threshold), text: text)
            #expect(try transcript(module, calls) == expected, "after \(threshold)")
            if let hasHotCallees {
                #expect((hotCallees(module) > 0) == hasHotCallees, "after \(threshold)")
            }
            let plain = try Module(
                engine(after: threshold) { $0.tiering.usesProfiles = false }, text: text)
            #expect(try transcript(plain, calls) == expected, "after \(threshold), no profiles")
            #expect(hotCallees(plain) == 0)
        }
    }

    private static let table = """
        (module
          (memory 1)
          (type $unary (func (param i32) (result i32)))
          (table 6 6 funcref)
          (elem (i32.const 0) $load $divide $other $wide)
          (func $load (param i32) (result i32) (i32.load (local.get 0)))
          (func $divide (param i32) (result i32) (i32.div_s (i32.const 60) (local.get 0)))
          (func $other (param i32) (result i32)
            (i32.store (i32.const 0) (local.get 0)) (i32.const 7))
          (func $wide (param i64) (result i64) (local.get 0))
          (func (export "run") (param $index i32) (param $value i32) (result i32)
            (i32.add (i32.const 1)
              (call_indirect (type $unary) (local.get $value) (local.get $index)))))
        """

    private static func run(_ index: Int32, _ value: Int32) -> (name: String, arguments: [Value]) {
        ("run", [.i32(index), .i32(value)])
    }

    /// All ways in which a call can go wrong come after all functions have been hot.
    @Test(arguments: [0, 1, 2]) func otherCalleesAreCalledAsEver(_ usual: Int32) throws {
        var calls = Array(repeating: Self.run(usual, 4), count: 12)
        for index in Int32(-1)...7 {
            for value in [0, 5, 65_532, 65_533, -1] as [Int32] {
                calls.append(Self.run(index, value))
            }
        }
        try Self.expectSame(Self.table, calls)
    }

    /// Two instances of a module have one table: the code is the same, the function is not.
    @Test(arguments: [1, 2, 5]) func calleesOfOtherInstancesAreOthers(after threshold: Int) throws {
        let text = """
            (module
              (import "host" "table" (table 2 funcref))
              (import "host" "id" (global $id i32))
              (elem (global.get $id) $get)
              (type $get (func (result i32)))
              (func $get (export "get") (result i32) (global.get $id))
              (func (export "run") (param i32) (result i32)
                (call_indirect (type $get) (local.get 0)))
              (func (export "leave") (param i32) (result i32)
                (return_call_indirect (type $get) (local.get 0))))
            """
        let engine = Self.engine(after: threshold)
        let module = try Module(engine, text: text)
        let store = Store(engine)
        let table = try Table(store, TableType(element: .funcref, limits: SizeLimits(minimum: 2)))
        let instances = try (0..<2).map { (id: Int32) in
            var linker = Linker(engine)
            linker.define("host", "table", table)
            linker.define("host", "id", try Global(store, .i32(id)))
            return try linker.instantiate(module, in: store)
        }
        for round in 0..<40 {
            // At first each calls its own, then the other one's.
            for (own, instance) in instances.enumerated() {
                let other = round < 20 ? own : 1 - own
                for name in ["run", "leave"] {
                    let call = try instance.function(name, as: ((Int32) -> Int32).self)
                    #expect(try call(Int32(other)) == Int32(other))
                }
            }
        }
        #expect(module.tiers?.optimizations.isEmpty == false)
    }

    /// A trap in callees that are in each other names all of them.
    @Test func framesAreNamedThatAreNone() throws {
        let text = """
            (module
              (memory 1)
              (global $depth (mut i32) (i32.const 0))
              (type $unary (func (param i32) (result i32)))
              (table funcref (elem $middle))
              (func $leaf (param $place i32) (result i32) (local $k i32)
                (loop $next
                  (local.set $k (i32.add (local.get $k) (i32.const 1)))
                  (br_if $next (i32.lt_u (local.get $k) (i32.const 3))))
                (if (i32.eq (local.get $place) (i32.const 77)) (then (unreachable)))
                (i32.add (i32.load (local.get $place)) (local.get $k)))
              (func $middle (param $place i32) (result i32)
                (global.set $depth (i32.add (global.get $depth) (i32.const 1)))
                (i32.div_u
                  (i32.mul (i32.const 6) (call $leaf (local.get $place)))
                  (i32.sub (local.get $place) (i32.const 16))))
              (func (export "run") (param $place i32) (result i32)
                (i32.add
                  (call_indirect (type $unary) (local.get $place) (i32.const 0))
                  (call $middle (i32.add (local.get $place) (i32.const 8))))))
            """
        var calls: [(name: String, arguments: [Value])] = []
        for _ in 0..<20 { calls.append(("run", [.i32(40)])) }
        for place in [16, 8, 77, 69, 65_532, 65_533, 65_525, -1] as [Int32] {
            calls.append(("run", [.i32(place)]))
        }
        try Self.expectSame(text, calls)
    }

    /// What a callee throws that is in its caller is caught there, in the caller's clauses, and
    /// locals are what they were.
    @Test func exceptionsLeaveWhatIsTakenIn() throws {
        let text = """
            (module
              (tag $number (param i32))
              (type $unary (func (param i32) (result i32)))
              (table funcref (elem $odd))
              (func $odd (param $n i32) (result i32) (local $half i32)
                (local.set $half (i32.shr_u (local.get $n) (i32.const 1)))
                (if (i32.and (local.get $n) (i32.const 1))
                  (then (throw $number (local.get $half))))
                (call $throws (local.get $n))
                (local.get $half))
              (func $throws (param $n i32)
                (if (i32.eq (local.get $n) (i32.const 64))
                  (then (throw $number (i32.const 1000)))))
              (func (export "run") (param $n i32) (result i32) (local $sum i32)
                (loop $next
                  (local.set $sum
                    (i32.add (local.get $sum)
                      (block $caught (result i32)
                        (i32.mul (i32.const 3)
                          (try_table (result i32) (catch $number $caught)
                            (call_indirect (type $unary) (local.get $n) (i32.const 0)))))))
                  (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
                (local.get $sum))
              (func (export "uncaught") (param $n i32) (result i32)
                (call_indirect (type $unary) (local.get $n) (i32.const 0))))
            """
        try Self.expectSame(
            text, (0..<10).map { ("run", [.i32(60 + $0 % 3 * 5)]) }, after: [1, 3])
        let engine = Self.engine(after: 2)
        let module = try Module(engine, text: text)
        let instance = try Linker(engine).instantiate(module, in: Store(engine))
        let call = try instance.function("uncaught", as: ((Int32) -> Int32).self)
        for _ in 0..<8 { #expect(try call(4) == 2) }
        #expect(throws: WasmException.self) { _ = try call(5) }
        #expect(throws: WasmException.self) { _ = try call(64) }
    }

    private static let catching = """
        (module
          (tag $small (param i32))
          (tag $large (param i32))
          (global $released (mut i32) (i32.const 0))
          (memory 1)
          ;; Calls itself, so it stays a call.
          (func $deep (param $n i32) (param $depth i32) (result i32)
            (if (local.get $depth)
              (then
                (return
                  (call $deep (local.get $n) (i32.sub (local.get $depth) (i32.const 1))))))
            (if (i32.eqz (i32.rem_u (local.get $n) (i32.const 3)))
              (then (throw $small (local.get $n))))
            (if (i32.eqz (i32.rem_u (local.get $n) (i32.const 5)))
              (then (throw $large (local.get $n))))
            (i32.load (i32.mul (local.get $n) (i32.const 10))))
          (func $scope (param $n i32) (result i32) (local $kept i32) (local $e exnref)
            (local.set $kept (i32.add (local.get $n) (i32.const 7)))
            (block $done (result i32)
              (block $unwind (result exnref)
                (try_table (catch_all_ref $unwind)
                  (br $done (call $deep (local.get $n) (i32.const 2))))
                (unreachable))
              (local.set $e)
              (global.set $released
                (i32.add (global.get $released) (local.get $kept)))
              (throw_ref (local.get $e))))
          (func $most (param $n i32) (result i32)
            (block $caught (result i32)
              (try_table (result i32) (catch $small $caught)
                (i32.add (i32.const 1) (call $scope (local.get $n))))))
          (func $leaves (param $n i32) (result i32)
            ;; Two clauses, and the body's own label as a target.
            (try_table (result i32) (catch $small 0) (catch $large 0)
              (call $scope (local.get $n))))
          ;; What a tail call throws is none of its caller's clauses'.
          (func $gone (param $n i32) (result i32)
            (block $never
              (try_table (catch_all $never)
                (if (i32.and (local.get $n) (i32.const 1))
                  (then (return_call $deep (local.get $n) (i32.const 1))))
                (br $never)))
            (i32.const 1000000))
          (func $outer (param $n i32) (result i32)
            (block $caught (result i32)
              (try_table (result i32) (catch $small $caught) (catch $large $caught)
                (i32.add (i32.const 7) (call $gone (local.get $n))))))
          (func (export "run") (param $n i32) (result i32) (local $sum i32)
            (loop $next
              (local.set $sum
                (i32.add (i32.mul (local.get $sum) (i32.const 3))
                  (call $outer (local.get $n))))
              (local.set $sum
                (i32.add (i32.mul (local.get $sum) (i32.const 5))
                  (block $caught (result i32)
                    (try_table (result i32) (catch $large $caught)
                      (i32.add
                        (call $most (local.get $n)) (call $leaves (local.get $n)))))))
              (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
            (i32.add (local.get $sum) (global.get $released)))
          (func (export "one") (param $n i32) (result i32)
            (call $most (local.get $n))))
        """

    /// What is thrown further down is caught by clauses of callees that are taken in, then by those
    /// of their callers, as if they were frames.
    @Test func calleesThatCatchAreTakenIn() throws {
        var calls = (0..<8).map { (name: "run", arguments: [Value.i32(30 + $0)]) }
        // Traps are never caught, and tell of all frames.
        calls.append(("one", [.i32(9999)]))
        calls.append(("one", [.i32(70_001)]))
        calls.append(("run", [.i32(7000)]))
        try Self.expectSame(Self.catching, calls, after: [1, 2, 5])
    }

    /// Functions that call themselves and each other by the table use up the stack.
    @Test func endlessRecursionEnds() throws {
        let text = """
            (module
              (type $unary (func (param i32) (result i32)))
              (table funcref (elem $down $up))
              (func $down (param i32) (result i32)
                (if (result i32) (i32.eqz (local.get 0)) (then (i32.const 0))
                  (else
                    (i32.add (i32.const 1)
                      (call_indirect (type $unary)
                        (i32.sub (local.get 0) (i32.const 1)) (i32.const 1))))))
              (func $up (param i32) (result i32)
                (i32.add (i32.const 1)
                  (call_indirect (type $unary) (local.get 0) (i32.const 0))))
              (func (export "run") (param i32) (result i32) (call $down (local.get 0))))
            """
        let module = try Module(Self.engine(after: 5), text: text)
        let instance = try Linker(module.engine).instantiate(module, in: Store(module.engine))
        let call = try instance.function("run", as: ((Int32) -> Int32).self)
        for _ in 0..<4 { #expect(try call(30) == 60) }
        #expect(Self.hotCallees(module) > 0)
        let trap = #expect(throws: Trap.self) { _ = try call(-1) }
        #expect(trap?.code == .stackExhausted)
        #expect(try call(30) == 60)
    }

    /// Tail calls of the usual callee, and of others, leave no frame; those of callees that are
    /// taken in leave one.
    @Test func tailCallsLeaveNoFrames() throws {
        let text = """
            (module
              (type $step (func (param i32 i32) (result i32)))
              (table funcref (elem $add $skip))
              (func $add (param $n i32) (param $sum i32) (result i32)
                (if (i32.eqz (local.get $n)) (then (return (local.get $sum))))
                (return_call_indirect (type $step)
                  (i32.sub (local.get $n) (i32.const 1))
                  (i32.add (local.get $sum) (local.get $n))
                  (i32.eqz (i32.and (local.get $n) (i32.const 15)))))
              (func $skip (param $n i32) (param $sum i32) (result i32)
                (return_call $add (local.get $n) (local.get $sum)))
              (func (export "run") (param i32) (result i32)
                (i32.xor (i32.const 1) (call $skip (local.get 0) (i32.const 0)))))
            """
        try Self.expectSame(
            text, (0..<5).map { ("run", [.i32($0 == 4 ? 3_000_000 : 50)]) }, after: [1, 5, 30],
            hasHotCallees: nil)
    }

    @Test func referencesAreGuessedToo() throws {
        let text = """
            (module
              (type $unary (func (param i32) (result i32)))
              (table $t 4 (ref null $unary))
              (elem (table $t) (i32.const 0) (ref null $unary)
                (item ref.func $double) (item ref.func $trap))
              (func $double (param i32) (result i32) (i32.mul (i32.const 2) (local.get 0)))
              (func $trap (param i32) (result i32)
                (i32.div_u (i32.const 8) (local.get 0)))
              (func $apply (param $f (ref null $unary)) (param i32) (result i32)
                (call_ref $unary (local.get 1) (local.get $f)))
              (func (export "run") (param $index i32) (param $value i32) (result i32)
                (i32.add (call $apply (table.get $t (local.get $index)) (local.get $value))
                  (call_ref $unary (local.get $value) (table.get $t (local.get $index)))))
              (func (export "leave") (param $index i32) (param $value i32) (result i32)
                (return_call_ref $unary (local.get $value) (table.get $t (local.get $index)))))
            """
        var calls: [(name: String, arguments: [Value])] = []
        for name in ["run", "leave"] {
            for _ in 0..<10 { calls.append((name, [.i32(0), .i32(21)])) }
            for index in Int32(0)...4 {
                for value in [0, 3] as [Int32] { calls.append((name, [.i32(index), .i32(value)])) }
            }
        }
        try Self.expectSame(text, calls)
    }

    /// What has been counted goes on counting in the next run: it is known at once who is called.
    @Test func countsAreKeptWithTheCode() throws {
        let first = try Module(Self.engine(after: 1_000_000), text: Self.table)
        let calls = Array(repeating: Self.run(0, 4), count: 20)
        let expected = try Self.transcript(first, calls)
        let kept = try first.artifact()
        for threshold in [0, 1_000_000] {
            let second = try Module(Self.engine(after: threshold), precompiled: kept)
            #expect(try Self.transcript(second, calls) == expected)
            #expect((Self.hotCallees(second) > 0) == (threshold == 0))
            #expect(second.tiers?.compiledFunctions == 0)
            // Code of callees that are taken in is kept as such, with its places.
            let third = try Module(
                Self.engine(after: threshold), precompiled: second.artifact())
            let places = calls + [Self.run(0, -1), Self.run(1, 0)]
            let baseline = try Module(Self.engine(after: nil), text: Self.table)
            #expect(try Self.transcript(third, places) == Self.transcript(baseline, places))
        }
    }

    /// A module that has run is serialized with what is known of it, and does the same as ever.
    @Test(arguments: [5, 1_000_000])
    func whatHasRunIsSerializedWithIt(after threshold: Int) throws {
        func serialized(
            runs: Bool, _ change: (inout Engine.Configuration) -> Void = { _ in }
        ) throws -> Module {
            let engine = Self.engine(after: threshold, change)
            let module = try Module(engine, text: Self.table)
            if runs { _ = try Self.transcript(module, Array(repeating: Self.run(0, 4), count: 20)) }
            return try Module(engine, precompiled: module.serialize())
        }
        var calls: [(name: String, arguments: [Value])] = []
        for index in Int32(-1)...6 {
            for value in [0, 5, 65_533, -1] as [Int32] { calls.append(Self.run(index, value)) }
        }
        let expected = try Self.transcript(Module(Self.engine(after: nil), text: Self.table), calls)
        let hasRun = try serialized(runs: true)
        let others = [
            try serialized(runs: false),
            try serialized(runs: true) { $0.tiering.usesProfiles = false },
        ]
        #expect(hasRun.loaded.image(ofFunction: 4)?.inlinedCount == 1)
        #expect(hasRun.tiers == nil)
        for module in others { #expect(module.loaded.image(ofFunction: 4)?.inlinedCount == 0) }
        for module in [hasRun] + others { #expect(try Self.transcript(module, calls) == expected) }
    }

    /// Code that is only larger for what was counted is not what a module fails for.
    @Test func whatIsKnownMustNotTakeTooMuchCode() throws {
        let first = try Module(Self.engine(after: 1_000_000), text: Self.table)
        _ = try Self.transcript(first, Array(repeating: Self.run(0, 4), count: 20))
        let kept = try first.artifact()
        func codeBytes(knowing usesProfiles: Bool, limit: Int?) throws -> Int {
            let engine = Self.engine(after: 1_000_000) {
                $0.tiering.usesProfiles = usesProfiles
                $0.limits.codeBytes = limit
            }
            let module = try Module(engine, precompiled: kept)
            return try Module(engine, precompiled: module.serialize()).statistics.codeBytes
        }
        let plain = try codeBytes(knowing: false, limit: nil)
        let more = try codeBytes(knowing: true, limit: nil)
        #expect(more > plain)
        #expect(try codeBytes(knowing: true, limit: more) == more)
        #expect(try codeBytes(knowing: true, limit: more - 1) == plain)
    }

    /// Whatever has been counted, or written down as such, the code does what it should.
    @Test func nothingThatWasCountedIsReliedOn() throws {
        let first = try Module(Self.engine(after: 1_000_000), text: Self.table)
        _ = try Self.transcript(first, [Self.run(0, 4), Self.run(0, 4)])
        let kept = try first.artifact()
        var calls: [(name: String, arguments: [Value])] = []
        for index in Int32(-1)...6 {
            for value in [0, 5, 65_533] as [Int32] { calls.append(Self.run(index, value)) }
        }
        let expected = try Self.transcript(Module(Self.engine(after: nil), text: Self.table), calls)
        for callee in [0, 1, 2, 3, 4, 5, .max] as [UInt32] {
            let module = try Module(Self.engine(after: 0), precompiled: kept)
            let found = module.loaded.countedCalls(ofFunction: 4)
            let place = try #require(found.first).bodyOffset
            for offset in [place, place + 1, .max] {
                module.loaded.restoreCounts(
                    CountedCall(bodyOffset: offset, function: callee, hits: .max, misses: 0),
                    ofFunction: 4)
            }
            #expect(try Self.transcript(module, calls) == expected, "callee \(callee)")
        }
    }

    /// Of what is kept with the code no number is believed, even if checksums do not tell; some of
    /// the bytes here, all with `APUS_FLIPS`. Code is not run.
    @Test func noNumberOfKeptCodeIsBelieved() throws {
        let first = try Module(Self.engine(after: 3), text: Self.table)
        _ = try Self.transcript(first, Array(repeating: Self.run(0, 4), count: 12))
        #expect(Self.hotCallees(first) > 0)
        let bytes = try first.artifact()
        var changed = bytes
        var refused = 0
        let step = TestEnvironment.number("APUS_FLIPS", standard: 0) > 0 ? 1 : 3
        for place in stride(from: 0, to: bytes.count, by: step) where bytes[place] != 0 {
            for change: UInt8 in [0xFF, 0x01] {
                changed[place] = bytes[place] ^ change
                do {
                    let artifact = try Artifact(ByteStorage(changed), nil, isTrusted: true)
                    _ = try Module(first.engine, artifact, since: .now)
                } catch {
                    refused += 1
                }
            }
            changed[place] = bytes[place]
        }
        #expect(refused > 50)
    }

    /// Counts of calls are only those of the code that names them, even if checksums do not tell.
    @Test func countsBelongToTheirCode() throws {
        let first = try Module(Self.engine(after: 1_000_000), text: Self.table)
        _ = try Self.transcript(first, Array(repeating: Self.run(0, 4), count: 20))
        let kept = try first.artifact()
        let contents = try Artifact(ByteStorage(kept)).contents
        let section = try #require(contents.first { $0.name == "relocations" }).range
        let kinds = [CodeRelocation.Kind.counts, .hits].map(\.rawValue)
        let places = stride(from: section.lowerBound, to: section.upperBound, by: 12)
            .filter { kinds.contains(kept[$0 + 8]) }
        #expect(!places.isEmpty)
        for place in places {
            // The function, and the place in its body.
            for (offset, value) in [(4, kept[place + 4] - 1), (11, 0x7F)] {
                var changed = kept
                changed[place + offset] = value
                let artifact = try Artifact(ByteStorage(changed), nil, isTrusted: true)
                #expect(throws: ArtifactError.self) {
                    try Module(first.engine, artifact, since: .now)
                }
            }
        }
    }
}
