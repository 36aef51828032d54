/// The path of a source, as its compiler saw it.
enum SourcePath {
    /// Whether a path is the one that is looked for, as far as that says.
    static func isSame(_ path: String, _ wanted: String) -> Bool {
        if path == wanted { return true }
        let shorter = path.utf8.count < wanted.utf8.count ? path : wanted
        let longer = path.utf8.count < wanted.utf8.count ? wanted : path
        if shorter.isEmpty { return false }
        return longer.hasSuffix("/" + shorter)
            || longer.split(separator: "/").last == shorter.split(separator: "/").last
    }
}
