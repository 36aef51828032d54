/// What the host does for one call of a guest, besides the call itself.
struct HostWork {
    /// Bytes that were moved, or had to be written to make a file longer.
    var bytes: UInt64 = 0
    /// Entries of directories that were looked at.
    var entries: UInt64 = 0
    /// How often it was waited for the disk.
    var flushes: UInt64 = 0

    /// What it costs in fuel, once it is done.
    var cost: UInt64 {
        bytes / CallPrice.bytesForOne + entries * CallPrice.entry + flushes * CallPrice.flush
    }
}

/// What a call costs in fuel before it begins: enough that what the host does for a guest takes no
/// more time than instructions of the same price would, in orders of magnitude. Waiting for others
/// costs nothing; deadlines bound it.
enum CallPrice: Sendable {
    case call
    /// What goes to the file system, with the arguments that are lengths of paths.
    case files([Int] = [])
    /// What waits until the disk has all of a file.
    case disk
    /// Random bytes by the argument's number.
    case random(Int)
    /// Pieces of memory by the argument's number.
    case pieces(Int)
    /// Things to wait for by the argument's number.
    case subscriptions(Int)

    /// Any call.
    private static var base: UInt64 { 512 }
    /// A call that goes to the file system, besides.
    private static var file: UInt64 { 4096 }
    /// Each byte of a path: it may lead through that many directories.
    private static var pathByte: UInt64 { 32 }
    /// Until a disk has what was written: a tenth of a millisecond, or some.
    static var flush: UInt64 { 1 << 18 }
    private static var piece: UInt64 { 16 }
    private static var subscription: UInt64 { 256 }
    /// An entry of a directory.
    static var entry: UInt64 { 128 }
    private static var randomByte: UInt64 { 4 }
    /// Bytes that cost 1 to be moved.
    static var bytesForOne: UInt64 { 8 }

    /// What the call with these arguments costs. Those it is refused for cost no more.
    func cost(_ call: CallArguments) -> UInt64 {
        let size =
            switch self {
            case .call: 0 as UInt64
            case .disk: Self.flush
            case .files(let lengths):
                lengths.reduce(Self.file) { sum, index in
                    sum + UInt64(min(call[index], UInt32(Path.limit))) * Self.pathByte
                }
            case .random(let index): UInt64(call[index]) * Self.randomByte
            case .pieces(let index):
                UInt64(min(call[index], GuestVectors.countLimit)) * Self.piece
            case .subscriptions(let index):
                UInt64(min(call[index], Preview1.subscriptionLimit)) * Self.subscription
            }
        return Self.base + size
    }
}
