/// What the values of options look like, for who has written another one.
enum UsageExample {
    /// By what helps call the values.
    private static let examples = [
        "DURATION": "50ms, 2s or 1m30s", "BYTES": "65536, 64MiB or 1g",
        "ADDRESS": "127.0.0.1:8080", "HOST[::GUEST][:ro]": "docs, or docs::/docs:ro",
        "KEY[=VALUE]": "LANG=C, or LANG for the value that it has here",
        "NAME=MODULE": "env=library.wasm", "OLD=NEW": "/src=.", "N": "a whole number",
        "COUNT": "a whole number",
    ]

    /// `message`, the parser's: where it says that an option's value is missing, since what comes
    /// next among `arguments` begins as an option does but is a number, that this is wrong.
    static func naming(_ message: String, _ arguments: [String]) -> String {
        let start = "missing value for '"
        guard message.hasPrefix(start), message.hasSuffix("'") else { return message }
        let option = message.dropFirst(start.count).dropLast()
        let name = option.prefix { $0 != " " }
        for (argument, value) in zip(arguments, arguments.dropFirst())
        where argument == name && isNegative(value) {
            return "the value '\(value)' is invalid for '\(option)'"
        }
        return message
    }

    private static func isNegative(_ argument: String) -> Bool {
        argument.hasPrefix("-") && argument.dropFirst().first?.isNumber == true
    }

    /// What goes behind `message`, the parser's about a value: an example, if there is one.
    static func hint(_ message: String) -> String {
        guard message.hasPrefix("the value '"), message.hasSuffix(">'"),
            let option = message.ranges(of: "' is invalid for '").last
        else { return "" }
        let name = message[option.upperBound...].dropLast(2).drop { $0 != "<" }.dropFirst()
        return examples[String(name)].map { "; write \($0)" } ?? ""
    }
}
