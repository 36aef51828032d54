@_spi(ApusCLI) internal import Apus

/// What one run of a program took.
struct BenchSample {
    var module: Module.Statistics
    var instantiateTime: Duration
    var executeTime: Duration
    /// Of all threads, while it executed.
    var processorTime: Duration
    /// What was compiled meanwhile, if functions are compiled when they are called.
    var tiers: TierReport?
    /// Whether it imports what `bench` has, which `apus run` does not know.
    var usesMarks: Bool
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
    private let tiers: TierReport?
    /// Of processes, if they were measured: with nothing compiled before, and with what was kept.
    private let processes: (cold: ProcessTimes, cached: ProcessTimes)?
    /// Of compiling, if they were measured.
    private let phases: [(name: String, milliseconds: Double)]

    init(_ samples: [BenchSample], _ processSamples: [ProcessBench.Sample] = []) {
        moduleBytes = samples.first?.module.moduleBytes ?? 0
        codeBytes = samples.first?.module.codeBytes ?? 0
        func median(_ time: (BenchSample) -> Duration, in unit: Duration) -> Double {
            Self.median(samples.map { time($0) / unit })
        }
        decodeMilliseconds = median(\.module.decodeTime, in: .milliseconds(1))
        compileMilliseconds = median(\.module.compileTime, in: .milliseconds(1))
        instantiateMicroseconds = median(\.instantiateTime, in: .microseconds(1))
        executeMilliseconds = median(\.executeTime, in: .milliseconds(1))
        processorMilliseconds = median(\.processorTime, in: .milliseconds(1))
        tiers = samples.last?.tiers
        processes =
            processSamples.isEmpty
            ? nil
            : (ProcessTimes(processSamples.map(\.cold)), ProcessTimes(processSamples.map(\.cached)))
        phases = (samples.first?.module.phases ?? []).enumerated().map { index, phase in
            (phase.name, median({ $0.module.phases[index].time }, in: .milliseconds(1)))
        }
    }

    /// What processes took.
    private struct ProcessTimes {
        let milliseconds: Double
        let processorMilliseconds: Double

        init(_ costs: [ChildProcess.Cost]) {
            milliseconds = BenchReport.median(costs.map { $0.time / .milliseconds(1) })
            processorMilliseconds = BenchReport.median(
                costs.map { $0.processorTime / .milliseconds(1) })
        }
    }

    private static func median(_ values: [Double]) -> Double {
        let values = values.sorted()
        let middle = values.count / 2
        if values.isEmpty { return 0 }
        return values.count % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2
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
        if let (cold, cached) = processes {
            members += [
                ("process_cold_ms", .decimal(cold.milliseconds, 4)),
                ("process_cold_processor_ms", .decimal(cold.processorMilliseconds, 4)),
                ("process_cached_ms", .decimal(cached.milliseconds, 4)),
                ("process_cached_processor_ms", .decimal(cached.processorMilliseconds, 4)),
            ]
        }
        if let tiers { members.append(("tiers", tiers.json)) }
        if !phases.isEmpty {
            let times = phases.map { ($0.name, JSONValue.decimal($0.milliseconds, 4)) }
            members.append(("phases_ms", .object(times)))
        }
        return .object(members)
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
            """ + processTable + tierTable + phaseTable
    }

    /// Which tiers ran, if there were some.
    private var tierTable: String {
        tiers.map { "\ntiers        " + $0.summary } ?? ""
    }

    /// What the program takes as a process of its own, if that was measured.
    private var processTable: String {
        guard let (cold, cached) = processes else { return "" }
        func words(_ times: ProcessTimes) -> String {
            Self.text(times.milliseconds, decimals: 3) + " ms, of processors "
                + Self.text(times.processorMilliseconds, decimals: 3) + " ms"
        }
        return """

            process      \(words(cold)) (`apus run`, with nothing compiled before)
            cached       \(words(cached)) (the same, with what was kept)
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
