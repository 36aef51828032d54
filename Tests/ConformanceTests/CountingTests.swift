import Apus
import ApusTestSupport
import Testing

/// Code that counts how often it runs counts what the reference interpreter counts, and does
/// the same as any other code.
///
/// `APUS_COUNTING` is the number of modules.
@Suite struct CountingTests {
    @Test(arguments: [false, true])
    func countsOfGeneratedModules(isMetered: Bool) throws {
        var configuration = Engine.Configuration()
        configuration.countsCoverage = true
        configuration.isFuelMetered = isMetered
        configuration.isRelaxedSIMDDeterministic = true
        let engine = Engine(configuration)
        let count = TestEnvironment.number("APUS_COUNTING", standard: 40)
        var calls = 0
        for seed in stride(from: isMetered ? 1 : 0, to: count, by: 2) {
            let generated = GeneratedModule(seed: UInt64(seed), usesAggregates: seed % 3 == 2)
            // What hints call unlikely is counted where it is.
            let module = seed % 4 < 2 ? generated : try generated.hinted()
            switch Differential.compare(module, engine) {
            case .equal(let more, _): calls += more
            case .different(let text): Issue.record("seed \(seed): \(text)")
            }
        }
        #expect(calls > count / 2)
    }
}
