public import ApusABI
public import ApusCollections
public import ApusFormat

/// What code depends on besides its module: who made it, for what, and how.
public struct CodeProvenance: Hashable, Sendable {
    /// The build of Apus that made it.
    public var build: Checksum
    /// What modules may use: code is only made of what is valid.
    public var features: FeatureSet
    /// What of the processor it may use.
    public var processor: ProcessorFeatures
    public var settings: CodeSettings
    /// A number for the compiler; code of all of them does the same.
    public var compiler: UInt32

    /// Code with these properties.
    public init(
        build: Checksum, features: FeatureSet, processor: ProcessorFeatures,
        settings: CodeSettings, compiler: UInt32
    ) {
        self.build = build
        self.features = features
        self.processor = processor
        self.settings = settings
        self.compiler = compiler
    }
}

/// What an engine's configuration says about the code that it runs.
public struct CodeSettings: OptionSet, Hashable, Sendable {
    public let rawValue: UInt32

    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// It counts fuel.
    public static let fuel = CodeSettings(rawValue: 1)
    /// It looks itself whether it is to stop.
    public static let polling = CodeSettings(rawValue: 2)
    /// It compares every address.
    public static let checkedBounds = CodeSettings(rawValue: 4)
    /// It masks addresses that it compares.
    public static let maskedAccesses = CodeSettings(rawValue: 8)
    /// Its relaxed vector instructions do the same on every processor.
    public static let deterministicVectors = CodeSettings(rawValue: 16)
    /// It counts how often it runs.
    public static let coverage = CodeSettings(rawValue: 32)
    /// It looks before each instruction whether a debugger wants it to stop there.
    public static let stopPoints = CodeSettings(rawValue: 64)

    /// All there are, with their names.
    public static let names: [(setting: CodeSettings, name: String)] = [
        (.fuel, "metering of fuel"), (.polling, "interruption by polling"),
        (.checkedBounds, "comparison of every address"),
        (.maskedAccesses, "masks of addresses that are compared"),
        (.deterministicVectors, "deterministic relaxed vector instructions"),
        (.coverage, "counting of coverage"),
        (.stopPoints, "stop points for debuggers"),
    ]
}
