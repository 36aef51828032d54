public import ApusABI
public import ApusFormat

/// Why a module that was compiled before cannot be used.
public enum ArtifactError: Error, Hashable, Sendable {
    /// It is something else.
    case notArtifact
    /// It is not as it was written: what is wrong with it.
    case damaged(String)
    /// It is written in another format, of this number.
    case otherFormat(UInt32)
    /// Another build of Apus has made it.
    case otherBuild
    /// It is for another kind of processor.
    case otherTarget
    /// It uses these features of processors, which this one, or the engine's configuration, lacks.
    case processor(lacking: ProcessorFeatures)
    /// It was compiled with these features of WebAssembly, and the engine has others.
    case features(FeatureSet)
    /// It was compiled with other settings than the engine's: which, and whether it has them.
    case setting(String, isOn: Bool)
    /// It does not have the code of all functions.
    case incomplete
    /// The system does not show which build of Apus this is.
    case noBuildIdentity
    /// The file is not one whose contents may be run as they are: why.
    case untrusted(path: String, reason: String)
    /// A module's binary form was expected. What was compiled before is machine code, which is
    /// taken only from who says so: `Module(_:precompiled:)`.
    case notExpected
}

extension ArtifactError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .notArtifact: "not a compiled module"
        case .damaged(let what): "the compiled module is damaged: \(what)"
        case .otherFormat(let version):
            "the compiled module has format \(version), not \(ArtifactLayout.version)"
        case .otherBuild: "another build of Apus has compiled the module"
        case .otherTarget: "the module was compiled for another kind of processor"
        case .processor(let lacking):
            "the module was compiled for a processor with "
                + ProcessorFeatures.names.filter { lacking.contains($0.feature) }
                .map(\.name).joined(separator: ", ")
        case .features: "the module was compiled with other features of WebAssembly"
        case .setting(let name, let isOn):
            "the module was compiled \(isOn ? "with" : "without") \(name)"
        case .incomplete: "the compiled module does not have the code of all functions"
        case .noBuildIdentity: "it cannot be found out which build of Apus this is"
        case .untrusted(let path, let reason):
            "\(PrintableText.path(path)): not run as machine code: \(reason)"
        case .notExpected:
            "a module that was compiled before is no module in binary form: it is loaded by "
                + "Module(_:precompiled:), if it comes from who is trusted"
        }
    }
}
