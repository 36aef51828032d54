internal import ApusRuntime

/// A call of a host function as its cells: argument `n` is in cell `n` when it starts, result `n`
/// must be there when it returns.
///
/// An i32 or f32 takes the low half of its cell; what the upper half holds does not matter.
@_spi(ApusWASI)
public struct CellCall: ~Escapable {
    private let frame: HostFrame
    // SAFETY: who makes the call keeps the store, and a call cannot outlive its frame.
    private unowned(unsafe) let owner: Store
    /// The store in which the call happens.
    public var store: Store { unsafe owner }

    @_lifetime(copy frame)
    init(_ frame: borrowing HostFrame) {
        self.frame = copy frame
        // SAFETY: the frame's embedder is the store that makes this call, and keeps itself for as
        // long.
        unsafe owner = frame.embedder
    }

    /// The bits of a cell. There are as many cells as the function has parameters or results,
    /// whichever is more.
    public subscript(index: Int) -> UInt64 {
        get { frame[index] }
        nonmutating set { frame[index] = newValue }
    }

    /// The instance whose code made the call; nil if the host called the function itself.
    public var instance: Instance? { frame.caller.map { Instance($0, in: store) } }

    /// The memory that the calling instance exports as "memory"; nil if there is none.
    public var memory: Memory? {
        frame.caller?.exportedMemory.map { Memory($0, in: store) }
    }
}

extension CellCall {
    /// Takes `cost` from the store's fuel, if that is metered, for what is about to be done.
    ///
    /// - Throws: a trap if there is too little.
    public func pay(_ cost: UInt64) throws {
        guard try store.runtime.pay(cost, isDone: false) else { throw Trap(.outOfFuel) }
    }

    /// The same for what has been done already: if there is too little, nothing is left.
    public func settle(_ cost: UInt64) throws {
        guard try store.runtime.pay(cost, isDone: true) else { throw Trap(.outOfFuel) }
    }

    /// The bytes of the memory that the calling instance exports as "memory"; nil if there is
    /// none.
    ///
    /// Unsafe: they are there until the host function returns, and change under whoever runs the
    /// guest meanwhile. A memory that grows keeps its place.
    @unsafe public var memoryBytes: UnsafeMutableRawBufferPointer? {
        // SAFETY: a memory's first `byteCount` bytes stay accessible at one place for the life of
        // its store, which outlives the call.
        unsafe frame.callerMemory
    }
}

/// A call of an asynchronous function as its cells, while the guest waits: see `CellCall`.
///
/// It is of no use when the function has returned.
@_spi(ApusWASI)
public struct SuspendedCellCall {
    private let frame: SuspendedFrame
    /// The store in which the call happens.
    public let store: Store

    init(_ frame: SuspendedFrame) {
        self.frame = frame
        store = frame.embedder
    }

    /// The bits of a cell. There are as many cells as the function has parameters or results,
    /// whichever is more.
    public subscript(index: Int) -> UInt64 {
        get { frame[index] }
        nonmutating set { frame[index] = newValue }
    }

    /// The bytes of the memory that the calling instance exports as "memory"; nil if there is
    /// none.
    ///
    /// Unsafe: they are there until the function returns. A memory that grows keeps its place.
    @unsafe public var memoryBytes: UnsafeMutableRawBufferPointer? {
        // SAFETY: a memory's first `byteCount` bytes stay accessible at one place for the life of
        // its store, which outlives the call.
        unsafe frame.callerMemory
    }

    /// Takes `cost` from the store's fuel, if that is metered, for what is about to be done.
    ///
    /// - Throws: a trap if there is too little.
    public func pay(_ cost: UInt64) throws {
        guard try store.runtime.pay(cost, isDone: false) else { throw Trap(.outOfFuel) }
    }

    /// The same for what has been done already: if there is too little, nothing is left.
    public func settle(_ cost: UInt64) throws {
        guard try store.runtime.pay(cost, isDone: true) else { throw Trap(.outOfFuel) }
    }

    /// Waits for `duration`, or without end if that is nil, without a thread: ends when the guest
    /// is to stop.
    public nonisolated(nonsending) func sleep(for duration: Duration?) async throws {
        await (try store.runtime).sleep(for: duration)
    }
}

extension Memory {
    // SAFETY: the bytes stay at one place for the life of the store, which who asks keeps.
    /// Where its bytes are, for languages that have no spans.
    @_spi(ApusC) @unsafe
    public var baseAddress: UnsafeMutableRawPointer { unsafe linear.baseAddress }
}
