@_spi(ApusCLI) internal import Apus
internal import ApusCollections

/// The folders below which source files may be read that a module names. It may name any path, and
/// what it names is written to a page that others may see.
struct SourceFolders {
    /// Their paths, without links.
    private let folders: [String]

    /// Larger files are not shown.
    private static var bytesLimit: Int { 4 << 20 }
    private static var pathLimit: Int { 4096 }

    /// The folders `named`, this process's, and the one that `module` is in.
    init(named: [String], besides module: ModuleFile) {
        let own = [".", module.folder].compactMap { $0 }
        var folders: [String] = []
        for folder in named + own {
            guard let path = HostProcess.realPath(folder), !folders.contains(path) else { continue }
            folders.append(path)
        }
        self.folders = folders
    }

    /// What the file at `path` holds, as the module's compiler saw that; nil if it is not to be
    /// read. The compiler may have seen the folders elsewhere: then it is looked for by the ends of
    /// its path, the longest first, in the folders that are named before others.
    func contents(of path: String) -> String? {
        guard path.utf8.count <= Self.pathLimit, !path.utf8.contains(0) else { return nil }
        if path.hasPrefix("/"), let text = read(path) { return text }
        let names = path.split(separator: "/").filter { $0 != "." }
        for folder in folders {
            for start in names.indices {
                let end = names[start...]
                // What is above a folder is not below it.
                if end.contains("..") { continue }
                if let text = read(folder + "/" + end.joined(separator: "/")) { return text }
            }
        }
        return nil
    }

    private func read(_ path: String) -> String? {
        guard let real = HostProcess.realPath(path), isAllowed(real),
            HostProcess.isFile(real, ofAtMost: Self.bytesLimit),
            let descriptor = try? HostProcess.open(real)
        else { return nil }
        defer { HostProcess.close(descriptor) }
        guard let bytes = try? ByteStorage(reading: descriptor, named: real) else { return nil }
        let contents = bytes.span.indices.map { bytes.span[$0] }
        return String(validating: contents, as: UTF8.self)
    }

    /// Whether `path`, which has no links in it, is below one of the folders, and nothing on the
    /// way is hidden.
    private func isAllowed(_ path: String) -> Bool {
        folders.contains { folder in
            let start = folder.hasSuffix("/") ? folder : folder + "/"
            guard path.hasPrefix(start) else { return false }
            return !path.dropFirst(start.count).split(separator: "/").contains {
                $0.hasPrefix(".")
            }
        }
    }
}
