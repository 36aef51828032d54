/// Which compiler has made some code.
public enum CodeTier: UInt8, Sendable {
    case baseline
    /// The optimizing compiler, or the baseline compiler what that leaves out.
    case optimizing
}
