import Apus
import Foundation
import Testing

/// How the host rounds is nothing to the guest: it has the specification's way, to the nearest. Nor
/// does the guest change it for the host, however the call ends.
@Suite struct RoundingTests {
    private static let text = """
        (module
          (func (export "third") (param f64) (result f64)
            (f64.div (local.get 0) (f64.const 3)))
          (func (export "trap") unreachable))
        """

    /// Down, up, and towards zero, as the C library numbers them here; 0 is to the nearest.
    private static let modes: [Int32] = [0x400, 0x800, 0xC00]

    /// What the host's own divisions come to: they tell how it rounds.
    @inline(never)
    private static func thirds(_ values: [Double]) -> [Double] { values.map { $0 / 3 } }

    @Test(arguments: Engine.Compiler.allCases, modes)
    func isTheGuestsOwn(compiler: Engine.Compiler, mode: Int32) throws {
        var configuration = Engine.Configuration()
        configuration.compiler = compiler
        let engine = Engine(configuration)
        let instance = try Instance(Store(engine), Module(engine, text: Self.text))
        let third = try instance.function("third", as: ((Double) -> Double).self)
        let trap = try instance.function("trap", as: (() -> Void).self)
        let values: [Double] = [1, 2, 5, -1, -5]
        let expected = Self.thirds(values)
        defer { fesetround(0) }
        fesetround(mode)
        let before = Self.thirds(values)
        var results: [Double] = []
        for value in values { results.append(try third(value)) }
        let after = Self.thirds(values)
        var hasTrapped = false
        do { try trap() } catch is Trap { hasTrapped = true }
        let afterTrap = Self.thirds(values)
        fesetround(0)
        #expect(before != expected)
        #expect(results == expected)
        #expect(after == before)
        #expect(hasTrapped)
        #expect(afterTrap == before)
    }
}
