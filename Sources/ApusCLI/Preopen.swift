internal import ArgumentParser

/// A folder of this machine that a program may use, as `--dir` names it: `HOST` or `HOST::GUEST`,
/// and `:ro` behind it if the program may not change anything there.
struct Preopen: ExpressibleByArgument {
    /// The folder's path here.
    var host: String
    /// The path under which the program finds it.
    var guest: String
    var isReadOnly: Bool

    init?(argument: String) {
        var text = Substring(argument)
        isReadOnly = text.utf8.reversed().starts(with: ":ro".utf8.reversed())
        // Who has a folder whose name ends in ":ro" writes ":rw" behind it.
        if isReadOnly || text.utf8.reversed().starts(with: ":rw".utf8.reversed()) {
            text = text[..<text.utf8.index(text.endIndex, offsetBy: -3)]
        }
        host = String(text)
        guest = host
        if let separator = Self.separator(in: text) {
            host = String(text[..<separator])
            guest = String(text[text.utf8.index(separator, offsetBy: 2)...])
        }
        if host.isEmpty || guest.isEmpty { return nil }
    }

    /// The same as `--dir` takes it.
    var argument: String { "\(host)::\(guest)\(isReadOnly ? ":ro" : ":rw")" }

    /// The last `::`, so that the host's path may hold colons.
    private static func separator(in text: Substring) -> String.Index? {
        let colon = UInt8(ascii: ":")
        let bytes = text.utf8
        return bytes.indices.dropLast().last { index in
            bytes[index] == colon && bytes[bytes.index(after: index)] == colon
        }
    }
}
