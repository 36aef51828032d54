internal import ApusCollections

/// How modules are made in engines that have a cache.
extension Module {
    /// Leaves what functions have for code in the engine's cache, if it has one: those that were
    /// called, and those that were hot, need not be compiled when the module is loaded again. Does
    /// nothing if that is there already.
    ///
    /// To be called when a program has ended, or has run for a while, if functions are compiled
    /// when they are called (`Engine.Compiler.tiered`); others are there as soon as they are
    /// loaded.
    public func updateCache() {
        guard let tiers = loaded.functionCompiler as? ModuleTiers,
            let cache = CompilationCache(engine),
            tiers.newCodeCount > 0 || !statistics.isPrecompiled
        else { return }
        cache.keep(self)
    }

    /// The module whose binary form `bytes` is, from the cache if the engine has one.
    static func cached(
        _ engine: Engine, _ bytes: ByteStorage, since start: ContinuousClock.Instant,
        _ compile: () throws -> Module
    ) throws -> Module {
        guard let cache = CompilationCache(engine) else { return try compile() }
        return try cache.module(bytes, since: start, compile)
    }

    /// The module that the file at `path` holds, from the engine's cache. A file that is what it
    /// was is not read, if it is where the cache is.
    init(
        _ engine: Engine, cachedAt path: String, until deadline: ContinuousClock.Instant?
    ) throws {
        let start = ContinuousClock.now
        let file = try HostFile.reading(path, isAwaited: InputWait(until: deadline).isBounded)
        let status = file.status.flatMap { $0.isRegular ? $0 : nil }
        if let status, let found = CompilationCache(engine)?.module(in: status, since: start) {
            self = found
            // Nobody has looked which form it has.
            TextPlaces.find(inFileAt: path, for: self)
            return
        }
        let contents = try ByteStorage.reading(file.descriptor, named: path, until: deadline)
        let source = try ModuleSource(contents, named: path, until: deadline)
        self = try source.locatingErrors {
            try Module(engine, $0, since: start, until: deadline)
        }
        if source.isText { TextPlaces.find(inFileAt: path, for: self) }
        // Who changed it meanwhile, or does so within the same moment, is seen the next time.
        if let status, status.isSettled, status == file.status {
            CompilationCache(engine)?.note(status, holds: self)
        }
    }
}
