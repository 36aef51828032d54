internal import Apus
internal import ArgumentParser

/// The options that say how an engine is set up for a program.
struct EngineOptions: ParsableArguments {
    @OptionGroup(title: "Limits") var limits: LimitOptions

    @Flag(help: "Take instances from a pool whose memory is reserved at the start: --pooling.")
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

    /// An engine's configuration that the options come to.
    func configuration() throws -> Engine.Configuration {
        var configuration = Engine.Configuration()
        compiler.apply(to: &configuration)
        configuration.features = try features.apply(to: configuration.features)
        limits.chosen.apply(to: &configuration)
        checks.apply(to: &configuration)
        cache.apply(to: &configuration)
        tools.apply(to: &configuration)
        if pooling { configuration.allocator = .pooling(.init(instances: 100)) }
        return configuration
    }
}
