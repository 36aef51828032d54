internal import ApusFormat

/// Why a file could not be read.
public struct FileError: Error, Hashable, Sendable {
    /// The path as it was given.
    public var path: String
    /// The system's reason, in its words.
    public var reason: String

    /// An error about the file at `path`.
    public init(path: String, reason: String) {
        self.path = path
        self.reason = reason
    }
}

extension FileError: CustomStringConvertible {
    public var description: String { "\(PrintableText.path(path)): \(reason)" }
}
