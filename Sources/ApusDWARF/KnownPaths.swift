/// The paths of files that somebody has asked for: they are put together once, and who shows many
/// lines of a file has one text for all of them.
struct KnownPaths {
    /// A file of a unit.
    struct Key: Hashable {
        /// Where the unit begins in its section.
        var unit: Int
        var file: UInt32
    }

    private var known: [Key: String] = [:]
    private var byteCount = 0

    /// More is not kept: units may name one file as often as they have bytes.
    private static var byteLimit: Int { 4 << 20 }

    subscript(key: Key) -> String? {
        get { known[key] }
        set {
            guard let path = newValue else { return }
            byteCount += path.utf8.count
            if byteCount > Self.byteLimit {
                known.removeAll()
                byteCount = path.utf8.count
            }
            known[key] = path
        }
    }
}

/// Gives the files that rows of a unit name numbers in the order in which they are met.
struct FileNumbers {
    private var known: [UInt32: Int?] = [:]
    private(set) var paths: [String] = []

    /// The number of `file`, whose path `path` gives; nil if it has none.
    mutating func number(of file: UInt32, _ path: (UInt32) -> String?) -> Int? {
        if let number = known[file] { return number }
        let path = path(file)
        if let path { paths.append(path) }
        let number = path == nil ? nil : paths.count - 1
        known[file] = .some(number)
        return number
    }
}
