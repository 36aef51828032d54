@_spi(ApusCLI) internal import Apus
internal import ApusFormat

/// What this build is, and what it has on this machine.
struct VersionReport {
    private let configuration = Engine.Configuration.ofPrograms

    /// A line for each thing, for people.
    var text: String {
        var table = TextTable()
        table.add("build", ArtifactListing.thisBuild ?? "not shown by the system")
        table.add("built for", "\(Self.system), x86-64" + (Self.isDebugBuild ? ", debugging" : ""))
        table.add("compilers", compilers)
        table.add("proposals on", SettingsReport.features { configuration.features.has($0) })
        table.add("proposals off", SettingsReport.features { !configuration.features.has($0) })
        table.add("processor", "x86-64 with sse4.1, and what may be used of it:")
        table.add("  found and used", SettingsReport.processorFeatures { used.contains($0) })
        table.add("  missing", SettingsReport.processorFeatures { !used.contains($0) })
        table.add("processors", "\(HostProcess.processorCount)")
        table.add("pages", ByteCount.text(UInt64(HostProcess.pageBytes)))
        table.add(
            "address space", HostProcess.addressSpaceLimit.map(ByteCount.text) ?? "not limited")
        table.add("open files", HostProcess.openFileLimit.map { "\($0)" } ?? "not limited")
        table.add(
            "cache",
            configuration.cache.map { PrintableText.path(HostText.shown($0.directory)) } ?? "none")
        return String(table.text.dropLast())
    }

    private var used: ProcessorFeatures {
        configuration.processorFeatures.intersection(.host)
    }

    private var compilers: String {
        Engine.Compiler.allCases.map { compiler in
            compiler.rawValue + (compiler == configuration.compiler ? " (the default)" : "")
        }.joined(separator: ", ")
    }

    private static var isDebugBuild: Bool {
        #if DEBUG
            true
        #else
            false
        #endif
    }

    private static var system: String {
        #if os(Linux)
            "linux"
        #else
            "macos"
        #endif
    }

    /// For tools.
    var json: JSONValue {
        [
            "version": .string(ApusCommand.version),
            "build": .optional(ArtifactListing.thisBuild),
            "debug_build": .bool(Self.isDebugBuild), "system": .string(Self.system),
            "architecture": "x86-64",
            "compilers": .strings(Engine.Compiler.allCases.map(\.rawValue)),
            "compiler": .string(configuration.compiler.rawValue),
            "proposals": SettingsReport.json(configuration.features),
            "processor_features": .object(
                ProcessorFeatures.names.map { ($0.name, .bool(used.contains($0.feature))) }),
            "processors": .count(HostProcess.processorCount),
            "page_bytes": .count(HostProcess.pageBytes),
            "address_space_limit": HostProcess.addressSpaceLimit.map(JSONValue.integer) ?? .null,
            "open_file_limit": HostProcess.openFileLimit.map(JSONValue.integer) ?? .null,
            "cache_directory": .optional(
                configuration.cache.map { HostText.shown($0.directory) }),
        ]
    }
}
