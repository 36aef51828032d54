internal import Apus

/// Commands whose options say how an engine is set up for a program.
///
/// Each has these groups itself, not one group of them all: what is in a group of a group is looked
/// at five times as often by a parser built for debugging, which checks all that it finds.
protocol EngineOptions {
    var limits: LimitOptions { get }
    var threads: ThreadLimitOption { get }
    var pooling: PoolingOption { get }
    var cache: CacheOption { get }
    var checks: CheckOptions { get }
    var compiler: CompilerOption { get }
    var features: FeatureOptions { get }
    var tools: NativeToolOptions { get }
}

extension EngineOptions {
    /// What a program may use.
    var programLimits: ProgramLimits {
        var chosen = limits.chosen
        chosen.maxThreads = threads.maxThreads
        return chosen
    }

    /// An engine's configuration that the options come to.
    func engineConfiguration() throws -> Engine.Configuration {
        var configuration = Engine.Configuration()
        compiler.apply(to: &configuration)
        configuration.features = try features.apply(to: configuration.features)
        limits.chosen.apply(to: &configuration)
        checks.apply(to: &configuration)
        cache.apply(to: &configuration)
        tools.apply(to: &configuration)
        pooling.apply(limits.chosen, to: &configuration)
        return configuration
    }
}

extension Engine.Configuration {
    /// An engine's configuration for programs where no option is given.
    static var ofPrograms: Engine.Configuration {
        var configuration = Engine.Configuration()
        ProgramLimits().apply(to: &configuration)
        configuration.cache = CacheOption.standard
        return configuration
    }

    /// Modules that are only looked at may have memories and tables of any size.
    mutating func liftSizeLimits() {
        memoryBytesLimit = .max
        tableElementsLimit = .max
    }
}
