import Apus
import ApusTestSupport
import Foundation
import Testing

/// Real modules, cut off or with changed bytes, must be refused or compiled, never crash or hang.
///
/// `APUS_MUTATIONS` is the number of mutations over all modules.
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
