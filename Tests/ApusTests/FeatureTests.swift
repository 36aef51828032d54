import Apus
import ApusFormat
import Testing

/// Each part of WebAssembly that can be switched is refused by its name when it is off.
@Suite struct FeatureTests {
    static let needy: [(feature: Feature, text: String)] = [
        (.mutableGlobals, #"(global (export "g") (mut i32) (i32.const 0))"#),
        (.signExtension, "(func (param i32) (drop (i32.extend8_s (local.get 0))))"),
        (.saturatingConversions, "(func (param f32) (drop (i64.trunc_sat_f32_u (local.get 0))))"),
        (.multiValue, "(func (result i32 i32) (i32.const 1) (i32.const 2))"),
        (.bulkMemory, "(memory 1) (func (memory.fill (i32.const 0) (i32.const 0) (i32.const 0)))"),
        (.referenceTypes, "(func (param externref))"),
        (.simd, "(func (drop (v128.const i64x2 1 2)))"),
        (.extendedConstants, "(global i32 (i32.add (i32.const 1) (i32.const 2)))"),
        (
            .relaxedSIMD,
            "(func (param v128) (drop (i8x16.relaxed_swizzle (local.get 0) (local.get 0))))"
        ),
        (.tailCalls, "(func $f (return_call $f))"),
        (.multiMemory, "(memory 1) (memory 1)"),
        (.memory64, "(memory i64 1)"),
        (.functionReferences, "(func (param (ref func)))"),
        (.garbageCollection, "(func (drop (ref.i31 (i32.const 1))))"),
        (.exceptions, "(tag)"),
        (.legacyExceptions, "(func (try (do)))"),
        (.threads, "(memory 1 1 shared)"),
        (
            .wideArithmetic,
            """
            (func (param i64) (result i64 i64)
              (i64.mul_wide_u (local.get 0) (local.get 0)))
            """
        ),
        (.customPageSizes, "(memory 1 (pagesize 1))"),
    ]

    /// Places besides those, each with what is switched off: all that a feature has brought.
    static let places: [(off: [Feature], text: String)] = [
        ([.referenceTypes], "(func (param funcref))"),
        ([.referenceTypes], "(func (local funcref))"),
        ([.referenceTypes], "(func (local externref))"),
        ([.referenceTypes], "(func (result funcref) unreachable)"),
        ([.referenceTypes], #"(import "m" "g" (global funcref))"#),
        ([.referenceTypes], #"(import "m" "g" (global externref))"#),
        ([.referenceTypes], #"(import "m" "f" (func (param externref)))"#),
        ([.referenceTypes], "(global funcref (ref.null func))"),
        ([.referenceTypes], "(func (block (result funcref) unreachable) drop)"),
        ([.referenceTypes], "(func (loop (result externref) unreachable) drop)"),
        ([.referenceTypes], "(func i32.const 0 i32.const 0 i32.const 0 select (result i32) drop)"),
        ([.referenceTypes], "(func unreachable select (result funcref) drop)"),
        ([.referenceTypes], "(table 1 funcref) (func (table.get (i32.const 0)) drop)"),
        ([.referenceTypes], "(table 1 funcref) (func unreachable table.set)"),
        ([.referenceTypes], "(table 1 funcref) (func table.size drop)"),
        ([.referenceTypes], "(table 1 funcref) (func unreachable table.grow drop)"),
        ([.referenceTypes], "(table 1 funcref) (func unreachable table.fill)"),
        ([.referenceTypes], "(func ref.null func drop)"),
        ([.referenceTypes], "(func ref.func 0 drop)"),
        ([.referenceTypes], "(func unreachable ref.is_null drop)"),
        ([.referenceTypes], "(table 1 externref)"),
        ([.referenceTypes], "(table 1 funcref) (table 1 funcref)"),
        ([.referenceTypes], "(func) (elem funcref (ref.func 0))"),
        ([.referenceTypes], "(elem externref)"),
        ([.referenceTypes], "(func (param (ref null func)))"),
        ([.referenceTypes], "(table 1 (ref func))"),
        ([.functionReferences], "(func (local (ref func)))"),
        ([.functionReferences], "(type $t (func)) (func (result (ref null $t)) ref.null $t)"),
        ([.functionReferences], "(func (block (result (ref func)) unreachable) drop)"),
        ([.functionReferences], "(table 1 (ref func))"),
        ([.functionReferences], "(elem (ref func))"),
        ([.functionReferences], "(table 1 funcref (ref.null func))"),
        ([.functionReferences], "(func unreachable ref.as_non_null drop)"),
        ([.functionReferences], "(func unreachable br_on_null 0 drop)"),
        ([.functionReferences], "(type $t (func)) (func unreachable call_ref $t)"),
        ([.functionReferences], "(type $t (func)) (func unreachable return_call_ref $t)"),
        ([.tailCalls], "(type $t (func)) (func unreachable return_call_ref $t)"),
        ([.tailCalls], "(table 1 funcref) (func unreachable return_call_indirect)"),
        ([.multiValue], "(type $t (func)) (func (block (type $t)))"),
        ([.multiValue], "(type $t (func (result i32))) (func (loop (type $t) unreachable) drop)"),
        ([.multiValue], "(func (block (result i32 i32) unreachable) drop drop)"),
        (
            [.multiValue],
            "(func i32.const 0 (if (param i32) (i32.const 0) (then drop) (else drop)))"
        ),
        ([.simd], "(func (local v128))"), ([.simd], "(func (param v128))"),
        ([.simd], "(func (block (result v128) unreachable) drop)"),
        ([.simd], "(func unreachable select (result v128) drop)"),
        ([.simd], #"(import "m" "g" (global v128))"#),
        ([.simd], "(memory 1) (func unreachable v128.load drop)"),
        ([.simd], "(global v128 (v128.const i64x2 0 0))"),
        ([.relaxedSIMD], "(func unreachable f32x4.relaxed_madd drop)"),
        ([.bulkMemory], "(memory 1) (data \"a\")"), ([.bulkMemory], "(func) (elem func 0)"),
        ([.bulkMemory], "(func) (elem declare func 0)"),
        ([.bulkMemory], "(memory 1) (func unreachable memory.copy)"),
        ([.bulkMemory], "(table 1 funcref) (func unreachable table.copy)"),
        (
            [.bulkMemory],
            "(table 1 funcref) (elem func) (func unreachable table.init 0 elem.drop 0)"
        ),
        ([.mutableGlobals], #"(import "m" "g" (global (mut i32)))"#),
        ([.signExtension], "(func unreachable i64.extend32_s drop)"),
        ([.saturatingConversions], "(func unreachable i32.trunc_sat_f64_s drop)"),
        ([.extendedConstants], "(memory 1) (data (offset i32.const 1 i32.const 2 i32.mul) \"\")"),
        ([.multiMemory], #"(import "m" "a" (memory 1)) (import "m" "b" (memory 1))"#),
        ([.memory64], "(table i64 1 funcref)"), ([.memory64], #"(import "m" "m" (memory i64 1))"#),
        ([.wideArithmetic], "(func unreachable i64.add128 drop drop)"),
        ([.customPageSizes], #"(import "m" "m" (memory 1 (pagesize 1)))"#),
        ([.garbageCollection], "(type (struct (field i32)))"),
        ([.garbageCollection], "(func (param anyref))"),
        ([.garbageCollection], "(func (local i31ref))"),
        ([.garbageCollection], "(func ref.null none drop)"),
        ([.garbageCollection], "(rec (type (array i8)))"),
        ([.garbageCollection], "(rec)"), ([.garbageCollection], "(rec (type (func)))"),
        ([.garbageCollection], "(type (sub (func)))"),
        ([.garbageCollection], "(type (sub final (func)))"),
        ([.garbageCollection], "(global i32 (i32.const 0)) (global i32 (global.get 0))"),
        (
            [.garbageCollection],
            "(memory 1) (global i32 (i32.const 0)) (data (offset global.get 0) \"\")"
        ),
        ([.exceptions], "(func (param exnref))"), ([.exceptions], "(func try_table end)"),
        ([.exceptions], #"(import "m" "t" (tag))"#),
        ([.threads], "(func atomic.fence)"), ([.threads], #"(import "m" "m" (memory 1 1 shared))"#),
    ]

    @Test(arguments: places)
    func isRefusedWhereverItShows(off: [Feature], text: String) throws {
        var features = FeatureSet.standard
        for feature in off { features.remove(FeatureSet(feature)) }
        let feature = try #require(off.first)
        #expect(kind(text, features: features) == .unsupported(feature), "\(text)")
    }

    /// Neither typed references nor others: their own feature is named.
    @Test func referencesWithoutEither() {
        let off: FeatureSet = [.init(.referenceTypes), .init(.functionReferences)]
        let features = FeatureSet.standard.subtracting(off)
        #expect(kind("(func (local funcref))", features: features) == .unsupported(.referenceTypes))
        #expect(
            kind("(func (local (ref func)))", features: features)
                == .unsupported(.functionReferences))
    }

    /// What was there before a feature goes on without it.
    @Test func theFirstVersionIsLeft() throws {
        let text = """
            (type $t (func (param i32) (result i32)))
            (import "m" "f" (func (param i64)))
            (table 1 funcref) (memory 1) (global (mut i64) (i64.const 1))
            (func $f (type $t) (local f32 f64)
              (block (result i32) (call_indirect (type $t) (i32.const 1) (local.get 0)))
              (select (i32.const 1) (i32.const 2)) (memory.grow))
            (elem (i32.const 0) $f) (data (i32.const 0) "a") (export "f" (func $f))
            """
        try compile(text, features: [])
    }

    private func compile(_ text: String, features: FeatureSet) throws {
        var configuration = Engine.Configuration()
        configuration.features = features
        _ = try Module(Engine(configuration), text: "(module \(text))")
    }

    private func kind(_ text: String, features: FeatureSet) -> ModuleError.Kind? {
        let error = #expect(throws: ModuleError.self) { try compile(text, features: features) }
        return error?.kind
    }

    @Test func allButHintsCanBeNeeded() {
        let needed = Set(Self.needy.map(\.feature))
        #expect(Set(Feature.allCases).subtracting(needed) == [.branchHints])
    }

    @Test(arguments: needy)
    func isASwitch(feature: Feature, text: String) throws {
        let on = FeatureSet.standard
        let off = on.subtracting(FeatureSet(feature))
        if on.has(feature) { try compile(text, features: on) }
        #expect(kind(text, features: off) == .unsupported(feature))
    }
}
