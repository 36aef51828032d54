/// The stacks that guests of asynchronous calls run on.
public struct GuestStackConfiguration: Hashable, Sendable {
    /// How many there may be at once. The call that needs one more throws a `ResourceError`.
    public var limit = 16_384
    /// How many a store may have at once; nil: a share of all.
    public var limitPerStore: Int?
    /// Bytes of each one: for guests, and for the functions of the host that they call. It is
    /// address space; memory is taken when it is touched.
    public var bytes: UInt64 = 2 << 20
    /// Bytes of each one kept free for functions of the host.
    public var hostBytes: UInt64 = 1 << 20
    /// How many that nobody uses are kept.
    public var idle = 256

    public init() {}

    /// How many a store may have, whatever was asked for.
    var storeLimit: UInt32 {
        let share = max(limit / 64, min(limit, 16))
        return UInt32(clamping: limitPerStore ?? share)
    }

    /// The same, within bounds: guests have 64 KiB at least, and functions of the host.
    var bounded: GuestStackConfiguration {
        var bounded = self
        bounded.hostBytes = min(max(hostBytes, 64 << 10), 1 << 30)
        bounded.bytes = min(max(bytes, bounded.hostBytes + 64 << 10), 1 << 31)
        return bounded
    }
}
