@_spi(ApusCLI) internal import Apus

// SAFETY: what the system's headers say of `environ` and the like is not Swift's to check; each use
// here is marked.
#if canImport(Glibc)
    @unsafe @preconcurrency internal import Glibc
#elseif canImport(Musl)
    @unsafe @preconcurrency internal import Musl
#else
    @unsafe @preconcurrency internal import Darwin
#endif

/// A folder for what processes keep, which goes with them.
struct TemporaryFolder {
    /// From the root on.
    let path: String

    /// Makes the folder, where the user's temporary files are.
    init() throws {
        let base = HostProcess.environment.last { $0.key == Array("TMPDIR".utf8) }?.value
        let folder = base.map(HostText.string) ?? ""
        let pattern = (folder.hasPrefix("/") ? folder : "/tmp") + "/apus-bench-XXXXXX"
        var characters = HostText.bytes(pattern).map { CChar(bitPattern: $0) } + [0]
        // SAFETY: the characters are this function's own and end with a zero; the system changes
        // some of them.
        if unsafe mkdtemp(&characters) == nil {
            throw FileError(path: pattern, reason: HostProcess.reason(errno))
        }
        path = HostText.string(characters.dropLast().map { UInt8(bitPattern: $0) })
    }

    /// Removes it, and the files and folders in it.
    func remove() { Self.remove(path) }

    private static func remove(_ path: String) {
        let characters = HostText.bytes(path).map { CChar(bitPattern: $0) } + [0]
        // SAFETY: the characters are this function's own and end with a zero.
        if unsafe unlink(characters) == 0 { return }
        for name in HostProcess.names(in: path) where name != "." && name != ".." {
            remove(path + "/" + name)
        }
        _ = unsafe rmdir(characters)
    }
}
