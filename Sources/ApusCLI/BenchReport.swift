@_spi(ApusCLI) internal import Apus

/// What one run of a program took.
struct BenchSample {
    var module: Module.Statistics
    var instantiateTime: Duration
    var executeTime: Duration
    /// Of all threads, while it executed.
    var processorTime: Duration
    /// What was compiled meanwhile, if functions are compiled when they are called.
    var tiers: TierStatistics?
}

/// The medians of some runs, to be printed.
struct BenchReport {
    private let moduleBytes: Int
    private let codeBytes: Int
    private let decodeMilliseconds: Double
    private let compileMilliseconds: Double
    private let instantiateMicroseconds: Double
    private let executeMilliseconds: Double
    private let processorMilliseconds: Double
    private let tiers: TierStatistics?
    /// Of compiling, if they were measured.
    private let phases: [(name: String, milliseconds: Double)]

    init(_ samples: [BenchSample]) {
        moduleBytes = samples.first?.module.moduleBytes ?? 0
        codeBytes = samples.first?.module.codeBytes ?? 0
        func median(_ time: (BenchSample) -> Duration, in unit: Duration) -> Double {
            let times = samples.map { time($0) / unit }.sorted()
            let middle = times.count / 2
            if times.isEmpty { return 0 }
            return times.count % 2 == 1 ? times[middle] : (times[middle - 1] + times[middle]) / 2
        }
        decodeMilliseconds = median(\.module.decodeTime, in: .milliseconds(1))
        compileMilliseconds = median(\.module.compileTime, in: .milliseconds(1))
        instantiateMicroseconds = median(\.instantiateTime, in: .microseconds(1))
        executeMilliseconds = median(\.executeTime, in: .milliseconds(1))
        processorMilliseconds = median(\.processorTime, in: .milliseconds(1))
        tiers = samples.last?.tiers
        phases = (samples.first?.module.phases ?? []).enumerated().map { index, phase in
            (phase.name, median({ $0.module.phases[index].time }, in: .milliseconds(1)))
        }
    }

    /// For tools.
    var json: JSONValue {
        var members: [(String, JSONValue)] = [
            ("decode_ms", .decimal(decodeMilliseconds, 4)),
            ("compile_ms", .decimal(compileMilliseconds, 4)),
            ("instantiate_us", .decimal(instantiateMicroseconds, 2)),
            ("execute_ms", .decimal(executeMilliseconds, 4)),
            ("processor_ms", .decimal(processorMilliseconds, 4)),
            ("code_bytes", .count(codeBytes)), ("module_bytes", .count(moduleBytes)),
        ]
        if let tiers { members.append(("tiers", Self.json(tiers))) }
        if !phases.isEmpty {
            let times = phases.map { ($0.name, JSONValue.decimal($0.milliseconds, 4)) }
            members.append(("phases_ms", .object(times)))
        }
        return .object(members)
    }

    /// What was compiled while a program ran.
    static func json(_ tiers: TierStatistics) -> JSONValue {
        let made = tiers.optimizations.filter(\.succeeded)
        let loops = made.count { $0.loop != nil }
        return [
            "functions": .count(tiers.functions),
            "precompiled_functions": .count(tiers.precompiledFunctions),
            "compiled_functions": .count(tiers.compiledFunctions),
            "baseline_bytes": .count(tiers.baselineBytes),
            "baseline_ms": .milliseconds(tiers.baselineTime),
            "optimized_functions": .count(made.count - loops), "optimized_loops": .count(loops),
            "optimized_bytes": .count(tiers.optimizedBytes),
            "optimizing_ms": .milliseconds(tiers.optimizingTime),
        ]
    }

    /// Lines for people.
    var table: String {
        let rate = compileMilliseconds > 0 ? Double(moduleBytes) / 1000 / compileMilliseconds : 0
        return """
            decode       \(Self.text(decodeMilliseconds, decimals: 3)) ms
            compile      \(Self.text(compileMilliseconds, decimals: 3)) ms \
            (decoding included; \(Self.text(rate, decimals: 1)) MB/s)
            instantiate  \(Self.text(instantiateMicroseconds, decimals: 1)) µs
            execute      \(Self.text(executeMilliseconds, decimals: 3)) ms
            processors   \(Self.text(processorMilliseconds, decimals: 3)) ms \
            (from start to end, on all threads)
            code         \(codeBytes) bytes from \(moduleBytes) bytes of module
            """ + tierTable + phaseTable
    }

    /// Which tiers ran, if there were some.
    private var tierTable: String {
        guard let tiers else { return "" }
        let made = tiers.optimizations.filter(\.succeeded)
        let loops = made.count { $0.loop != nil }
        return """

            tiers        \(tiers.compiledFunctions) of \(tiers.functions) functions called, \
            \(made.count - loops) optimized, and \(loops) loops
            """
    }

    /// A line for each phase: its time, and its part of all of them.
    private var phaseTable: String {
        let total = phases.reduce(0) { $0 + $1.milliseconds }
        return phases.map { phase in
            let name = phase.name + String(repeating: " ", count: max(0, 11 - phase.name.count))
            let part = total > 0 ? phase.milliseconds / total * 100 : 0
            return "\n  \(name)\(Self.text(phase.milliseconds, decimals: 3)) ms "
                + "(\(Self.text(part, decimals: 1)) %)"
        }.joined()
    }

    /// `value`, not negative, with a fixed number of decimals.
    static func text(_ value: Double, decimals: Int) -> String {
        var scale = 1.0
        for _ in 0..<decimals { scale *= 10 }
        guard let scaled = Int64(exactly: (value * scale).rounded()) else { return "0" }
        let digits = String(scaled)
        let padded = String(repeating: "0", count: max(0, decimals + 1 - digits.count)) + digits
        return "\(padded.dropLast(decimals)).\(padded.suffix(decimals))"
    }
}
