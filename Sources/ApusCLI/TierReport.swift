@_spi(ApusCLI) internal import Apus
internal import ApusFormat

/// What was compiled while a program ran, with the names of functions.
struct TierReport {
    private let tiers: TierStatistics
    private let module: Module

    /// What was compiled of `module` so far; nil if nothing is compiled when it is called.
    init?(_ module: Module) {
        guard let tiers = module.tiers else { return nil }
        self.tiers = tiers
        self.module = module
    }

    private var loopCount: Int { tiers.optimizations.count { $0.loop != nil && $0.succeeded } }
    private var functionCount: Int { tiers.optimizations.count { $0.loop == nil && $0.succeeded } }

    /// Bytes of code that all of it has.
    var codeBytes: Int { tiers.baselineBytes + tiers.optimizedBytes }

    /// For tools.
    var json: JSONValue {
        [
            "functions": .count(tiers.functions),
            "precompiled_functions": .count(tiers.precompiledFunctions),
            "compiled_functions": .count(tiers.compiledFunctions),
            "baseline_bytes": .count(tiers.baselineBytes),
            "baseline_ms": .milliseconds(tiers.baselineTime),
            "optimized_functions": .count(functionCount), "optimized_loops": .count(loopCount),
            "optimized_bytes": .count(tiers.optimizedBytes),
            "optimizing_ms": .milliseconds(tiers.optimizingTime),
            "optimizations": .array(tiers.optimizations.map(json)),
        ]
    }

    private func json(_ made: TierStatistics.Optimization) -> JSONValue {
        [
            "function": .count(made.function),
            "name": .optional(module.functionName(made.function)),
            "loop": .optional(made.loop), "cause": .string(Self.word(made.cause)),
            "cause_loop": .optional(Self.loop(made.cause)), "ms": .milliseconds(made.time),
            "succeeded": .bool(made.succeeded), "hot_callees": .count(made.hotCallees),
        ]
    }

    private static func word(_ cause: TierStatistics.Cause) -> String {
        switch cause {
        case .calls: "calls"
        case .rounds: "rounds"
        case .longCall: "long_call"
        }
    }

    /// The loop that went round.
    private static func loop(_ cause: TierStatistics.Cause) -> Int? {
        if case .rounds(let offset) = cause { offset } else { nil }
    }

    /// How much there was, on one line.
    var summary: String {
        "\(tiers.compiledFunctions) of \(tiers.functions) functions called, \(functionCount) "
            + "optimized, and \(loopCount) loops"
    }

    /// The same by compilers, each with its name.
    var lines: [(String, String)] {
        [
            (
                "compiled",
                "\(tiers.compiledFunctions) of \(tiers.functions) functions, "
                    + "\(tiers.precompiledFunctions) before"
            ),
            (
                "baseline",
                "\(tiers.baselineBytes) bytes of code, \(RunReport.time(tiers.baselineTime))"
            ),
            (
                "optimized",
                "\(functionCount) functions and \(loopCount) loops, \(tiers.optimizedBytes) bytes "
                    + "of code, \(RunReport.time(tiers.optimizingTime))"
            ),
        ]
    }

    /// As many are told of.
    private static let optimizationLimit = 20

    /// What was hot, when its code was ready, and what was hot about it: lines for people.
    var optimizations: [String] {
        var lines = tiers.optimizations.prefix(Self.optimizationLimit).map { made in
            let known = module.functionName(made.function).map(PrintableText.name)
            let name = known ?? "function \(made.function)"
            let place =
                switch made.cause {
                case .calls: ", called often"
                case .rounds(let offset): ", often round the loop at \(offset)"
                case .longCall: made.loop.map { ", loop at \($0), for a call in it" } ?? ""
                }
            let callees = made.hotCallees > 0 ? ", with \(made.hotCallees) callees in it" : ""
            let result = made.succeeded ? callees : " (stays as it is)"
            return "    \(RunReport.time(made.time))  \(name)\(place)\(result)"
        }
        let rest = tiers.optimizations.count - lines.count
        if rest > 0 { lines.append("    and \(rest) more") }
        return lines
    }
}
