internal import ApusABI
internal import ApusCollections
public import ApusFormat
internal import ApusRuntime
internal import ApusText

/// A module: decoded, validated and compiled, ready to be instantiated any number of times, in
/// any store of its engine, from any thread.
public struct Module: Sendable {
    /// The engine that compiled it.
    public let engine: Engine
    /// What compiling it took and gave.
    public let statistics: Statistics
    let loaded: LoadedModule
    /// Where the engine's cache has it, or will have it; nil if it did not come by way of that.
    var cacheKey: CacheKey?

    /// What has been compiled so far, of a module whose functions are compiled while they run
    /// (`Engine.Compiler.tiered`); nil if all were compiled at once.
    public var tiers: TierStatistics? { (loaded.functionCompiler as? ModuleTiers)?.statistics }

    /// The name of function `index` in the module's name section, else the first it is exported
    /// under.
    @_spi(ApusCLI)
    public func functionName(_ index: Int) -> String? { loaded.name(ofFunction: index) }

    /// What compiling a module took and gave.
    public struct Statistics: Hashable, Sendable {
        /// Size of the module's binary form.
        public var moduleBytes: Int
        /// Size of the machine code that it was loaded with: none if functions are compiled when
        /// they are called (`Module.tiers`).
        public var codeBytes: Int
        /// Time to decode all but the functions' bodies.
        public var decodeTime: Duration
        /// Time from the module's bytes to a module that can be instantiated, decoding included.
        public var compileTime: Duration
        /// What each phase of compiling took, on all threads together; empty unless the engine's
        /// configuration asks for it.
        @_spi(ApusCLI)
        public var phases: [(name: String, time: Duration)] {
            zip(CompilationPhases.Phase.allCases, phaseTimes).map { ("\($0)", $1) }
        }
        var phaseTimes: [Duration] = []
        /// Whether it was not compiled, but had been before (`Module.serialize()`, `Cache`); then
        /// the times are those that loading it took.
        public var isPrecompiled = false
    }

    /// Compiles the module whose binary form `bytes` is.
    ///
    /// Compiling stops, within a few milliseconds for all but the largest functions, when
    /// `deadline` is reached or the task that runs this is cancelled.
    ///
    /// - Throws: `ModuleError` if it is malformed, invalid, or uses what is not there;
    ///   `ArtifactError.notExpected` if it was compiled before (`init(_:precompiled:)`);
    ///   `ResourceError` if it exceeds the engine's limits or there is no memory for its code;
    ///   `CompilationDeadlineError` or `CancellationError` if it was stopped.
    public init(
        _ engine: Engine, bytes: [UInt8], deadline: ContinuousClock.Instant? = nil
    ) throws {
        try self.init(engine, bytes: bytes.span, deadline: deadline)
    }

    /// Compiles the module whose binary form `bytes` is. Throws as with an array.
    public init(
        _ engine: Engine, bytes: Span<UInt8>, deadline: ContinuousClock.Instant? = nil
    ) throws {
        let start = ContinuousClock.now
        try self.init(engine, ByteStorage(bytes), since: start, until: deadline)
    }

    /// Compiles the module whose text form `text` is. If it is `named`, that is what errors call
    /// it, and places in it are what backtraces, coverage, profiles and debuggers tell, as long as
    /// the module names no other sources; the text is kept for that.
    ///
    /// - Throws: `TextError` if it does not follow the format, and what
    ///   `init(_:bytes:deadline:)` throws.
    public init(
        _ engine: Engine, text: String, named name: String? = nil,
        deadline: ContinuousClock.Instant? = nil
    ) throws {
        let start = ContinuousClock.now
        let bytes = ByteStorage(Array(text.utf8))
        let source = try ModuleSource(bytes, isText: true, named: name, until: deadline)
        self = try source.locatingErrors {
            try Module(engine, $0, since: start, until: deadline)
        }
        if let name { TextPlaces.keep(bytes, named: name, for: self) }
    }

    /// Compiles the module that the file at `path` holds in binary or in text form. Of one that was
    /// compiled before no machine code is used, but the module that it was made of:
    /// `init(_:precompiledAt:)` loads it.
    ///
    /// If it is in text form and names no other sources, backtraces, coverage, profiles and
    /// debuggers tell places in that file, which is read again when they are first asked for one.
    ///
    /// - Throws: `FileError` if it cannot be read, `TextError` if it is a text that does not follow
    ///   the format, and what `init(_:bytes:deadline:)` throws.
    public init(
        _ engine: Engine, contentsOf path: String, deadline: ContinuousClock.Instant? = nil
    ) throws {
        if engine.configuration.cache != nil {
            try self.init(engine, cachedAt: path, until: deadline)
            return
        }
        let start = ContinuousClock.now
        let source = try ModuleSource(contentsOf: path, until: deadline)
        self = try source.locatingErrors {
            try Module(engine, $0, since: start, until: deadline)
        }
        if source.isText { TextPlaces.find(inFileAt: path, for: self) }
    }

    /// Compiles the module that `source` is. Throws as `init(_:bytes:)`.
    @_spi(ApusCLI)
    public init(
        _ engine: Engine, _ source: ModuleSource, deadline: ContinuousClock.Instant? = nil
    ) throws {
        let start = ContinuousClock.now
        self = try source.locatingErrors {
            try Module(engine, $0, since: start, until: deadline)
        }
    }

    init(_ engine: Engine, _ loaded: LoadedModule, _ statistics: Statistics) {
        self.engine = engine
        self.loaded = loaded
        self.statistics = statistics
    }

