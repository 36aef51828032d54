import Apus
import ApusABI
import ApusFormat
import ApusOptimizer
import ApusScript
import ApusTestSupport
import Testing

/// The specification's test suite, on Apus and on what Apus is compared with.
///
/// `Tests/Conformance/suite.txt` lists the scripts with commands that need what Apus does not have
/// yet. `APUS_SUITE=all` runs it in all modes, or in that whose name is given; `APUS_SUITE_LIST=1`
/// prints what the list would have to be, `APUS_SUITE_TEXTS=1` which modules are refused in other
/// words than the suite's.
@Suite(.enabled(if: WastSuite.folder != nil))
struct SuiteTests {
    /// Ways to make code that must all give the same results.
    enum Mode: String, CaseIterable, CustomTestStringConvertible {
        case standard
        /// The code for processors without AVX, and relaxed instructions that agree everywhere.
        case withoutAVX
        /// Nothing is left to the processor to notice.
        case alwaysCheckingBounds
        case optimizing
        case optimizingWithoutAVX, optimizingAlwaysCheckingBounds
        /// Registers are given out at random, and as few as there can be.
        case optimizingAtRandom, optimizingAtRandomWithoutAVX
        /// Each instance in a slot of a pool.
        case pooling
        /// Each module is written down with its code and read again.
        case saved
        /// A collection before each object that is made.
        case collectingAlways, optimizingCollectingAlways
        /// Code looks before each instruction whether to stop.
        case withStopPoints
        /// Functions are compiled when they are first called; and anew at once, at their entry and
        /// at loops, or after one or two calls and rounds, or each after others up to seven.
        case tiered, tieredAtOnce, tieredAfterOne, tieredAfterTwo, tieredAtRandom

        var configuration: Engine.Configuration {
            var configuration = Engine.Configuration()
            switch self {
            case .standard, .saved: configuration.compiler = .baseline
            case .withoutAVX:
                configuration.compiler = .baseline
                configuration.processorFeatures = []
                configuration.isRelaxedSIMDDeterministic = true
            case .alwaysCheckingBounds:
                configuration.compiler = .baseline
                configuration.alwaysChecksBounds = true
            case .optimizing: configuration.compiler = .optimizing
            case .collectingAlways:
                configuration.compiler = .baseline
                configuration.collectsAtEachAllocation = true
            case .optimizingCollectingAlways:
                configuration.compiler = .optimizing
                configuration.collectsAtEachAllocation = true
            case .optimizingWithoutAVX:
                configuration.compiler = .optimizing
                configuration.processorFeatures.subtract([.avx, .avx2, .fma, .avx512])
                configuration.isRelaxedSIMDDeterministic = true
            case .optimizingAlwaysCheckingBounds:
                configuration.compiler = .optimizing
                configuration.alwaysChecksBounds = true
            case .optimizingAtRandom:
                configuration.compiler = .optimizing
                configuration.allocationSeed = 1
            case .optimizingAtRandomWithoutAVX:
                configuration.compiler = .optimizing
                configuration.processorFeatures.subtract([.avx, .avx2, .fma, .avx512])
                configuration.isRelaxedSIMDDeterministic = true
                configuration.allocationSeed = 2
            case .withStopPoints: configuration.isDebuggable = true
            case .tiered: configuration.compiler = .tiered
            case .tieredAtOnce: configuration.tier(after: 0)
            case .tieredAfterOne: configuration.tier(after: 1)
            case .tieredAfterTwo: configuration.tier(after: 2)
            case .tieredAtRandom:
                configuration.tier(after: nil)
                configuration.tiering.seed = 1
            case .pooling:
                var pool = Engine.Pool(instances: 700, tableElements: 10_000_000)
                pool.memoriesPerInstance = 12
                pool.tablesPerInstance = 16
                configuration.allocator = .pooling(pool)
            }
            return configuration
        }

        var testDescription: String { rawValue }

        /// Debug builds check what compilers make after each step, and take their time: they run
        /// what differs most. `APUS_SUITE=all` is for all of it.
        static var asked: [Mode] {
            if WastSuite.isWhole { return allCases }
            if let one = WastSuite.mode.flatMap(Mode.init) { return [one] }
            return [
                .standard, .optimizing, .optimizingAtRandomWithoutAVX, .optimizingCollectingAlways,
                .tieredAfterOne,
            ]
        }
    }

