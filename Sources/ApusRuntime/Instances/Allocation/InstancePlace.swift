/// A slot of a pool as an instance sees it.
@safe
struct InstancePlace {
    // SAFETY: the pool outlives all instances in it: these are kept by stores and by itself, and
    // stores keep the environment, which keeps the pool.
    private unowned(unsafe) let pool: PoolingInstanceAllocator
    let slot: UInt32

    init(_ pool: PoolingInstanceAllocator, _ slot: UInt32) {
        // SAFETY: who makes the place is the pool itself: see `pool`.
        unsafe self.pool = pool
        self.slot = slot
    }

    // SAFETY: the pool is alive: see `pool`.
    /// Room for the context, zeroed.
    @unsafe var context: UnsafeMutableRawPointer { unsafe pool.regions.context(slot) }

    // SAFETY: the pool is alive: see `pool`.
    /// Gives the slot back, whatever is in it.
    func giveBack() { unsafe pool.giveBack(slot) }
}
