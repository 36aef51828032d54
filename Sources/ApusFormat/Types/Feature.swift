/// A part of WebAssembly that came after its first version and can be switched.
///
/// `docs/proposals.md` lists the state of each.
public enum Feature: UInt8, CaseIterable, Hashable, Sendable {
    case mutableGlobals
    case signExtension
    case saturatingConversions
    case multiValue
    case bulkMemory
    case referenceTypes
    case simd
    case extendedConstants
    case relaxedSIMD
    case tailCalls
    case multiMemory
    case memory64
    case functionReferences
    case garbageCollection
    case exceptions
    case legacyExceptions
    case threads
    case wideArithmetic
    case customPageSizes
    case branchHints

    /// The proposal's name as the specification's repositories spell it.
    public var name: String {
        switch self {
        case .mutableGlobals: "mutable-global"
        case .signExtension: "sign-extension-ops"
        case .saturatingConversions: "nontrapping-float-to-int-conversions"
        case .multiValue: "multi-value"
        case .bulkMemory: "bulk-memory-operations"
        case .referenceTypes: "reference-types"
        case .simd: "simd"
        case .extendedConstants: "extended-const"
        case .relaxedSIMD: "relaxed-simd"
        case .tailCalls: "tail-call"
        case .multiMemory: "multi-memory"
        case .memory64: "memory64"
        case .functionReferences: "function-references"
        case .garbageCollection: "gc"
        case .exceptions: "exception-handling"
        case .legacyExceptions: "legacy-exceptions"
        case .threads: "threads"
        case .wideArithmetic: "wide-arithmetic"
        case .customPageSizes: "custom-page-sizes"
        case .branchHints: "branch-hinting"
        }
    }
}

/// A set of features.
public struct FeatureSet: OptionSet, Hashable, Sendable {
    public let rawValue: UInt32

    public init(rawValue: UInt32) { self.rawValue = rawValue }
    public init(_ feature: Feature) { rawValue = 1 << UInt32(feature.rawValue) }

    @inline(__always)
    public func has(_ feature: Feature) -> Bool { rawValue & (1 << UInt32(feature.rawValue)) != 0 }

    /// All that Apus has: the default.
    public static var standard: FeatureSet {
        webAssembly2.union([
            .init(.relaxedSIMD), .init(.tailCalls), .init(.multiMemory), .init(.memory64),
            .init(.functionReferences), .init(.garbageCollection), .init(.exceptions),
            .init(.threads),
            .init(.wideArithmetic), .init(.customPageSizes), .init(.branchHints),
        ])
    }

    /// All that WebAssembly 3.0 has and that needs no collector.
    public static var webAssembly3: FeatureSet {
        webAssembly2.union([
            .init(.relaxedSIMD), .init(.tailCalls), .init(.multiMemory), .init(.memory64),
            .init(.functionReferences), .init(.exceptions), .init(.branchHints),
        ])
    }

    /// All that WebAssembly 2.0 has, and extended constants.
    public static var webAssembly2: FeatureSet {
        [
            .init(.mutableGlobals), .init(.signExtension), .init(.saturatingConversions),
            .init(.multiValue), .init(.bulkMemory), .init(.referenceTypes), .init(.simd),
            .init(.extendedConstants),
        ]
    }
}
