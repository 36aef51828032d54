internal import ArgumentParser

/// A folder of this machine that a program may use, as `--dir` names it: `HOST` or `HOST::GUEST`.
struct Preopen: ExpressibleByArgument {
    /// The folder's path here.
    var host: String
    /// The path under which the program finds it.
    var guest: String

    init?(argument: String) {
        guard !argument.isEmpty else { return nil }
        host = argument
        guest = argument
        if let separator = Self.separator(in: argument) {
            host = String(argument[..<separator])
            guest = String(argument[argument.index(separator, offsetBy: 2)...])
        }
        if host.isEmpty || guest.isEmpty { return nil }
    }

    /// The last `::`, so that the host's path may hold colons.
    private static func separator(in text: String) -> String.Index? {
        var found: String.Index?
        var index = text.startIndex
        while index < text.endIndex {
            let next = text.index(after: index)
            if text[index] == ":", next < text.endIndex, text[next] == ":" { found = index }
            index = next
        }
        return found
    }
}

/// A variable of a program's environment, as `--env` gives it: `KEY=VALUE`.
struct Variable: ExpressibleByArgument {
    var key: String
    var value: String

    init?(argument: String) {
        guard let equals = argument.firstIndex(of: "="), equals != argument.startIndex else {
            return nil
        }
        key = String(argument[..<equals])
        value = String(argument[argument.index(after: equals)...])
    }
}

/// The options by which a program is given things.
struct Grants: ParsableArguments {
    @Option(
        name: .customLong("dir"),
        help: ArgumentHelp(
            "A folder the program may use, and the name it has for it.",
            discussion: "Without ::GUEST the program uses the same path.",
            valueName: "HOST[::GUEST]"))
    var directories: [Preopen] = []

    @Option(
        name: .customLong("env"),
        help: ArgumentHelp("A variable of the program's environment.", valueName: "KEY=VALUE"))
    var variables: [Variable] = []
}
