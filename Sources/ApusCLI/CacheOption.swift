internal import Apus
internal import ArgumentParser

/// Whether modules that were compiled before are looked for.
struct CacheOption: ParsableArguments {
    @Flag(
        help: ArgumentHelp(
            "Compile the program even if that was done before, and keep nothing: --no-cache."))
    var noCache = false

    func apply(to configuration: inout Engine.Configuration) {
        configuration.cache = noCache ? nil : Self.directory.map { Cache(directory: $0) }
    }

    /// The user's cache; nil where there is no place for one.
    static var directory: String? {
        let environment = HostProcess.environment
        func value(_ name: String) -> String? {
            let variable = environment.last { $0.key == Array(name.utf8) }
            guard let bytes = variable?.value, bytes.first == UInt8(ascii: "/") else { return nil }
            let value = HostText.string(bytes)
            return HostText.isEscaped(value) ? nil : value
        }
        let caches = value("XDG_CACHE_HOME") ?? value("HOME").map { $0 + "/.cache" }
        return caches.map { $0 + "/apus" }
    }
}
