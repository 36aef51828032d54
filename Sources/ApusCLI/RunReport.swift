internal import Apus

/// What is told of a program's run with `--stats`, however it ended.
final class RunReport {
    private var module: Module?
    private var store: Store?
    private var start: ContinuousClock.Instant?

    /// The program is about to run in `store`.
    func begin(_ module: Module, _ store: Store) {
        self.module = module
        self.store = store
        start = .now
    }

    /// Lines for people; nil if nothing has run.
    var text: String? {
        guard let module, let store, let start else { return nil }
        let run = start.duration(to: .now)
        let sizes = module.statistics
        let counts = store.statistics
        var lines = [
            ("module", "\(sizes.moduleBytes) bytes, \(sizes.codeBytes) bytes of code"),
            (
                sizes.isPrecompiled ? "loading" : "compilation",
                Self.time(sizes.compileTime) + (sizes.isPrecompiled ? ", compiled before" : "")
            ),
            ("of it decoding", Self.time(sizes.decodeTime)),
            ("run", Self.time(run)),
            ("of it starting", Self.time(counts.instantiationTime)),
            ("instances", "\(counts.instances)"),
            ("memory", Self.level(counts.memoryBytes, counts.peakMemoryBytes)),
            ("tables", Self.level(counts.tableBytes, counts.peakTableBytes)),
            ("heap", Self.level(counts.heapBytes, counts.peakHeapBytes)),
            (
                "collections",
                "\(counts.collections), \(Self.time(counts.collectionTime))"
            ),
            ("growths", "\(counts.growths), refused \(counts.failedGrowths)"),
            ("traps", "\(counts.traps)"),
        ]
        if store.engine.configuration.isFuelMetered {
            lines.append(("fuel", "\(counts.fuelUsed) used, \(store.fuel) left"))
        }
        let texts = lines.map { name, value in
            "  " + name + String(repeating: " ", count: 16 - name.count) + value
        }
        return "statistics\n" + texts.joined(separator: "\n")
    }

    private static func time(_ duration: Duration) -> String {
        BenchReport.text(duration / .milliseconds(1), decimals: 3) + " ms"
    }

    private static func level(_ now: UInt64, _ peak: UInt64) -> String {
        "\(ByteCount.text(now)), at most \(ByteCount.text(peak))"
    }
}
