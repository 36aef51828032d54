internal import ApusCollections
internal import ApusRuntime

/// The directories of a cache: modules by their contents, and in which of them what a file holds
/// was found the last time.
struct CacheDirectories: ~Copyable {
    let modules: HostDirectory
    let index: HostDirectory

    /// Opens them. Throws if they are not their user's alone.
    init(_ cache: Cache) throws {
        let root = try HostDirectory(cache.directory)
        let modules = try root.directory("modules")
        let index = try root.directory("index")
        self.modules = modules
        self.index = index
    }

    /// What is there.
    var contents: Cache.Contents {
        var contents = Cache.Contents()
        for entry in modules.entries {
            contents.bytes.add(entry.status.bytes)
            if !entry.name.hasPrefix(TemporaryName.prefix) { contents.modules += 1 }
        }
        for entry in index.entries { contents.bytes.add(entry.status.bytes) }
        return contents
    }

    private struct Candidate {
        var name: String
        var isModule: Bool
        var bytes: UInt64
        var used: Int64

        /// What goes first: what was never finished, then what is larger than `share`.
        func rank(_ share: UInt64) -> Int { used == .min ? 0 : bytes > share ? 1 : 2 }
    }

    /// How many files there may be.
    static var filesLimit: Int { 10_000 }
    /// What was not finished within this time never will be.
    private static var unfinishedLimit: Int64 { 3_600_000_000_000 }

    /// Removes what was not used for the longest time if there are more than `bytes` bytes or
    /// `files` files, until there is room again. What is larger than one module's share, since
    /// somebody with another limit has left it, goes before all that it has no room for.
    func evict(downTo bytes: UInt64, files: Int) {
        var candidates: [Candidate] = []
        var total: UInt64 = 0
        let now = FileStatus.now
        for (isModule, entries) in [(true, modules.entries), (false, index.entries)] {
            for entry in entries {
                let size = entry.status.bytes
                // A time to come is no reason to keep it for ever.
                var used = min(entry.status.modified, now)
                if entry.name.hasPrefix(TemporaryName.prefix) {
                    // Somebody may just be writing it.
                    if files > 0, now &- used < Self.unfinishedLimit { continue }
                    used = .min
                }
                total.add(size)
                candidates.append(
                    Candidate(name: entry.name, isModule: isModule, bytes: size, used: used))
            }
        }
        let unfinished = candidates.count { $0.used == .min }
        guard total > bytes || candidates.count > files || unfinished > 0 else { return }
        let share = Cache.largestShare(ofLimit: bytes)
        candidates.sort { ($0.rank(share), $0.used) < ($1.rank(share), $1.used) }
        var count = candidates.count
        let isFull = total > bytes || count > files
        for candidate in candidates {
            let hasRoom = !isFull || (total <= bytes / 10 * 7 && count <= files / 10 * 7)
            if hasRoom, candidate.used != .min { break }
            if candidate.isModule {
                modules.remove(candidate.name)
            } else {
                index.remove(candidate.name)
            }
            total -= min(candidate.bytes, total)
            count -= 1
        }
    }
}

extension FileStatus {
    /// How many bytes the file has. A file with holes may say that it has almost any number.
    fileprivate var bytes: UInt64 { UInt64(max(byteCount, 0)) }
}

extension UInt64 {
    /// Adds `other`, as far as there is room.
    fileprivate mutating func add(_ other: UInt64) {
        let (sum, overflow) = addingReportingOverflow(other)
        self = overflow ? .max : sum
    }
}
