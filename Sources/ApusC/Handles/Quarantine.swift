internal import ApusLocks

/// Where handles go that were given up.
enum Quarantine {
    #if DEBUG
        /// How many there are before the oldest one's memory may be used again.
        private static var room: Int { 1 << 16 }

        // SAFETY: an address of a handle that nobody owns any more.
        @safe
        private struct Waiting: @unchecked Sendable {
            // SAFETY: nobody owns the handle any more, and its memory is given back once.
            var handle: UnsafeMutablePointer<Handle>
        }

        private static let waiting = SystemMutex<(handles: [Waiting], next: Int)>(([], 0))
    #endif

    /// Frees the memory of `handle`, in builds for debugging only after many others.
    static func take(_ handle: UnsafeMutablePointer<Handle>) {
        // SAFETY: the caller has taken the object out and nobody owns the handle any more; its
        // memory is given back once, by who takes it out of the list.
        #if DEBUG
            let freed: Waiting? = waiting.withLock { waiting in
                let new = unsafe Waiting(handle: handle)
                guard waiting.handles.count == room else {
                    waiting.handles.append(new)
                    return nil
                }
                let oldest = waiting.handles[waiting.next]
                waiting.handles[waiting.next] = new
                waiting.next = (waiting.next + 1) % room
                return oldest
            }
            unsafe freed?.handle.deallocate()
        #else
            unsafe handle.deallocate()
        #endif
    }
}
