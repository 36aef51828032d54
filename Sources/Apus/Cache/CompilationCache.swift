internal import ApusABI
internal import ApusCollections
internal import ApusFormat
internal import ApusRuntime

/// What an engine finds in its cache, and leaves there.
struct CompilationCache: ~Copyable {
    private let engine: Engine
    private let limit: UInt64
    private let takesModulesWhenLoaded: Bool
    private let directories: CacheDirectories
    private let provenance: CodeProvenance

    /// Nil if the engine has no cache, or none that can be used.
    init?(_ engine: Engine) {
        let configuration = engine.configuration
        guard let cache = configuration.cache, configuration.allocationSeed == nil,
            let provenance = configuration.provenance,
            let directories = try? CacheDirectories(cache)
        else { return nil }
        self.engine = engine
        limit = cache.bytesLimit
        takesModulesWhenLoaded = cache.takesModulesWhenLoaded
        self.provenance = provenance
        self.directories = directories
    }

    // MARK: By contents

    /// The module whose binary form `bytes` is: found, or made by `compile` and left there.
    func module(
        _ bytes: ByteStorage, since start: ContinuousClock.Instant, _ compile: () throws -> Module
    ) throws -> Module {
        let digest = Checksum(of: bytes.span)
        if let found = module(digest, .bytes(bytes), since: start) { return found }
        var module = try compile()
        module.cacheKey = CacheKey(digest: digest, identity: ArtifactIdentity())
        if takesModulesWhenLoaded || module.tiers == nil { keep(module) }
        return module
    }

    /// What an artifact has to have besides the digest, which somebody may have found another
    /// module with.
    private enum Proof {
        case bytes(ByteStorage)
        case identity(ArtifactIdentity)

        func holds(of artifact: Artifact) -> Bool {
            switch self {
            case .bytes(let bytes): artifact.module.span.isEqual(to: bytes.span)
            case .identity(let identity): artifact.identity == identity
            }
        }
    }

    /// The module with this digest, if it is the one that is meant.
    private func module(
        _ digest: Checksum, _ proof: Proof, since start: ContinuousClock.Instant
    ) -> Module? {
        let name = moduleName(digest)
        guard let file = directories.modules.file(name) else { return nil }
        do {
            let artifact = try Artifact(
                Artifact.File(MappedFile.map(file.descriptor), descriptor: file.descriptor))
            guard artifact.provenance == provenance, artifact.digest == digest else {
                throw ArtifactError.notArtifact
            }
            guard proof.holds(of: artifact) else { return nil }
            var module = try Module(engine, artifact, since: start)
            module.cacheKey = artifact.identity.map { CacheKey(digest: digest, identity: $0) }
            file.noteUse()
            return module
        } catch is ArtifactError {
            // It is written anew.
            directories.modules.remove(name)
            return nil
        } catch {
            // Compiling says why, if that goes wrong, too.
            return nil
        }
    }

    /// Leaves `module` there as it is now.
    func keep(_ module: Module) {
        let key = module.cacheKey ?? CacheKey(of: module)
        guard let artifact = try? module.artifact(key.identity),
            UInt64(artifact.count) <= Cache.largestShare(ofLimit: limit)
        else { return }
        _ = directories.modules.replace(moduleName(key.digest), with: artifact)
        directories.evict(downTo: limit, files: CacheDirectories.filesLimit)
    }

    private func moduleName(_ digest: Checksum) -> String {
        name(of: [digest.low, digest.high])
    }

    /// A name for what `words` tell apart, and the code's provenance.
    private func name(of words: [UInt64]) -> String {
        let own = [
            provenance.build.low, provenance.build.high, UInt64(provenance.features.rawValue),
            UInt64(provenance.processor.rawValue), UInt64(provenance.settings.rawValue),
            UInt64(provenance.compiler), counting,
        ]
        return Checksum(of: CacheNote.bytes(own + words).span).hexadecimal
    }

    /// How code counts that is compiled while it runs: kept code is to become hot when the engine
    /// says.
    private var counting: UInt64 {
        guard engine.configuration.compiler == .tiered else { return 0 }
        return engine.configuration.tiering.heatCount == .bytes ? 0 : 1
    }

    // MARK: By file

    /// Whether what the system says of a file is to be believed. Whoever has made another file
    /// system says there of each file what he likes.
    private func believes(_ status: FileStatus) -> Bool {
        directories.index.status?.device == status.device
    }

    /// The module that the file with this status held the last time.
    func module(in status: FileStatus, since start: ContinuousClock.Instant) -> Module? {
        guard believes(status), let file = directories.index.file(name(of: status.words)),
            let key = CacheNote.key(in: file, of: status)
        else { return nil }
        guard let module = module(key.digest, .identity(key.identity), since: start) else {
            return nil
        }
        file.noteUse()
        return module
    }

    /// Notes that the file with this status holds `module`.
    func note(_ status: FileStatus, holds module: Module) {
        guard let key = module.cacheKey, believes(status) else { return }
        let note = CacheNote.contents(key, status)
        _ = directories.index.replace(name(of: status.words), with: note)
    }
}
