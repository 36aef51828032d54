@_spi(ApusCLI) internal import Apus
internal import ApusCollections

/// The sources of a program, as far as they may be shown.
///
/// Their paths are the program's, which could name any file there is: only regular ones are read
/// that are below the current folder, or below folders that the command line names, wherever links
/// lead.
struct SourceFiles {
    private let folders: [String]

    /// Larger files are no sources.
    private static var bytesLimit: Int { 16 << 20 }

    /// Sources below the current folder, and below `folders`.
    init(_ folders: [String]) {
        self.folders = (["."] + folders).compactMap { HostProcess.canonicalPath($0) }
    }

    /// What the file at `path` holds, if it is a source that may be shown.
    func text(of path: String) -> String? {
        guard let path = HostProcess.canonicalPath(path),
            folders.contains(where: { PathSubstitution.isPath(path, in: $0) }),
            let descriptor = HostProcess.openRegular(path, bytesLimit: Self.bytesLimit)
        else { return nil }
        defer { HostProcess.close(descriptor) }
        guard let bytes = try? ByteStorage(reading: descriptor, named: path) else { return nil }
        return String(decoding: bytes.span.indices.map { bytes.span[$0] }, as: UTF8.self)
    }
}
