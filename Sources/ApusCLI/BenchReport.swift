internal import Apus

/// What one run of a program took.
struct BenchSample {
    var module: Module.Statistics
    var instantiateTime: Duration
    var executeTime: Duration
}

/// The medians of some runs, to be printed.
struct BenchReport {
    private let moduleBytes: Int
    private let codeBytes: Int
    private let decodeMilliseconds: Double
    private let compileMilliseconds: Double
    private let instantiateMicroseconds: Double
    private let executeMilliseconds: Double

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
    }

    /// One JSON object on one line.
    var json: String {
        let pairs = [
            ("decode_ms", Self.text(decodeMilliseconds, decimals: 4)),
            ("compile_ms", Self.text(compileMilliseconds, decimals: 4)),
            ("instantiate_us", Self.text(instantiateMicroseconds, decimals: 2)),
            ("execute_ms", Self.text(executeMilliseconds, decimals: 4)),
            ("code_bytes", "\(codeBytes)"),
            ("module_bytes", "\(moduleBytes)"),
        ]
        return "{" + pairs.map { "\"\($0.0)\": \($0.1)" }.joined(separator: ", ") + "}"
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
            code         \(codeBytes) bytes from \(moduleBytes) bytes of module
            """
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
