import Apus
import ApusOptimizer
import ApusTestSupport
import Foundation
import Testing

/// Generated modules must do the same on Apus and on the reference interpreter; every second time
/// in a metered engine, and then they must use up the same fuel; half of them with branch hints,
/// a quarter where every address is checked, and every twelfth one with registers given out at
/// random, or with stop points for debuggers; some do without AVX-512. A third goes from one tier
/// to the next after 0, 1, 2 or any few rounds, also in the middle of loops. A third has structures
/// and arrays, half of these with a collection before each object that is made. Compilation
/// verifies itself in a tenth of them, and in builds for debugging in all.
///
/// `APUS_DIFFERENTIAL` is the number of modules, `APUS_DIFFERENTIAL_SEED` the first seed; with
/// `APUS_DIFFERENTIAL_RANDOM=1` registers are random everywhere;
/// `APUS_DIFFERENTIAL_TRACE` names a folder for the seed under way and its module, in case the
/// process dies.
@Suite struct DifferentialTests {
    private static let shardCount = 12
    /// The shards in which functions get from one tier to the next.
    private static let tieredShards = 8..<shardCount

    private func configuration(_ shard: Int) -> Engine.Configuration {
        var configuration = Engine.Configuration()
        configuration.compiler = shard % 2 == 0 ? .optimizing : .baseline
        if Self.tieredShards.contains(shard) {
            configuration.compiler = .tiered
            configuration.tiering.isSynchronous = true
            configuration.tiering.threshold = shard - Self.tieredShards.lowerBound
            if shard == 11 { configuration.tiering.seed = 1 }
        }
        // Both compilers, and the one of them at random as well.
        // Functions that are metered are not taken into each other.
        configuration.isFuelMetered = [1, 2, 6, 7, 9].contains(shard)
        configuration.interruption = [3, 4, 7, 9, 11].contains(shard) ? .polling : .signals
        configuration.alwaysChecksBounds = [3, 4, 10].contains(shard)
        configuration.isRelaxedSIMDDeterministic = true
        configuration.collectsAtEachAllocation = [0, 1, 2, 3, 8, 10].contains(shard)
        configuration.isDebuggable = shard == 5
        if [2, 5].contains(shard) { configuration.processorFeatures.subtract(.avx512) }
        let isRandom =
            shard == 6 || TestEnvironment.number("APUS_DIFFERENTIAL_RANDOM", standard: 0) > 0
        configuration.allocationSeed = isRandom ? UInt64(100 + shard) : nil
        return configuration
    }

    @Test(arguments: 0..<shardCount)
    func sameOutcome(shard: Int) throws {
        var configuration = configuration(shard)
        let allocationSeed = configuration.allocationSeed
        let engine = Engine(configuration)
        configuration.verifiesCompilation = true
        let verifying = Engine(configuration)
        let count = TestEnvironment.number("APUS_DIFFERENTIAL", standard: 800)
        let first = TestEnvironment.number("APUS_DIFFERENTIAL_SEED", standard: 0)
        var calls = 0
        var traps = 0
        for seed in stride(from: first + shard, to: first + count, by: Self.shardCount) {
            let generated = try variant(
                GeneratedModule(seed: UInt64(seed), usesAggregates: Self.usesAggregates(seed)),
                shard)
            try trace(seed, shard, generated)
            let engine = seed / Self.shardCount % 10 == 0 ? verifying : engine
            switch Differential.compare(generated, engine) {
            case .equal(let moreCalls, let moreTraps):
                calls += moreCalls
                traps += moreTraps
            case .different(let text):
                try report(generated, seed, shard, text, engine)
            }
        }
        if count >= 800 {
            #expect(calls > count / Self.shardCount * 3, "too few calls to compare")
            #expect(traps < calls / 2, "most calls trap")
        }
        if let allocationSeed {
            #expect(AllocationChaos.record(ofSeed: allocationSeed).problems == [])
        }
        print("differential, shard \(shard): \(calls) calls, \(traps) traps")
    }

    private static func usesAggregates(_ seed: Int) -> Bool { seed / shardCount % 3 == 2 }

    /// The module as this shard has it.
    private func variant(_ generated: GeneratedModule, _ shard: Int) throws -> GeneratedModule {
        [0, 1, 5].contains(shard) ? generated : try generated.hinted()
    }

    private func trace(_ seed: Int, _ shard: Int, _ generated: GeneratedModule) throws {
        guard let folder = TestEnvironment.folder("APUS_DIFFERENTIAL_TRACE") else { return }
        try Data(generated.bytes).write(to: folder.appending(path: "shard\(shard).wasm"))
        try Data("\(seed)\n".utf8).write(to: folder.appending(path: "shard\(shard)"))
    }

    /// Makes the module smaller and leaves it in the folder for temporary files.
    private func report(
        _ generated: GeneratedModule, _ seed: Int, _ shard: Int, _ text: String, _ engine: Engine
    ) throws {
        var shrinker = Shrinker()
        let record = shrinker.shrink(generated.record) { candidate in
            guard
                let module = try? variant(
                    GeneratedModule(
                        replaying: candidate, usesAggregates: Self.usesAggregates(seed)), shard)
            else { return false }
            if case .different = Differential.compare(module, engine) { return true }
            return false
        }
        let small = try variant(
            GeneratedModule(replaying: record, usesAggregates: Self.usesAggregates(seed)), shard)
        let file = FileManager.default.temporaryDirectory.appending(
            path: "differential-\(seed).wasm")
        try Data(small.bytes).write(to: file)
        if let importer = small.importer {
            try Data(importer).write(to: file.appendingPathExtension("importer"))
        }
        var smallText = ""
        if case .different(let text) = Differential.compare(small, engine) { smallText = text }
        Issue.record("seed \(seed): \(text)\nshrunk to \(file.path()): \(smallText)")
    }
}
