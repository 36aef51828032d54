import Apus
import Testing

/// The compilers, and one whose decisions are random: what must not make a difference.
enum Compilation: String, CaseIterable, CustomTestStringConvertible {
    case baseline, optimizing
    /// Registers are given out at random, and as few as there can be.
    case optimizingAtRandom
    /// The baseline compiler's code looks before each instruction whether to stop.
    case debuggable

    var configuration: Engine.Configuration {
        var configuration = Engine.Configuration()
        configuration.compiler = self == .baseline ? .baseline : .optimizing
        configuration.isDebuggable = self == .debuggable
        if self == .optimizingAtRandom { configuration.allocationSeed = 6 }
        return configuration
    }

    var testDescription: String { rawValue }
}
