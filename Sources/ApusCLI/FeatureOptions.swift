@_spi(ApusCLI) internal import Apus
internal import ArgumentParser

/// Switches for parts of WebAssembly.
struct FeatureOptions: ParsableArguments {
    @Option(
        name: .customLong("feature"),
        help: ArgumentHelp(
            "Switch a feature on: --feature threads; may be repeated.",
            discussion: "Features are: \(Self.names).", valueName: "NAME"),
        completion: .list(Feature.allCases.map(\.name)))
    var added: [String] = []

    @Option(
        name: .customLong("without"),
        help: ArgumentHelp(
            "Switch a feature off: --without simd; may be repeated.", valueName: "NAME"),
        completion: .list(Feature.allCases.map(\.name)))
    var removed: [String] = []

    /// `features` with what the options add and remove.
    func apply(to features: FeatureSet) throws -> FeatureSet {
        var features = features
        for name in added { features.insert(FeatureSet(try Self.feature(name))) }
        for name in removed { features.remove(FeatureSet(try Self.feature(name))) }
        return features
    }

    /// The options once more, as a command line has them.
    var arguments: [String] {
        added.map { "--feature=" + $0 } + removed.map { "--without=" + $0 }
    }

    private static let names = Feature.allCases.map(\.name).joined(separator: ", ")

    private static func feature(_ name: String) throws -> Feature {
        guard let feature = Feature.allCases.first(where: { $0.name == name }) else {
            let similar = SimilarNames.near(name, among: Feature.allCases.map(\.name))
            throw ValidationError(
                "there is no feature '\(name)'; "
                    + (similar.first.map { "did you mean '\($0)'?" } ?? "there are: \(names)"))
        }
        return feature
    }
}
