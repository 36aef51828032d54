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
        (.garbageCollection, "(type (struct (field i32)))"),
        (.exceptions, "(tag)"),
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

    /// What is not there yet is refused when it is switched on, too.
    @Test(arguments: [Feature.garbageCollection, .exceptions, .threads])
    func isRefused(feature: Feature) throws {
        let text = try #require(Self.needy.first { $0.feature == feature }?.text)
        let features = FeatureSet.standard.union(FeatureSet(feature))
        #expect(kind(text, features: features) == .unsupported(feature))
    }
}
