public import ApusFormat
internal import CApusHost

/// Memories that several stores have.
extension RuntimeEnvironment {
    /// A shared memory that belongs to no store.
    public func makeSharedMemory(_ type: MemoryType) throws(ResourceError) -> LinearMemory {
        try allocator.allocateMemory(MemoryRequest(type, configuration))
    }
}

extension LinearMemory {
    /// Ends the waits of at most `most` guests for the four bytes at `address`, those that have
    /// waited longest first. Returns how many there were; nil if the bytes are not in the memory.
    public func notify(at address: UInt64, most: UInt32) -> UInt32? {
        guard contains(address, count: 4) else { return nil }
        // SAFETY: only the address is looked at.
        return unsafe apus_unpark(mapping + Int(truncatingIfNeeded: address), most)
    }
}
