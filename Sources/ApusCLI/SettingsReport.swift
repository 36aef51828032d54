@_spi(ApusCLI) internal import Apus
internal import ApusFormat

/// A configuration of an engine for people.
struct SettingsReport {
    /// Titles, and names and values below them.
    let sections: [(title: String, values: [(String, String)])]
    private let configuration: Engine.Configuration
    /// What is not the engine's.
    private let programs: ProgramLimits

    init(_ configuration: Engine.Configuration, programs: ProgramLimits) {
        self.configuration = configuration
        self.programs = programs
        sections = [
            ("apus \(ApusCommand.version)", Self.compilation(configuration)),
            ("processor", Self.processor(configuration)),
            ("instances", Self.instances(configuration)),
            ("limits of a program", Self.limits(configuration, programs)),
            ("limits of a module", Self.moduleLimits(configuration)),
            ("signals", Self.signals(configuration)),
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
            ("fuel", configuration.isFuelMetered ? "metered" : "not metered"),
            (
                "relaxed simd",
                configuration.isRelaxedSIMDDeterministic
                    ? "the same everywhere" : "as the processor does it"
            ),
            (
                "cache",
                configuration.cache.map {
                    "\(PrintableText.path($0.directory)), at most \(ByteCount.text($0.bytesLimit))"
                } ?? "none"
            ),
            ("features on", Self.features { features.has($0) }),
            ("features off", Self.features { !features.has($0) }),
        ]
    }

    /// The names of the features that are wanted.
    static func features(_ isWanted: (Feature) -> Bool) -> String {
        let names = Feature.allCases.filter(isWanted).map(\.name)
        return names.isEmpty ? "none" : names.joined(separator: " ")
    }

    private static func processor(_ configuration: Engine.Configuration) -> [(String, String)] {
        let used = configuration.processorFeatures.intersection(.host)
        return [
            ("architecture", "x86-64 with sse4.1"),
            ("found and used", processorFeatures { used.contains($0) }),
            ("missing", processorFeatures { !ProcessorFeatures.host.contains($0) }),
        ]
    }

    /// The names of the processor's features that are wanted.
    static func processorFeatures(_ isWanted: (ProcessorFeatures) -> Bool) -> String {
        let names = ProcessorFeatures.names.filter { isWanted($0.feature) }.map(\.name)
        return names.isEmpty ? "none" : names.joined(separator: " ")
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
        return [
            ("allocator", allocator), ("memories from", supply(configuration)),
            ("kept resident", kept(configuration)), ("bounds", checks),
            ("guards", guards(configuration)),
            (
                "speculation",
                configuration.masksCheckedAccesses
                    ? "indices of tables and addresses that are compared are masked"
                    : "indices of tables are masked, addresses that are compared are not"
            ),
            (
                "segments",
                configuration.features.has(.bulkMemory)
                    ? "written in order" : "checked all at once, then written"
            ),
            ("one memory", "at most " + ByteCount.text(configuration.memoryBytesLimit)),
            ("one table", "at most \(configuration.tableElementsLimit) elements"),
        ]
    }

    private static func supply(_ configuration: Engine.Configuration) -> String {
        guard case .onDemand(let options) = configuration.allocator, options.memorySupply != nil
        else { return "the system" }
        return "the host"
    }

    private static func kept(_ configuration: Engine.Configuration) -> String {
        let bytes =
            switch configuration.allocator {
            case .onDemand(let options): options.memoryBytesKeptResident
            case .pooling(let pool): pool.memoryBytesKeptResident
            }
        return ByteCount.text(bytes) + " of each memory that is not used"
    }

    private static func guards(_ configuration: Engine.Configuration) -> String {
        configuration.alwaysChecksBounds
            ? "none; memories reserve what they may grow to"
            : "2GiB before each memory, and 2GiB and 64KiB behind it"
    }

    private static func signals(_ configuration: Engine.Configuration) -> [(String, String)] {
        let interruption =
            switch configuration.interruption {
            case .signals: "SIGURG"
            case .polling: "none: code looks itself"
            }
        return [
            ("traps", "SIGSEGV, SIGBUS, SIGILL, SIGFPE, where compiled code may raise them"),
            ("interruption", interruption),
        ]
    }

