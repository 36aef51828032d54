internal import ApusCollections

/// What baseline code of a module that is compiled while it runs counts of a call through a table
/// or a reference (`docs/abi.md`, “Tiers”): 16 bytes, which all threads and instances share.
///
/// A callee is known by where its record (`apus_funcref`) is from the context of the instance that
/// calls: that is the same in all instances, as long as it is a function of the instance's own.
public enum CallCounts {
    /// Bytes of the counts of a call, which begin with where the callee's record is, 8 bytes.
    public static var bytes: Int { 16 }
    /// How often it was that callee, 4 bytes.
    public static var hitsOffset: Int32 { 8 }
    /// How often it was another one meanwhile, 4 bytes.
    public static var missesOffset: Int32 { 12 }
    /// A callee with more general arguments leaves no registers to count with.
    public static var generalArgumentLimit: Int { 6 }
}

/// The counts of a call, as they are written down.
public struct CountedCall: Hashable, Sendable {
    /// Where the call is in the body of its function.
    public var bodyOffset: UInt32
    /// The callee, in the module's function index space.
    public var function: UInt32
    /// How often it was that one, and how often another one.
    public var hits: UInt32
    public var misses: UInt32

    public init(bodyOffset: UInt32, function: UInt32, hits: UInt32, misses: UInt32) {
        self.bodyOffset = bodyOffset
        self.function = function
        self.hits = hits
        self.misses = misses
    }

    /// How many of a hundred such calls had that callee.
    public var share: Int {
        let all = UInt64(hits) + UInt64(misses)
        return all == 0 ? 0 : Int(UInt64(hits) * 100 / all)
    }
}

/// What is known of the functions of a module from how they have run, by their indices. Callees are
/// asked about at each call of them, and their own calls only where those are made.
public struct ModuleProfile: Sendable {
    /// A body of no more bytes than this is worth having in callers; 0 if it has hardly run.
    public let inliningBytes: @Sendable (Int) -> Int
    /// Calls of one and the same function most of the time, in order.
    public let calls: @Sendable (Int) -> [CountedCall]

    public init(
        inliningBytes: @escaping @Sendable (Int) -> Int,
        calls: @escaping @Sendable (Int) -> [CountedCall]
    ) {
        self.inliningBytes = inliningBytes
        self.calls = calls
    }
}

/// What is known of a function's calls from how it has run.
public struct FunctionProfile: Sendable {
    /// Those of one and the same function most of the time, in order.
    private let calls: [CountedCall]

    public init(_ calls: [CountedCall] = []) { self.calls = calls }

    /// What is known of the call at `bodyOffset`, if anything.
    public func call(at bodyOffset: UInt32) -> CountedCall? {
        var low = 0
        var high = calls.count
        while low < high {
            let middle = low + (high - low) / 2
            if calls[middle].bodyOffset < bodyOffset { low = middle + 1 } else { high = middle }
        }
        return low < calls.count && calls[low].bodyOffset == bodyOffset ? calls[low] : nil
    }
}
