internal import CApusHost
public import Synchronization

/// A lock that works on in child processes: unlike `Mutex`, it does not know its owner, whose
/// number is another one there.
///
/// Whoever finds it taken looks again a few times, and then sleeps until the system wakes him.
@safe
public struct SystemLock: ~Copyable, @unchecked Sendable {
    // SAFETY: `word` is at the start of an allocation that is made in init and freed in deinit;
    // all that threads do there is atomic. Who has made the lock with a tail says what that holds.
    /// `free`, `taken`, or `awaited`.
    @usableFromInline let word: UnsafeMutablePointer<Atomic<UInt32>>

    @usableFromInline static var free: UInt32 { 0 }
    @usableFromInline static var taken: UInt32 { 1 }
    /// Taken, and somebody may sleep until it is free.
    @usableFromInline static var awaited: UInt32 { 2 }

    /// How often whoever finds it taken looks again before he sleeps.
    private static var patience: Int { 32 }

    /// A lock that is free.
    public init() { self.init(tailBytes: 0, alignment: 1) }

    /// Where what belongs to a lock lies in its allocation.
    @inlinable static func tailOffset(alignment: Int) -> Int { max(16, alignment) }

    /// A lock that is free, with a tail of that many bytes, which are not initialized.
    @usableFromInline init(tailBytes: Int, alignment: Int) {
        // SAFETY: the allocation is as large as said and aligned for the word and the tail.
        let offset = Self.tailOffset(alignment: alignment)
        let base = UnsafeMutableRawPointer.allocate(
            byteCount: offset + tailBytes, alignment: offset)
        unsafe word = base.bindMemory(to: Atomic<UInt32>.self, capacity: 1)
        unsafe word.initialize(to: Atomic(Self.free))
    }

    @inlinable
    deinit {
        // SAFETY: nobody has the lock any more, since whoever has it has this value.
        unsafe word.deinitialize(count: 1)
        unsafe UnsafeMutableRawPointer(word).deallocate()
    }

    // SAFETY: `init` has initialised the word, which stays where it is.
    /// Waits until the lock is the caller's.
    @inlinable
    public borrowing func lock() {
        let (isTaken, _) = unsafe word.pointee.compareExchange(
            expected: Self.free, desired: Self.taken, ordering: .acquiring)
        if !isTaken { lockSlowly() }
    }

    /// How long whoever asks again whether he may wait sleeps in between, in nanoseconds.
    private static var nap: UInt64 { 1_000_000 }

    // SAFETY: as for `lock`.
    /// Waits until the lock is the caller's, which this returns, or `mayWait`, which is asked now
    /// and then, says no.
    public borrowing func lock(while mayWait: () -> Bool) -> Bool {
        if lockIfFree() { return true }
        // Who has been woken for the lock takes it, and so nobody is woken in vain.
        while unsafe word.pointee.exchange(Self.awaited, ordering: .acquiring) != Self.free {
            if !mayWait() { return false }
            unsafe apus_word_wait(word, Self.awaited, apus_word_now() &+ Self.nap)
        }
        return true
    }

    // SAFETY: as for `lock`.
    /// Gives the lock back, by the thread that has it.
    @inlinable
    public borrowing func unlock() {
        let before = unsafe word.pointee.exchange(Self.free, ordering: .releasing)
        if before == Self.awaited { wake() }
    }

    // SAFETY: as for `lock`.
    /// Whether the lock was free, and is the caller's now.
    public borrowing func lockIfFree() -> Bool {
        unsafe word.pointee.compareExchange(
            expected: Self.free, desired: Self.taken, ordering: .acquiring
        ).exchanged
    }

    // SAFETY: as for `lock`.
    /// In a child process: free, whoever had it in the parent.
    public borrowing func reset() {
        unsafe word.pointee.store(Self.free, ordering: .relaxed)
    }

    // SAFETY: as for `lock`.
    @usableFromInline
    borrowing func lockSlowly() {
        for _ in 0..<Self.patience {
            if unsafe word.pointee.load(ordering: .relaxed) == Self.free, lockIfFree() { return }
        }
        // Whoever has slept cannot know whether others do, so it says that they may.
        while unsafe word.pointee.exchange(Self.awaited, ordering: .acquiring) != Self.free {
            unsafe apus_word_wait(word, Self.awaited, .max)
        }
    }

    // SAFETY: as for `lock`.
    @usableFromInline
    borrowing func wake() { unsafe apus_word_wake(word) }

    /// What `body` gives, which has the lock as long as it runs.
    @inlinable
    public borrowing func withLock<Result: ~Copyable, Failure: Error>(
        _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        lock()
        defer { unlock() }
        return try body()
    }
}
