internal import Apus

/// A configuration of an engine for people.
struct SettingsReport {
    /// Titles, and names and values below them.
    let sections: [(title: String, values: [(String, String)])]

    init(_ configuration: Engine.Configuration, timeout: TimeLimit?) {
        sections = [
            ("apus \(ApusCommand.version)", Self.compilation(configuration)),
            ("processor", Self.processor(configuration)),
            ("instances", Self.instances(configuration)),
            ("limits of a program", Self.limits(configuration, timeout)),
            (
                "signals",
                [
                    (
                        "traps",
                        "SIGSEGV, SIGBUS, SIGILL, SIGFPE, where compiled code may raise them"
                    ),
                    (
                        "interruption",
                        configuration.interruption == .signals
                            ? "SIGURG" : "none: code looks itself"
                    ),
                ]
            ),
        ]
    }

    private static func compilation(_ configuration: Engine.Configuration) -> [(String, String)] {
        let features = configuration.features
        let compilers = Engine.Compiler.allCases.map { compiler in
            compiler.rawValue + (compiler == configuration.compiler ? " (chosen)" : "")
        }
        let threads = configuration.compilationThreads.map { "\($0)" } ?? "as many as processors"
        return [
            ("compilers", compilers.joined(separator: ", ")),
            ("threads", threads),
            ("features on", names { features.has($0) }),
            ("features off", names { !features.has($0) }),
        ]
    }

    private static func names(_ isWanted: (Feature) -> Bool) -> String {
        let names = Feature.allCases.filter(isWanted).map(\.name)
        return names.isEmpty ? "none" : names.joined(separator: " ")
    }

    private static func processor(_ configuration: Engine.Configuration) -> [(String, String)] {
        let used = configuration.processorFeatures.intersection(.host)
        func names(_ isWanted: (ProcessorFeatures) -> Bool) -> String {
            let names = ProcessorFeatures.names.filter { isWanted($0.feature) }.map(\.name)
            return names.isEmpty ? "none" : names.joined(separator: " ")
        }
        return [
            ("architecture", "x86-64 with sse4.1"),
            ("found and used", names { used.contains($0) }),
            ("missing", names { !ProcessorFeatures.host.contains($0) }),
        ]
    }

    private static func instances(_ configuration: Engine.Configuration) -> [(String, String)] {
        let allocator =
            switch configuration.allocator {
            case .onDemand(let options):
                "on demand; \(options.idleInstances) unused ones are kept"
            case .pooling(let pool):
                "a pool of \(pool.instances), each with \(pool.memoriesPerInstance) memory of "
                    + "\(ByteCount.text(pool.memoryBytes)) and \(pool.tablesPerInstance) table of "
                    + "\(pool.tableElements) elements"
            }
        let checks =
            configuration.alwaysChecksBounds
            ? "compared with the memory's size" : "left to the processor, by guard regions"
        return [("allocator", allocator), ("bounds", checks)]
    }

    private static func limits(
        _ configuration: Engine.Configuration, _ timeout: TimeLimit?
    ) -> [(String, String)] {
        let limits = configuration.limits
        return [
            ("memories", ByteCount.text(limits.memoryBytes)),
            ("tables", "\(limits.tableElements) elements"),
            ("instances", "\(limits.instances)"),
            ("stack", ByteCount.text(UInt64(clamping: limits.stackBytes))),
            ("module", ByteCount.text(UInt64(clamping: limits.moduleBytes))),
            ("functions", "\(limits.functions)"),
            (
                "machine code",
                limits.codeBytes.map { ByteCount.text(UInt64(clamping: $0)) }
                    ?? "by the module's size"
            ),
            ("fuel", limits.fuel.map { "\($0)" } ?? "not counted"),
            ("time", timeout?.text ?? "without end"),
        ]
    }
}
