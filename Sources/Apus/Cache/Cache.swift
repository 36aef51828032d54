internal import ApusABI

/// A directory with modules that were compiled before, for programs that start again and again.
///
/// An engine whose configuration names one looks there before it compiles a module, and leaves
/// there what it has compiled. What is there is used only by the same build of Apus with the same
/// settings, and compared with the module's bytes; it is replaced if it is damaged. Any number of
/// processes may use a directory at once. It must be its user's alone: what lies in it is machine
/// code. A cache that cannot be used or written is as good as none, and never an error.
public struct Cache: Hashable, Sendable {
    /// Its path. It is made if it is not there; no link is followed.
    public var directory: String
    /// Whether a module whose functions are compiled when they are called is left there as soon as
    /// it is loaded: without code, but known to be valid. If not, only `Module.updateCache()` does.
    public var takesModulesWhenLoaded = true
    /// How much may be in it: what was not used for the longest time goes first. What would take
    /// more than half of it is not kept: nearly all that others have there would go for it.
    public var bytesLimit: UInt64

    /// A cache in `directory`.
    public init(directory: String, bytesLimit: UInt64 = 1 << 30) {
        self.directory = directory
        self.bytesLimit = bytesLimit
    }

    /// What one module may have where all have `limit` bytes.
    static func largestShare(ofLimit limit: UInt64) -> UInt64 { limit / 2 }

    /// What is in a cache.
    public struct Contents: Hashable, Sendable {
        /// How many compiled modules there are.
        public var modules = 0
        /// How many bytes all files have together.
        public var bytes: UInt64 = 0
    }

    /// What is in it now. Throws `FileError` or `ArtifactError` if the directory cannot be used.
    public func contents() throws -> Contents {
        try CacheDirectories(self).contents
    }

    /// Empties it. Modules in use stay as they are. Throws as `contents()`.
    public func clear() throws {
        try CacheDirectories(self).evict(downTo: 0, files: 0)
    }
}