    private static func moduleLimits(
        _ configuration: Engine.Configuration
    ) -> [(String, String)] {
        let limits = configuration.limits
        let code =
            limits.codeBytes.map { ByteCount.text(UInt64(clamping: $0)) }
            ?? "16MiB, and 32 for each byte of the module"
        return [
            ("module", ByteCount.text(UInt64(clamping: limits.moduleBytes))),
            ("functions", "\(limits.functions)"),
            ("types", "\(limits.types)"),
            ("code", code),
        ]
    }

    private static func limits(
        _ configuration: Engine.Configuration, _ programs: ProgramLimits
    ) -> [(String, String)] {
        let limits = configuration.limits
        return [
            ("memories", ByteCount.text(limits.memoryBytes)),
            ("their number", "\(limits.memories)"),
            ("tables", "\(limits.tableElements) elements"),
            ("their number", "\(limits.tables)"),
            ("heap", ByteCount.text(limits.heapBytes)),
            ("instances", "\(limits.instances)"),
            ("threads", "\(programs.threadLimit), the first one included"),
            ("stack", ByteCount.text(UInt64(clamping: limits.stackBytes))),
            (
                "host's stack",
                limits.hostStackBytes.map { ByteCount.text(UInt64(clamping: $0)) }
                    ?? "half of what the thread has left, at most 1MiB"
            ),
            ("fuel", limits.fuel.map { "\($0)" } ?? "not counted"),
            ("time", programs.timeout?.text ?? "without end"),
        ]
    }
}

/// For tools.
extension SettingsReport {
    var json: JSONValue {
        let used = configuration.processorFeatures.intersection(.host)
        let names = ProcessorFeatures.names
        return [
            "version": .string(ApusCommand.version),
            "compiler": .string(configuration.compiler.rawValue),
            "compilers": .strings(Engine.Compiler.allCases.map(\.rawValue)),
            "threads": .optional(configuration.compilationThreads),
            "fuel_metered": .bool(configuration.isFuelMetered),
            "deterministic_relaxed_simd": .bool(configuration.isRelaxedSIMDDeterministic),
            "cache": configuration.cache.map { cache in
                [
                    "directory": .string(HostText.shown(cache.directory)),
                    "bytes_limit": .integer(cache.bytesLimit),
                ]
            } ?? .null,
            "features": Self.json(configuration.features),
            "processor_features": .object(
                names.map { ($0.name, .bool(used.contains($0.feature))) }),
            "instances": instances,
            "limits": limits,
            "module_limits": [
                "bytes": .count(configuration.limits.moduleBytes),
                "functions": .count(configuration.limits.functions),
                "types": .count(configuration.limits.types),
                "code_bytes": .optional(configuration.limits.codeBytes),
            ],
            "interruption": .string(configuration.interruption.rawValue),
        ]
    }

    /// Each feature, and whether it is on.
    static func json(_ features: FeatureSet) -> JSONValue {
        .object(Feature.allCases.map { ($0.name, .bool(features.has($0))) })
    }

    private var instances: JSONValue {
        let allocator: JSONValue =
            switch configuration.allocator {
            case .onDemand(let options):
                ["kind": "on-demand", "idle_instances": .count(options.idleInstances)]
            case .pooling(let pool):
                [
                    "kind": "pooling", "instances": .count(pool.instances),
                    "memories_per_instance": .count(pool.memoriesPerInstance),
                    "memory_bytes": .integer(UInt64(pool.memoryBytes)),
                    "tables_per_instance": .count(pool.tablesPerInstance),
                    "table_elements": .integer(UInt64(pool.tableElements)),
                ]
            }
        return [
            "allocator": allocator, "checks_bounds": .bool(configuration.alwaysChecksBounds),
            "masks_checked_accesses": .bool(configuration.masksCheckedAccesses),
            "memory_bytes_limit": .integer(configuration.memoryBytesLimit),
            "table_elements_limit": .integer(configuration.tableElementsLimit),
        ]
    }

    private var limits: JSONValue {
        let limits = configuration.limits
        return [
            "memory_bytes": .integer(limits.memoryBytes), "memories": .count(limits.memories),
            "table_elements": .integer(limits.tableElements), "tables": .count(limits.tables),
            "heap_bytes": .integer(limits.heapBytes), "instances": .count(limits.instances),
            "threads": .count(programs.threadLimit), "stack_bytes": .count(limits.stackBytes),
            "host_stack_bytes": .optional(limits.hostStackBytes),
            "fuel": limits.fuel.map(JSONValue.integer) ?? .null,
            "timeout_ms": programs.timeout.map { .milliseconds($0.duration) } ?? .null,
        ]
    }
}
