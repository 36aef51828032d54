internal import ApusCollections
internal import ApusRuntime

/// Where a cache has a module, and what tells it from others that would be at the same place.
struct CacheKey: Hashable, Sendable {
    let digest: Checksum
    /// Of this module's bytes and of no others, whoever may have made these.
    let identity: ArtifactIdentity
}

extension CacheKey {
    /// One for a module that has none yet.
    init(of module: Module) {
        let bytes = module.decoded.bytes
        digest = Checksum(of: bytes.span.extracting(first: module.statistics.moduleBytes))
        identity = ArtifactIdentity()
    }
}
