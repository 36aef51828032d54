internal import ApusABI
internal import ApusCollections
internal import ApusFormat
internal import ApusRuntime

/// What an engine finds in its cache, and leaves there.
struct CompilationCache: ~Copyable {
    private let engine: Engine
    private let limit: UInt64
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
        self.provenance = provenance
        self.directories = directories
    }

    // MARK: By contents

    /// The module whose binary form `bytes` is: found, or made by `compile` and left there.
    func module(
        _ bytes: ByteStorage, since start: ContinuousClock.Instant, _ compile: () throws -> Module
    ) throws -> Module {
        let digest = Checksum(of: bytes.span)
        if let found = module(digest, bytes, since: start) { return found }
        let module = try compile()
        keep(module, digest)
        return module
    }

    /// The module with this digest. If its `bytes` are known, they are compared: somebody may have
    /// found others with the same digest.
    private func module(
        _ digest: Checksum, _ bytes: ByteStorage?, since start: ContinuousClock.Instant
    ) -> Module? {
        let name = moduleName(digest)
        guard let file = directories.modules.file(name) else { return nil }
        do {
            let artifact = try Artifact(
                Artifact.File(MappedFile.map(file.descriptor), descriptor: file.descriptor))
            guard artifact.provenance == provenance, artifact.digest == digest else {
                throw ArtifactError.notArtifact
            }
            if let bytes, !artifact.module.span.isEqual(to: bytes.span) { return nil }
            let module = try Module(engine, artifact, since: start)
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

    private func keep(_ module: Module, _ digest: Checksum) {
        guard let artifact = try? module.artifact(), UInt64(artifact.count) <= limit else { return }
        _ = directories.modules.replace(moduleName(digest), with: artifact)
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
            UInt64(provenance.compiler),
        ]
        return Checksum(of: CacheNote.bytes(own + words).span).hexadecimal
    }

    // MARK: By file

    /// The module that the file with this status held the last time.
    func module(in status: FileStatus, since start: ContinuousClock.Instant) -> Module? {
        guard let file = directories.index.file(name(of: status.words)),
            let digest = CacheNote.digest(in: file, of: status)
        else { return nil }
        guard let module = module(digest, nil, since: start) else { return nil }
        file.noteUse()
        return module
    }

    /// Notes that the file with this status holds the module whose binary form `bytes` is.
    func note(_ status: FileStatus, holds bytes: ByteStorage) {
        let note = CacheNote.contents(Checksum(of: bytes.span), status)
        _ = directories.index.replace(name(of: status.words), with: note)
    }
}

/// An entry of a cache's index: a file's status, and the digest of what it held.
enum CacheNote {
    /// A file's five words, two of the digest, two of a checksum.
    private static var byteCount: Int { 72 }

    static func contents(_ digest: Checksum, _ status: FileStatus) -> [UInt8] {
        let contents = bytes(status.words + [digest.low, digest.high])
        let checksum = Checksum(of: contents.span)
        return contents + bytes([checksum.low, checksum.high])
    }

    /// The digest in `file`, if it is about the file with this status.
    static func digest(in file: borrowing HostFile, of status: FileStatus) -> Checksum? {
        guard let bytes = try? ByteStorage(reading: file.descriptor, named: ""),
            bytes.count == byteCount
        else { return nil }
        let all = bytes.span
        let digest = Checksum(low: all.word64(at: 40), high: all.word64(at: 48))
        return all.isEqual(to: contents(digest, status).span) ? digest : nil
    }

    static func bytes(_ words: [UInt64]) -> [UInt8] {
        words.flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> ($0 * 8)) } }
    }
}
