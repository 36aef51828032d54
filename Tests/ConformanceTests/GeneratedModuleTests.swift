import ApusCollections
import ApusFormat
import ApusTestSupport
import ApusText
import Foundation
import Testing

@Suite struct GeneratedModuleTests {
    @Test func sameSeedSameModule() {
        #expect(GeneratedModule(seed: 7).bytes == GeneratedModule(seed: 7).bytes)
        #expect(GeneratedModule(seed: 7).bytes != GeneratedModule(seed: 8).bytes)
    }

    @Test func recordReplays() {
        let module = GeneratedModule(seed: 11)
        #expect(GeneratedModule(replaying: module.record).bytes == module.bytes)
        let second = GeneratedModule(seed: 11, usesAggregates: true)
        #expect(
            GeneratedModule(replaying: second.record, usesAggregates: true).bytes == second.bytes)
    }

    /// Structures, arrays and casts: the interpreter runs them, mostly without a trap, and as text
    /// they are the same modules.
    @Test func aggregates() throws {
        var calls = 0
        var traps: [ReferenceTrap: Int] = [:]
        for seed in 0..<UInt64(TestEnvironment.number("APUS_DIFFERENTIAL", standard: 100)) {
            let generated = GeneratedModule(seed: seed, usesAggregates: true)
            for bytes in [generated.bytes] + (generated.importer.map { [$0] } ?? []) {
                _ = try ValidModule.decode(bytes)
                let text = try TextFormat.print(ByteStorage(bytes))
                let again = try TextFormat.parseModule(text)
                #expect(again == (try TextFormat.parseModule(TextFormat.print(ByteStorage(again)))))
            }
            let transcript = try ReferenceTranscript(generated, fuelPerCall: 100_000)
            for call in transcript?.calls ?? [] {
                calls += 1
                if let trap = call.trap.flatMap(ReferenceTrap.init) { traps[trap, default: 0] += 1 }
            }
        }
        #expect(calls > 200)
        #expect(traps.values.reduce(0, +) < calls / 2, "\(traps)")
        print("generator: \(calls) calls with aggregates, traps: \(traps)")
    }

    /// All instructions that there are occur in a few thousand modules.
    @Test func everyInstructionOccurs() throws {
        var absent = Set(
            Opcodes.prefixes.flatMap { prefix in
                (0..<Opcodes.count(prefix: prefix)).compactMap { code in
                    Opcodes.opcode(prefix: prefix, code: code)
                }
            }.filter { row in
                row.feature.map { FeatureSet.standard.contains(FeatureSet($0)) } ?? true
            }.map(\.operation))
        var seed: UInt64 = 0
        while !absent.isEmpty && seed < 4000 {
            let generated = GeneratedModule(seed: seed, usesAggregates: seed % 3 == 2)
            for bytes in [generated.bytes] + (generated.importer.map { [$0] } ?? []) {
                let module = try ValidModule.decode(bytes)
                for body in module.bodies {
                    var reader = InstructionReader(module.bytes, body: body)
                    while reader.position < Int(body.end) {
                        let operation = reader.next()
                        reader.skipImmediates(of: operation)
                        absent.remove(operation)
                    }
                }
            }
            seed += 1
        }
        #expect(absent == [], "not in \(seed) modules")
    }

    /// Writes modules and what the reference interpreter does with them into a folder, for
    /// `Tests/Conformance/compare-with-wasmtime`.
    @Test(.enabled(if: TestEnvironment.folder("APUS_DUMP") != nil))
    func dump() throws {
        let folder = try #require(TestEnvironment.folder("APUS_DUMP"))
        for seed in 0..<TestEnvironment.number("APUS_DIFFERENTIAL", standard: 100) {
            let usesAggregates = ProcessInfo.processInfo.environment["APUS_AGGREGATES"] != nil
            let generated = GeneratedModule(seed: UInt64(seed), usesAggregates: usesAggregates)
            try Data(generated.bytes).write(to: folder.appending(path: "\(seed).wasm"))
            let transcript = try ReferenceTranscript(generated, fuelPerCall: 300_000)
            guard let transcript else { continue }
            try JSONEncoder().encode(transcript).write(to: folder.appending(path: "\(seed).json"))
        }
    }
}
