internal import CApusHost

extension ProcessorFeatures {
    /// What this machine's processor can do.
    public static let host = ProcessorFeatures(rawValue: apus_processor_features())
}
