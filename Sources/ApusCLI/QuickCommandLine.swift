internal import Apus

/// A command line that runs a program and asks for little else: recognised here, since the parser
/// of all options takes longer than a small program.
///
/// What this does not know, or finds wrong, is left to that parser, which must understand all that
/// this does in the same way.
struct QuickCommandLine {
    private(set) var program: Program
    /// Whether it takes what was compiled before.
    private(set) var usesCache = true

    /// Reads `arguments`; nil if they say more than this knows.
    init?(_ arguments: [String]) {
        var rest = arguments[...]
        if rest.first == "run" { rest.removeFirst() }
        var grants = Grants()
        while let option = rest.first, option.hasPrefix("--") {
            rest.removeFirst()
            if option == "--no-cache" {
                usesCache = false
                continue
            }
            guard let (name, value) = Self.split(option, &rest),
                Self.take(name, value, into: &grants)
            else { return nil }
        }
        guard let module = rest.popFirst(), Self.isModule(module) else { return nil }
        program = Program(module, Array(rest))
        program.grants = grants
    }

    func run() throws {
        try program.run {
            var configuration = Engine.Configuration.ofPrograms
            if !usesCache { configuration.cache = nil }
            return configuration
        }
    }

    /// The name and value of an option, which may be the next argument.
    private static func split(
        _ option: String, _ rest: inout ArraySlice<String>
    ) -> (name: Substring, value: String)? {
        if let equals = option.firstIndex(of: "=") {
            return (option[..<equals], String(option[option.index(after: equals)...]))
        }
        // What looks like an option is none of ours to take for a value.
        guard let value = rest.popFirst(), !value.hasPrefix("-") else { return nil }
        return (option[...], value)
    }

    private static func take(_ name: Substring, _ value: String, into grants: inout Grants) -> Bool
    {
        switch name {
        case "--dir":
            guard let directory = Preopen(argument: value) else { return false }
            grants.directories.append(directory)
        case "--env":
            guard let variable = Variable(argument: value) else { return false }
            grants.variables.append(variable)
        default: return false
        }
        return true
    }

    /// Whether this can be nothing but the name of a file.
    private static func isModule(_ argument: String) -> Bool {
        !argument.hasPrefix("-") && argument.utf8.contains(UInt8(ascii: "."))
    }
}
