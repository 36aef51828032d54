internal import CApusHost

/// What an asynchronous function of the host sees of its call. The cells are those of `HostFrame`.
@safe
public struct SuspendedFrame {
    // SAFETY: the cells are in the host trampoline's frame, which stays as it is as long as the
    // guest waits on that stack. Whoever makes a function's body does not use the frame when that
    // has ended.
    private let cells: UnsafeMutablePointer<UInt64>
    /// Number of cells: as many as the function has parameters or results, whichever is more.
    public let count: Int
    /// The store in which the call happens.
    public let store: RuntimeStore
    /// The instance whose code made the call; nil if the host called the function directly.
    public let caller: InstanceState?

    init(_ stack: GuestStack, _ function: HostFunction, _ store: RuntimeStore) {
        // SAFETY: the arguments lie in the frame of the trampoline, which waits on the stack.
        unsafe cells = unsafe stack.arguments
        count = function.cellCount
        self.store = store
        caller = store.instance(leavingAt: stack.exit)
    }

    /// The bits of a cell.
    public subscript(index: Int) -> UInt64 {
        get {
            // SAFETY: the index is below `count`, as the precondition says, and there are so many
            // cells.
            precondition(UInt(bitPattern: index) < UInt(bitPattern: count))
            return unsafe cells[index]
        }
        nonmutating set {
            precondition(UInt(bitPattern: index) < UInt(bitPattern: count))
            unsafe cells[index] = newValue
        }
    }

    // SAFETY: the instance and its memory live as long as the store, which is in a call.
    /// The bytes of the memory that the calling instance exports as "memory"; nil if there is
    /// none.
    ///
    /// Unsafe: they are there until the function returns.
    @unsafe public var callerMemory: UnsafeMutableRawBufferPointer? {
        guard let memory = caller?.exportedMemory else { return nil }
        return unsafe UnsafeMutableRawBufferPointer(
            start: memory.baseAddress, count: memory.byteCount)
    }
}
