internal import ApusCollections
internal import ApusRuntime

/// An entry of a cache's index: a file's status, and which module it held.
enum CacheNote {
    /// A file's five words, two of the digest, two of the identity, two of a checksum.
    private static var byteCount: Int { 88 }

    static func contents(_ key: CacheKey, _ status: FileStatus) -> [UInt8] {
        let words = [key.digest.low, key.digest.high, key.identity.low, key.identity.high]
        let contents = bytes(status.words + words)
        let checksum = Checksum(of: contents.span)
        return contents + bytes([checksum.low, checksum.high])
    }

    /// What `file` says that it held, if it is about the file with this status.
    static func key(in file: borrowing HostFile, of status: FileStatus) -> CacheKey? {
        guard let bytes = try? ByteStorage(reading: file.descriptor, named: ""),
            bytes.count == byteCount
        else { return nil }
        let all = bytes.span
        let digest = Checksum(low: all.word64(at: 40), high: all.word64(at: 48))
        guard
            let identity = ArtifactIdentity(low: all.word64(at: 56), high: all.word64(at: 64))
        else { return nil }
        let key = CacheKey(digest: digest, identity: identity)
        return all.isEqual(to: contents(key, status).span) ? key : nil
    }

    static func bytes(_ words: [UInt64]) -> [UInt8] {
        words.flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> ($0 * 8)) } }
    }
}
