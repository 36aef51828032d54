internal import ArgumentParser

/// A module whose exports others may import: `NAME=MODULE`.
struct Preload: ExpressibleByArgument {
    /// What it is imported as.
    var name: String
    var module: ModuleFile

    init?(argument: String) {
        guard let equals = argument.utf8.firstIndex(of: UInt8(ascii: "=")) else { return nil }
        name = String(argument[..<equals])
        module = ModuleFile(String(argument[argument.utf8.index(after: equals)...]))
        if module.path.isEmpty { return nil }
    }
}
