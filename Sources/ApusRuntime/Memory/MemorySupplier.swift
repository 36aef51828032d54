/// What a memory that a host supplies is made of has to have.
public struct MemoryDemand: Hashable, Sendable {
    /// Bytes that it has at first.
    public var minimumBytes: UInt64
    /// Bytes that it may grow to.
    public var maximumBytes: UInt64
    /// Bytes of address space from its start on that nobody else uses: what it may grow to, and
    /// behind that a guard.
    public var reservedBytes: UInt64
    /// Bytes of address space before its start that nobody else uses.
    public var guardBytesBefore: UInt64
    /// What the address of its start is a multiple of.
    public var alignment: UInt64
    /// Whether Apus says which pages can be used and which cannot. Then nobody else may, and they
    /// must be whole pages of a mapping that can be written to; else all that `grow` has agreed to
    /// must be there to be read and written.
    public var isProtected: Bool
}

/// Memory of the host's, supplied for one linear memory: a part of a file, a region that processes
/// share, or whatever an allocator of its own gives.
///
/// What it says is checked before it is used. Guests expect zeros where nothing was written yet.
public protocol SuppliedMemory: AnyObject {
    // SAFETY: `LinearMemory` checks size, alignment and guards before it touches anything.
    /// All of it from its first byte on, at least `reservedBytes` of the demand, which stays where
    /// it is until it is released. Before it lie `guardBytesBefore` that belong to it, too.
    ///
    /// Unsafe: nobody else may free, move, or forbid to use it meanwhile.
    @unsafe var bytes: UnsafeMutableRawBufferPointer { get }

    /// Whether the first `byteCount` bytes may be used from now on. They never become fewer. If
    /// not, nothing changes.
    ///
    /// Meanwhile the memory cannot be made to grow by the thread that asks, which is an error or,
    /// where there are none, refused; and it must not wait for another thread that does.
    func grow(to byteCount: UInt64) -> Bool

    /// Nobody uses it any more. Called once.
    func release()
}

/// Supplies what linear memories are made of, instead of the system. Asked on any thread.
public protocol MemorySupplier: AnyObject, Sendable {
    /// Memory that fulfils `demand`, of which nothing can be used yet; nil: there is none.
    func reserve(_ demand: MemoryDemand) -> (any SuppliedMemory)?
}
