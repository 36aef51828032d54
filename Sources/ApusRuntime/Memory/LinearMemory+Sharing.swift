public import ApusFormat
internal import CApusHost

/// Memories that several stores have.
extension RuntimeEnvironment {
    /// A shared memory that belongs to no store.
    public func makeSharedMemory(
        _ type: MemoryType
    ) throws(ResourceError) -> SharedLinearMemory? {
        SharedLinearMemory(try allocator.allocateMemory(MemoryRequest(type, configuration)))
    }
}

// SAFETY: whatever threads do at once with a shared memory by way of `LinearMemory` is sound: its
// place never changes, its size is read and written as a whole, and it grows under a lock. What the
// host reads and writes in it is bytes, which guests change meanwhile as they like.
/// A shared memory in anybody's hands.
public struct SharedLinearMemory: @unchecked Sendable {
    /// The memory, whose type is shared.
    public let memory: LinearMemory

    /// Nil if the memory is not shared.
    public init?(_ memory: LinearMemory) {
        guard memory.type.isShared else { return nil }
        self.memory = memory
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
