import Apus
import ApusTestSupport
import Foundation
import Testing

/// Real modules, cut off or with changed bytes, must be refused or compiled, never crash or hang.
///
/// `APUS_MUTATIONS` is the number of mutations over all modules, of programs and of the suite each.
@Suite(.enabled(if: TestEnvironment.shared != nil))
struct MutationTests {
    private static let shardCount = 8
    private static let greatestSize = 200_000

    /// The modules of the suites and benchmarks that are not too large.
    private static let modules: [URL] = {
        guard let shared = TestEnvironment.shared else { return [] }
        return ["programs", "benchmarks", "wasi-testsuite"].flatMap {
            TestEnvironment.files(below: shared.appending(path: $0), suffix: "wasm")
        }.filter {
            ((try? $0.resourceValues(forKeys: [.fileSizeKey]).fileSize) ?? .max) <= greatestSize
        }
    }()

    @Test(arguments: 0..<shardCount)
    func neitherCrashNorHang(shard: Int) throws {
        let engine = Engine()
        let count = TestEnvironment.number("APUS_MUTATIONS", standard: 800) / Self.shardCount
        var choices = ChoiceSource(seed: UInt64(shard))
        var accepted = 0
        try #require(!Self.modules.isEmpty)
        for _ in 0..<count {
            let file = choices.pick(Self.modules)
            let mutated = mutate([UInt8](try Data(contentsOf: file)), &choices)
            let start = ContinuousClock.now
            if (try? Module(engine, bytes: mutated)) != nil { accepted += 1 }
            let duration = ContinuousClock.now - start
            #expect(duration < .seconds(20), "\(file.lastPathComponent) took \(duration)")
        }
        print("mutations, shard \(shard): \(count), \(accepted) still valid")
    }

    /// The modules that the specification's scripts are made of, once each.
    private static let suite: [[UInt8]] = {
        guard let scripts = try? WastSuite.scripts.get() else { return [] }
        var found: Set<[UInt8]> = []
        for (_, script) in scripts {
            for command in script.commands {
                switch command.action {
                case .module(let module), .definition(let module), .assertInvalid(let module, _),
                    .assertMalformed(let module, _), .assertUnlinkable(let module, _),
                    .assertModuleTrap(let module, _):
                    if let bytes = try? module.bytes(), bytes.count < 20_000 {
                        found.insert(bytes)
                    }
                default: break
                }
            }
        }
        return found.sorted { $0.lexicographicallyPrecedes($1) }
    }()

    /// Each of them cut off at every length; with `APUS_CUTS=1`, else at some.
    @Test(arguments: 0..<shardCount)
    func cutOffAnywhere(shard: Int) throws {
        let engine = Engine()
        let step = TestEnvironment.number("APUS_CUTS", standard: 0) > 0 ? 1 : 97
        var count = 0
        try #require(Self.suite.count > 1000)
        for index in stride(from: shard, to: Self.suite.count, by: Self.shardCount) {
            let bytes = Self.suite[index]
            for length in stride(from: index % step, to: bytes.count, by: step) {
                // What is cut between two sections may be a module.
                _ = try? Module(engine, bytes: bytes.span.extracting(first: length))
                count += 1
            }
        }
        print("cut off, shard \(shard): \(count)")
    }

    /// Changed bytes in the specification's modules, which have all that there is in little room.
    @Test(arguments: 0..<shardCount)
    func changedModulesOfTheSuite(shard: Int) throws {
        let engine = Engine()
        let count = TestEnvironment.number("APUS_MUTATIONS", standard: 4000) / Self.shardCount
        var choices = ChoiceSource(seed: UInt64(1000 + shard))
        var accepted = 0
        for _ in 0..<count {
            let mutated = mutate(choices.pick(Self.suite), &choices)
            if (try? Module(engine, bytes: mutated)) != nil { accepted += 1 }
        }
        print("changed, shard \(shard): \(count), \(accepted) still valid")
    }

    private func mutate(_ original: [UInt8], _ choices: inout ChoiceSource) -> [UInt8] {
        var bytes = original
        guard bytes.count > 8 else { return bytes }
        if choices.chance(25) { return Array(bytes[..<choices.below(bytes.count)]) }
        // Sections and types lie at the start; most of the rest is code.
        for _ in 0..<choices.pick([1, 1, 1, 2, 5]) {
            let span = choices.pick([bytes.count, bytes.count, 300, 3000])
            let position = choices.below(min(span, bytes.count))
            switch choices.below(5) {
            case 0: bytes[position] ^= 1 << UInt8(choices.below(8))
            case 1: bytes[position] = UInt8(choices.pick([0, 0x7F, 0x80, 0xFF, 0x0B, 0x40]))
            case 2: bytes[position] = UInt8(choices.below(256))
            case 3: bytes.remove(at: position)
            default: bytes.insert(UInt8(choices.below(256)), at: position)
            }
        }
        return bytes
    }
}
