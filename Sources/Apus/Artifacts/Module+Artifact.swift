internal import ApusABI
internal import ApusCollections
internal import ApusFormat
internal import ApusRuntime

/// Modules that are compiled once and used by many processes.
///
/// A compiled module is machine code that is run as it is: unlike a WebAssembly module it must come
/// from who is trusted. Only the same build of Apus, that is, a program of the same contents, takes
/// it; every other one, and one with other settings or on a processor that lacks something, throws
/// an `ArtifactError`, as it does for a compiled module that is damaged.
extension Module {
    /// The module with its machine code, as bytes for `init(_:precompiled:)`.
    ///
    /// All functions have code in it, whichever were called until now. What is known by now of how
    /// they have run goes into that code (`Tiering.usesProfiles`): usual callees of calls through
    /// tables and references, and hot functions, are in their callers. So a module that has done
    /// some of its work before it is serialized is faster afterwards, and nothing depends on its
    /// doing the same again.
    ///
    /// - Throws: `ArtifactError.noBuildIdentity` if the system does not show this program; what
    ///   compiling throws, if functions are compiled when they are called. Code that counts how
    ///   often it runs is not written: `ArtifactError.setting`.
    public func serialize() throws -> [UInt8] {
        try artifact(of: loaded.isCompiled ? loaded : compiled())
    }

    /// The module as it is, as an artifact for the cache, where it has this `identity`.
    func artifact(_ identity: ArtifactIdentity? = nil) throws -> [UInt8] {
        try artifact(of: loaded, identity)
    }

    private func artifact(
        of module: LoadedModule, _ identity: ArtifactIdentity? = nil
    ) throws -> [UInt8] {
        guard let provenance = engine.configuration.provenance else {
            throw ArtifactError.noBuildIdentity
        }
        return module.artifact(provenance, moduleBytes: statistics.moduleBytes, identity)
    }

    /// The module with the code of all its functions.
    private func compiled() throws -> LoadedModule {
        // Counters are this process's.
        if engine.configuration.countsCoverage {
            throw ArtifactError.setting("counting of coverage", isOn: true)
        }
        let profiles = (loaded.functionCompiler as? ModuleTiers)?.profiles(of: loaded)
        guard let profiles else { return try compiled(with: nil) }
        do {
            return try compiled(with: profiles)
        } catch let error as ResourceError where error.resource == .moduleCode {
            // Nothing fails for what was only to be faster.
            return try compiled(with: nil)
        }
    }

    private func compiled(
        with profiles: ModuleProfile?
    ) throws -> LoadedModule {
        let configuration = engine.configuration
        return try CompilationBudget.with(
            moduleBytes: statistics.moduleBytes, configuration.limits, until: nil
        ) { budget in
            let driver = CompilationDriver(
                module: decoded, configuration: configuration, budget: budget, profiles: profiles)
            return try LoadedModule(decoded, driver.compile().image, in: engine.environment)
        }
    }

    /// Writes the module with its machine code to the file at `path`, for
    /// `init(_:precompiledAt:)`. The file is there as a whole or not at all, and nobody else may
    /// write to it.
    ///
    /// - Throws: `FileError`, and what `serialize()` throws.
    public func serialize(to path: String) throws {
        try HostFile.replace(path, with: serialize())
    }

    /// The module that `bytes` are, which `serialize()` has given.
    ///
    /// Whoever hands over the bytes answers for them: they hold machine code. What is looked at is
    /// whether they are as they were written, by this build of Apus and for such an engine.
    ///
    /// - Throws: `ArtifactError` if they do not fit or are damaged; `ResourceError` as when the
    ///   module is compiled.
    public init(_ engine: Engine, precompiled bytes: [UInt8]) throws {
        let start = ContinuousClock.now
        try self.init(engine, Artifact(ByteStorage(bytes)), since: start)
    }

    /// The module that the file at `path` holds, which `serialize(to:)` has written.
    ///
    /// Code and first contents of memories are used where the system has the file, and only what is
    /// needed of it is read. The file must belong to the user or to root, nobody else may write to
    /// it, and it is no link. Who changes its contents while it is used changes the program that
    /// runs; `serialize(to:)` and `apus compile` replace files as a whole, which does no harm.
    ///
    /// - Throws: `FileError` if it cannot be opened, `ArtifactError` if it is not trusted, does not
    ///   fit, or is damaged; `ResourceError` as when the module is compiled.
    public init(_ engine: Engine, precompiledAt path: String) throws {
        let start = ContinuousClock.now
        try self.init(engine, HostFile.trusted(path), since: start)
    }

    /// The module that `file`, which is trusted, holds.
    init(
        _ engine: Engine, _ file: borrowing HostFile, since start: ContinuousClock.Instant
    ) throws {
        let artifact = try Artifact(
            Artifact.File(MappedFile.map(file.descriptor), descriptor: file.descriptor))
        try self.init(engine, artifact, since: start)
    }

    /// The module that `artifact` holds. If it is in a file, that must be open.
    init(_ engine: Engine, _ artifact: Artifact, since start: ContinuousClock.Instant) throws {
        let environment = try engine.environment
        guard let wanted = engine.configuration.provenance else {
            throw ArtifactError.noBuildIdentity
        }
        try artifact.check(wanted)
        let decoded = try Self.decode(engine, artifact.module)
        let decodeEnd = ContinuousClock.now
        let loaded: LoadedModule
        if artifact.imageCount > 0, !artifact.isMovable {
            let image = try artifact.linkedImage(of: decoded)
            guard image.functions.count == decoded.bodies.count else {
                throw ArtifactError.incomplete
            }
            try engine.configuration.limits.check(
                codeBytes: image.codeBytes, moduleBytes: artifact.module.count)
            loaded = try LoadedModule(
                decoded, image, images: artifact.images(), in: environment)
        } else {
            guard engine.configuration.compiler == .tiered else {
                throw ArtifactError.incomplete
            }
            let tiers = ModuleTiers(decoded, engine)
            loaded = try LoadedModule(
                decoded, compiledBy: tiers, writesTables: artifact.writesTables,
                images: artifact.images(), in: environment)
            if artifact.isMovable { tiers.haveCode(try artifact.install(in: loaded)) }
        }
        var statistics = Statistics(
            moduleBytes: artifact.module.count, codeBytes: loaded.codeBytes,
            decodeTime: start.duration(to: decodeEnd), compileTime: start.duration(to: .now))
        statistics.isPrecompiled = true
        self.init(engine, loaded, statistics)
    }
}

extension Engine.Configuration {
    /// What code depends on that is made with this configuration, and what code has to have for its
    /// engine to run it; nil if the system does not show this program.
    var provenance: CodeProvenance? {
        guard let build = BuildIdentity.current else { return nil }
        var settings: CodeSettings = []
        if isFuelMetered { settings.insert(.fuel) }
        if interruption == .polling { settings.insert(.polling) }
        if alwaysChecksBounds { settings.insert(.checkedBounds) }
        if masksCheckedAccesses { settings.insert(.maskedAccesses) }
        if isDebuggable { settings.insert(.stopPoints) }
        if isRelaxedSIMDDeterministic { settings.insert(.deterministicVectors) }
        if countsCoverage { settings.insert(.coverage) }
        return CodeProvenance(
            build: build, features: features, processor: processorFeatures.intersection(.host),
            settings: settings, compiler: compiler.artifactNumber)
    }
}

extension Engine.Compiler {
    /// What artifacts call it.
    var artifactNumber: UInt32 {
        switch self {
        case .baseline: 1
        case .optimizing: 2
        case .tiered: 3
        }
    }
}
