internal import ApusCollections

/// A part of WebAssembly that came after its first version and can be switched.
///
/// `docs/proposals.md` lists the state of each.
public enum Feature: UInt8, CaseIterable, Hashable, Sendable {
    /// Global variables that are mutable are imported and exported.
    case mutableGlobals
    /// Instructions that extend the sign of small integers.
    case signExtension
    /// Conversions to integers that saturate instead of trapping.
    case saturatingConversions
    /// Several results of functions, parameters and results of blocks.
    case multiValue
    /// Instructions that copy and fill memories and tables.
    case bulkMemory
    /// References to functions and to values of the host's, and several tables.
    case referenceTypes
    /// Vectors of 128 bits.
    case simd
    /// Addition, subtraction and multiplication in constant expressions.
    case extendedConstants
    /// Vector instructions whose results may differ between processors.
    case relaxedSIMD
    /// Calls that end their function and leave nothing on the stack.
    case tailCalls
    /// Several memories in a module.
    case multiMemory
    /// Memories and tables with addresses of 64 bits.
    case memory64
    /// References with types of functions, and calls through them.
    case functionReferences
    /// Structures, arrays and integers of 31 bits on a heap that is collected.
    case garbageCollection
    /// Exceptions, as they were standardized.
    case exceptions
    /// Exceptions, as they were before they were standardized.
    case legacyExceptions
    /// Shared memories, atomic accesses, waiting and notifying.
    case threads
    /// Addition, subtraction and multiplication of 128 bits.
    case wideArithmetic
    /// Memories whose pages have one byte.
    case customPageSizes
    /// Hints about which way branches mostly go.
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
    /// The set of one feature.
    public init(_ feature: Feature) { rawValue = 1 << UInt32(feature.rawValue) }

    /// Whether `feature` is in it.
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
