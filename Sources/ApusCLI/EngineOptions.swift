internal import Apus
internal import ArgumentParser

/// The options that say how an engine is set up for a program.
struct EngineOptions: ParsableArguments {
    @OptionGroup(title: "Limits") var limits: LimitOptions
    @OptionGroup(title: "Limits") var threads: ThreadLimitOption

    @Flag(
        help: """
            Take instances from a pool whose memory is reserved at the start, each with a memory \
            and a table, or as many as --max-memories and --max-tables name: --pooling.
            """)
    var pooling = false

    @OptionGroup var cache: CacheOption
    @OptionGroup var checks: CheckOptions
    @OptionGroup var compiler: CompilerOption
    @OptionGroup var features: FeatureOptions
    @OptionGroup var tools: NativeToolOptions

    /// An engine's configuration where no option is given.
    static var standard: Engine.Configuration {
        var configuration = Engine.Configuration()
        ProgramLimits().apply(to: &configuration)
        configuration.cache = CacheOption.standard
        return configuration
    }

    /// What a program may use.
    var programLimits: ProgramLimits {
        var chosen = limits.chosen
        chosen.maxThreads = threads.maxThreads
        return chosen
    }

    /// An engine's configuration that the options come to.
    func configuration() throws -> Engine.Configuration {
        var configuration = Engine.Configuration()
        compiler.apply(to: &configuration)
        configuration.features = try features.apply(to: configuration.features)
        limits.chosen.apply(to: &configuration)
        checks.apply(to: &configuration)
        cache.apply(to: &configuration)
        tools.apply(to: &configuration)
        if pooling { configuration.allocator = .pooling(pool) }
        return configuration
    }

    /// Each place in it has what most modules define, or as much as the limits name.
    private var pool: Engine.Pool {
        var pool = Engine.Pool(instances: 100)
        let limits = limits.chosen
        pool.memoriesPerInstance = min(max(limits.maxMemories ?? 1, 1), Self.mostPerInstance)
        pool.tablesPerInstance = min(max(limits.maxTables ?? 1, 1), Self.mostPerInstance)
        return pool
    }

    /// Memories and tables of an instance, all of which take address space in each place.
    private static var mostPerInstance: Int { 16 }
}

extension Engine.Configuration {
    /// Modules that are only looked at may have memories and tables of any size.
    mutating func liftSizeLimits() {
        memoryBytesLimit = .max
        tableElementsLimit = .max
    }
}
