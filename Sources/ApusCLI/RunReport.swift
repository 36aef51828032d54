@_spi(ApusCLI) internal import Apus

/// What is told of a program's run with `--stats`, however it ended.
final class RunReport {
    private(set) var module: Module?
    /// The modules that the program imports from.
    var preloads: [Module] = []
    private var store: Store?
    private var start: ContinuousClock.Instant?

    /// The program is about to run in `store`.
    func begin(_ module: Module, _ store: Store) {
        self.module = module
        self.store = store
        start = .now
    }

    /// How it is told.
    enum Form {
        /// In lines, for people.
        case text
        /// In one line, for tools.
        case json
    }

    /// Tells it on the error output, if anything has run.
    func tell(as form: Form) {
        switch form {
        case .text: if let text { Outcome.report(text) }
        case .json: if let json { Outcome.tell(json.text + "\n") }
        }
    }

    /// Lines for people; nil if nothing has run.
    private var text: String? {
        guard let module, let store, let start else { return nil }
        let run = start.duration(to: .now)
        let sizes = module.statistics
        let counts = store.statistics
        let tiers = TierReport(module)
        let codeBytes = sizes.codeBytes + (tiers?.codeBytes ?? 0)
        var lines = [
            ("module", "\(sizes.moduleBytes) bytes, \(codeBytes) bytes of code"),
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
        if let tiers { lines += tiers.lines }
        if store.engine.configuration.isFuelMetered {
            lines.append(("fuel", "\(counts.fuelUsed) used, \(store.fuel) left"))
        }
        let texts = lines.map { name, value in
            "  " + name + String(repeating: " ", count: 16 - name.count) + value
        }
        let hot = tiers?.optimizations ?? []
        return (["statistics"] + texts + hot).joined(separator: "\n")
    }

    /// A duration for people.
    static func time(_ duration: Duration) -> String {
        BenchReport.text(duration / .milliseconds(1), decimals: 3) + " ms"
    }

    private static func level(_ now: UInt64, _ peak: UInt64) -> String {
        "\(ByteCount.text(now)), at most \(ByteCount.text(peak))"
    }
}

/// For tools.
extension RunReport {
    private var json: JSONValue? {
        guard let module, let store, let start else { return nil }
        let sizes = module.statistics
        let counts = store.statistics
        let isMetered = store.engine.configuration.isFuelMetered
        return [
            "module_bytes": .count(sizes.moduleBytes), "code_bytes": .count(sizes.codeBytes),
            "precompiled": .bool(sizes.isPrecompiled),
            "decode_ms": .milliseconds(sizes.decodeTime),
            "compile_ms": .milliseconds(sizes.compileTime),
            "run_ms": .milliseconds(start.duration(to: .now)),
            "instantiate_ms": .milliseconds(counts.instantiationTime),
            "instances": .count(counts.instances),
            "memory_bytes": .integer(counts.memoryBytes),
            "peak_memory_bytes": .integer(counts.peakMemoryBytes),
            "table_bytes": .integer(counts.tableBytes),
            "peak_table_bytes": .integer(counts.peakTableBytes),
            "heap_bytes": .integer(counts.heapBytes),
            "peak_heap_bytes": .integer(counts.peakHeapBytes),
            "collections": .count(counts.collections),
            "collection_ms": .milliseconds(counts.collectionTime),
            "growths": .count(counts.growths), "failed_growths": .count(counts.failedGrowths),
            "traps": .count(counts.traps),
            "fuel_used": isMetered ? .integer(counts.fuelUsed) : .null,
            "fuel_left": isMetered ? .integer(store.fuel) : .null,
            "tiers": TierReport(module)?.json ?? .null,
        ]
    }
}
