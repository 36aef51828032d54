internal import ApusABI
internal import ApusFormat
internal import CApusHost

/// How a memory begins, is made as it was at first, and ends.
// SAFETY: `base` is a reservation that the memory has for itself; see `LinearMemory`.
extension LinearMemory {
    /// Address space for `plan` and at most `maximumBytes`: `place`, or the memory's own.
    static func reserve(
        _ plan: MemoryPlan, maximumBytes: UInt64, _ place: MemoryPlace?
    ) throws(ResourceError) -> (base: UnsafeMutableRawPointer, isOwn: Bool) {
        let bytes = plan.reservedBytes(maximumBytes: maximumBytes)
        if let place {
            guard bytes <= place.reservedBytes else {
                throw ResourceError(.memory, requested: bytes, limit: place.reservedBytes)
            }
            return unsafe (place.base, false)
        }
        guard let base = unsafe apus_reserve(bytes) else {
            throw ResourceError(
                plan.checks == .access ? .memory : .addressSpace, requested: bytes)
        }
        return unsafe (base, true)
    }

    /// Makes the first `bytes` of a reservation accessible, with their first contents. Returns
    /// whether these come from a file, so that the system has them.
    static func commit(
        _ base: UnsafeMutableRawPointer, _ bytes: UInt64, _ image: MemoryImage?
    ) throws(ResourceError) -> Bool {
        if bytes == 0 { return false }
        let error = unsafe apus_protect(base, bytes, apus_access_write)
        guard error == 0 else { throw ResourceError(.memory, requested: bytes, errorNumber: error) }
        guard let image else { return false }
        return try unsafe image.map(at: base)
    }

    static func record(
        _ given: UnsafeMutablePointer<apus_memory>?
    ) throws(ResourceError) -> (record: UnsafeMutablePointer<apus_memory>, isOwn: Bool) {
        if let given = unsafe given { return unsafe (given, false) }
        let bytes = unsafe UInt64(MemoryLayout<apus_memory>.size)
        guard let own = unsafe apus_allocate(bytes) else {
            throw ResourceError(.memory, requested: bytes)
        }
        return unsafe (own.assumingMemoryBound(to: apus_memory.self), true)
    }

    /// Returns whether the reservation is as it was before.
    @discardableResult
    static func giveBack(
        _ base: UnsafeMutableRawPointer, _ isOwn: Bool, _ reserved: UInt64, _ accessible: UInt64
    ) -> Bool {
        if isOwn {
            unsafe apus_unmap(base, reserved)
            return true
        }
        return unsafe apus_decommit(base, accessible) == 0
    }

    /// Gives the memory its first size and contents back, for another instance. Of these, `kept`
    /// bytes from the start are written over; the others go back to the system, which is slower
    /// for what is touched again, and the only way to be rid of what is not.
    ///
    /// Returns false if the system refuses; then the memory is beyond use.
    func reset(keepingResident kept: UInt64) -> Bool {
        let bytes = type.byteCount(ofPages: type.limits.minimum)
        let first = Self.wholePages(bytes)
        if accessibleBytes > first {
            let grown = unsafe mapping + Int(truncatingIfNeeded: first)
            guard unsafe apus_decommit(grown, accessibleBytes &- first) == 0 else { return false }
            accessibleBytes = first
        }
        unsafe record.pointee.bytes = bytes
        let written = min(kept & ~(apus_page_bytes() &- 1), first)
        if let image {
            unsafe image.restore(mapping, 0..<written)
        } else if written > 0 {
            unsafe mapping.initializeMemory(
                as: UInt8.self, repeating: 0, count: Int(truncatingIfNeeded: written))
        }
        let rest = unsafe mapping + Int(truncatingIfNeeded: written)
        guard unsafe apus_discard(rest, first &- written) == 0 else { return false }
        // What was copied is gone now.
        if let image, !isMapped, written < image.byteCount {
            unsafe image.restore(mapping, written..<image.byteCount)
        }
        return true
    }

    /// Empties a place that a pool has lent. Returns false if the system refuses; then the place
    /// is beyond use. Nothing may touch the memory any more.
    func vacate() -> Bool {
        guard unsafe apus_decommit(mapping, accessibleBytes) == 0 else { return false }
        accessibleBytes = 0
        return true
    }
}