    init(
        _ engine: Engine, _ bytes: ByteStorage, since start: ContinuousClock.Instant,
        until deadline: ContinuousClock.Instant?
    ) throws {
        self = try Self.cached(engine, bytes, since: start) {
            try Module(engine, compiling: bytes, since: start, until: deadline)
        }
    }

    private init(
        _ engine: Engine, compiling bytes: ByteStorage, since start: ContinuousClock.Instant,
        until deadline: ContinuousClock.Instant?
    ) throws {
        let environment = try engine.environment
        let decoded = try Self.decode(engine, bytes)
        let decodeEnd = ContinuousClock.now
        let configuration = engine.configuration
        let phases: CompilationPhases
        (loaded, phases) = try CompilationBudget.with(
            moduleBytes: bytes.count, configuration.limits, until: deadline
        ) { budget in
            let driver = CompilationDriver(
                module: decoded, configuration: configuration, budget: budget)
            if configuration.compiler == .tiered {
                let loaded = try LoadedModule(
                    decoded, compiledBy: ModuleTiers(decoded, engine),
                    writesTables: try driver.validate(), in: environment)
                return (loaded, CompilationPhases(isMeasuring: false))
            }
            let result = try driver.compile()
            let phases = result.phases
            return (try LoadedModule(decoded, result.image, in: environment), phases)
        }
        self.engine = engine
        var statistics = Statistics(
            moduleBytes: bytes.count, codeBytes: loaded.codeBytes,
            decodeTime: start.duration(to: decodeEnd), compileTime: start.duration(to: .now))
        if phases.isMeasuring {
            statistics.phaseTimes = CompilationPhases.Phase.allCases.map { phases[$0] }
        }
        self.statistics = statistics
    }

    /// Decodes and checks all but the functions' bodies.
    static func decode(_ engine: Engine, _ bytes: ByteStorage) throws -> DecodedModule {
        let features = engine.configuration.features
        let limits = engine.configuration.limits
        try limits.check(moduleBytes: bytes.count)
        if Artifact.begins(bytes.span) { throw ArtifactError.notExpected }
        let decoded = try ModuleDecoder.decode(bytes, features: features)
        try limits.check(functions: decoded.functions.count)
        try limits.check(types: decoded.types.count)
        try ModuleValidator.validate(decoded, features: features)
        return decoded
    }

    var decoded: DecodedModule { loaded.module }
}

extension Module {
    /// Checks a module in binary form and makes no code. Throws `ModuleError` if it is not valid,
    /// `ResourceError` if it exceeds the engine's limits, and what `init(_:bytes:deadline:)` does
    /// when it is stopped.
    public static func validate(
        _ engine: Engine, bytes: [UInt8], deadline: ContinuousClock.Instant? = nil
    ) throws {
        try validate(engine, ByteStorage(bytes), until: deadline)
    }

    /// Checks a module in text form and makes no code. Throws `TextError` if it does not follow the
    /// format, `ModuleError` if it is not valid.
    public static func validate(
        _ engine: Engine, text: String, deadline: ContinuousClock.Instant? = nil
    ) throws {
        let source = try ModuleSource(
            ByteStorage(Array(text.utf8)), isText: true, named: nil, until: deadline)
        try source.locatingErrors {
            try validate(engine, $0, until: deadline)
        }
    }

    /// Checks the module that the file at `path` holds in binary or in text form. Throws
    /// `FileError`, `TextError`, or `ModuleError` if it is not valid.
    public static func validate(
        _ engine: Engine, contentsOf path: String, deadline: ContinuousClock.Instant? = nil
    ) throws {
        try ModuleSource(contentsOf: path, until: deadline).locatingErrors {
            try validate(engine, $0, until: deadline)
        }
    }

    /// Checks the module that `source` is. Throws as `validate(_:bytes:)`.
    @_spi(ApusCLI)
    public static func validate(_ engine: Engine, _ source: ModuleSource) throws {
        try source.locatingErrors { try validate(engine, $0, until: nil) }
    }

    private static func validate(
        _ engine: Engine, _ bytes: ByteStorage, until deadline: ContinuousClock.Instant?
    ) throws {
        let decoded = try decode(engine, bytes)
        let configuration = engine.configuration
        try CompilationBudget.with(
            moduleBytes: bytes.count, configuration.limits, until: deadline
        ) { budget in
            let driver = CompilationDriver(
                module: decoded, configuration: configuration, budget: budget)
            try driver.validate()
        }
    }
}

extension Module {
    /// Something a module asks for.
    public struct Import: Hashable, Sendable {
        /// The first of its two names.
        public var module: String
        /// The second.
        public var name: String
        /// What it has to be.
        public var type: ItemType
    }

    /// Something a module offers.
    public struct Export: Hashable, Sendable {
        /// The name it is found under.
        public var name: String
        /// What it is.
        public var type: ItemType
    }

    /// What the module asks for, in its own order.
    public var imports: [Import] {
        decoded.imports.map { item in
            Import(
                module: item.module, name: item.name, type: ItemType(item.type, in: loaded))
        }
    }

    /// What the module offers, in its own order.
    public var exports: [Export] {
        decoded.exports.map { item in
            Export(name: item.name, type: ItemType(item.item, in: loaded))
        }
    }

    /// The module's custom sections: their names, and where in the module their contents lie.
    public var customSections: [CustomSection] { decoded.customSections }

    /// The contents of each custom section called `name`.
    public func customSections(named name: String) -> [[UInt8]] {
        var sections: [[UInt8]] = []
        for section in decoded.customSections where section.name == name {
            var contents: [UInt8] = []
            contents.reserveCapacity(section.contents.count)
            let bytes = decoded.bytes
            for index in section.contents { contents.append(bytes.span[index]) }
            sections.append(contents)
        }
        return sections
    }
}