    @Test(arguments: Mode.asked) func apus(mode: Mode) throws {
        let known = try WastSuite.Known()
        let outcome = try WastSuite.run("apus, \(mode)") { name in
            var configuration = mode.configuration
            configuration.features = WastSuite.features(for: name)
            return ApusScriptEngine(configuration, savesModules: mode == .saved)
        } check: { script in
            let (skipped, failed) = known.counts[script.name] ?? (0, 0)
            #expect(script.skipped <= skipped, "\(script.name) skips more: \(script.reasons)")
            #expect(script.failures.count <= failed, "\(script.name): \(script.failures)")
            if WastSuite.printsList, mode == .standard,
                script.skipped + script.failures.count > 0
            {
                let counts = "\(script.skipped) \(script.failures.count)"
                let reasons = script.reasons.sorted().joined(separator: ", ")
                print("suite: \(script.name) \(counts) # \(reasons)")
            }
        }
        #expect(outcome.passed >= known.passed, "fewer assertions pass than before")
        if let seed = mode.configuration.allocationSeed {
            let record = AllocationChaos.record(ofSeed: seed)
            #expect(record.problems == [])
            #expect(record.functions > 10_000)
            #expect(record.confined > record.functions / 2)
            #expect(record.spilledValues > record.functions / 3)
            #expect(record.refused == 0)
            print(
                "suite: \(mode): \(record.functions) functions, \(record.confined) confined,",
                "\(record.spilledValues) values spilled")
        }
    }

    /// Right or wrong, hints change where code lies and not what it does.
    @Test func branchHints() throws {
        let known = try WastSuite.Known()
        let outcome = try WastSuite.run("apus, hinted") { name in
            var configuration = Engine.Configuration()
            configuration.features = WastSuite.features(for: name)
            return HintedScriptEngine(configuration)
        } check: { script in
            let failed = known.counts[script.name]?.failed ?? 0
            #expect(script.failures.count <= failed, "\(script.name): \(script.failures)")
        }
        #expect(outcome.passed >= known.passed, "fewer assertions pass than before")
    }

    /// All that the format has: nothing is skipped.
    @Test func validation() throws {
        let features = FeatureSet.webAssembly3.union([
            .init(.garbageCollection), .init(.threads), .init(.wideArithmetic),
            .init(.customPageSizes),
        ])
        let known = try WastSuite.Known()
        func absent(_ name: String) -> FeatureSet {
            FeatureSet.standard.subtracting(WastSuite.features(for: name))
        }
        let outcome = try WastSuite.run("validation") { name in
            let more = WastSuite.features(for: name).subtracting(.standard)
            return ValidationScriptEngine(features: features.union(more).subtracting(absent(name)))
        } check: { script in
            let failed = known.counts[script.name]?.failed ?? 0
            #expect(script.failures.count <= failed, "\(script.name): \(script.failures)")
            let off = Feature.allCases.filter { absent(script.name).has($0) }
            let reasons = script.reasons.subtracting(off.map(\.name) + ["execution"])
            #expect(reasons.isEmpty, "\(script.name)")
        }
        #expect(outcome.passed >= 7_000)
    }

    /// With a feature off, what needs it is skipped by its name, and all else is as it was.
    @Test(arguments: Feature.allCases.filter { FeatureSet.standard.has($0) })
    func validationWithout(feature: Feature) throws {
        let known = try WastSuite.Known()
        let outcome = try WastSuite.run("validation without \(feature.name)") { name in
            let features = WastSuite.features(for: name).subtracting(FeatureSet(feature))
            return ValidationScriptEngine(features: features)
        } check: { script in
            let failed = known.counts[script.name]?.failed ?? 0
            #expect(script.failures.count <= failed, "\(script.name): \(script.failures)")
        }
        #expect(outcome.passed > 3000)
    }

    /// The interpreter is a check of the suite's runner, and the suite one of the interpreter.
    @Test func referenceInterpreter() throws {
        let known = try WastSuite.Known()
        let outcome = try WastSuite.run("reference interpreter") { name in
            ReferenceScriptEngine(features: WastSuite.features(for: name))
        } check: { script in
            let failed = known.counts[script.name]?.failed ?? 0
            #expect(script.failures.count <= failed, "\(script.name): \(script.failures)")
            let features = WastSuite.features(for: script.name)
            let absent = Feature.allCases.filter { !features.has($0) }
            #expect(script.reasons.isSubset(of: absent.map(\.name)), "\(script.name)")
        }
        #expect(outcome.passed >= 66_000)
    }

    /// The list names scripts that exist, so that it shrinks when they go.
    @Test func theListNamesScriptsThatExist() throws {
        let names = Set(try WastSuite.scripts.get().map(\.name))
        #expect(try Set(WastSuite.Known().counts.keys).subtracting(names) == [])
    }
}

extension Engine.Configuration {
    /// Functions are compiled anew after so many calls and rounds.
    fileprivate mutating func tier(after threshold: Int?) {
        compiler = .tiered
        tiering.isSynchronous = true
        tiering.threshold = threshold
    }
}
