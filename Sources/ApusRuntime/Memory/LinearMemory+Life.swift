internal import ApusABI
internal import ApusCollections
internal import ApusFormat
internal import CApusHost

/// How a memory begins, is made as it was at first, and ends.
extension LinearMemory {
    /// Address space for `plan` and at most `maximumBytes`, and whose it is.
    static func reserve(
        _ plan: MemoryPlan, minimumBytes: UInt64, maximumBytes: UInt64, _ site: Site
    ) throws(ResourceError) -> (base: UnsafeMutableRawPointer, backing: Backing) {
        let bytes = plan.reservedBytes(maximumBytes: maximumBytes)
        // SAFETY: what a site names outlives the memory; what is reserved here becomes the
        // memory's, or is the supplier's, and has been checked.
        if let place = unsafe site.place {
            guard bytes <= place.reservedBytes else {
                throw ResourceError(.memory, requested: bytes, limit: place.reservedBytes)
            }
            return unsafe (place.base, .place)
        }
        let before = plan.guardBytesBefore
        if let supplier = unsafe site.supplier {
            let demand = MemoryDemand(
                minimumBytes: minimumBytes, maximumBytes: maximumBytes, reservedBytes: bytes,
                guardBytesBefore: before,
                alignment: plan.checks == .access ? 16 : apus_page_bytes(),
                isProtected: plan.checks != .access)
            return try unsafe supplied(demand, supplier)
        }
        guard let start = unsafe apus_reserve(before &+ bytes) else {
            throw ResourceError(
                plan.checks == .access ? .memory : .addressSpace, requested: before &+ bytes)
        }
        return unsafe (start + Int(truncatingIfNeeded: before), .own(guardBytesBefore: before))
    }

    /// What `supplier` has, if it is what was asked for.
    private static func supplied(
        _ demand: MemoryDemand, _ supplier: any MemorySupplier
    ) throws(ResourceError) -> (base: UnsafeMutableRawPointer, backing: Backing) {
        guard let supplied = supplier.reserve(demand) else {
            throw ResourceError(.suppliedMemory, requested: demand.reservedBytes)
        }
        do throws(ResourceError) {
            // SAFETY: the bytes are what the supplier says it has, of which `check` asks the
            // system.
            let base = try unsafe check(supplied.bytes, demand)
            return unsafe (base, .supplied(supplied, isProtected: demand.isProtected))
        } catch {
            supplied.release()
            throw error
        }
    }

    /// The start of memory that fulfils `demand`, with nothing accessible if it is protected.
    private static func check(
        _ bytes: UnsafeMutableRawBufferPointer, _ demand: MemoryDemand
    ) throws(ResourceError) -> UnsafeMutableRawPointer {
        let count = UInt64(bytes.count)
        guard let base = bytes.baseAddress, count >= demand.reservedBytes else {
            throw ResourceError(.suppliedMemory, requested: demand.reservedBytes, limit: count)
        }
        let address = UInt64(UInt(bitPattern: base))
        guard address % demand.alignment == 0, address > demand.guardBytesBefore else {
            throw ResourceError(.suppliedAlignment, requested: demand.alignment)
        }
        // SAFETY: what is protected lies within what the supplier says it has, and the system
        // refuses what is not mapped.
        guard demand.isProtected else { return unsafe base }
        // The system refuses what is not mapped, so this proves that the guards are there.
        let before = demand.guardBytesBefore
        let total = before &+ demand.reservedBytes
        let start = unsafe base - Int(truncatingIfNeeded: before)
        let error = unsafe apus_protect(start, total, apus_access_none)
        guard error == 0 else {
            throw ResourceError(.suppliedMemory, requested: total, errorNumber: error)
        }
        return unsafe base
    }

    /// Makes the first `bytes` of a reservation accessible, with their first contents. Returns
    /// whether these come from a file, so that the system has them.
    static func commit(
        _ base: UnsafeMutableRawPointer, _ bytes: UInt64, _ backing: Backing,
        _ image: MemoryImage?
    ) throws(ResourceError) -> Bool {
        guard backing.grow(to: bytes) else {
            throw ResourceError(.suppliedMemory, requested: bytes)
        }
        if bytes == 0 || !backing.isProtected { return false }
        // SAFETY: `base` is the start of the memory's reservation, which has room for `bytes`.
        let error = unsafe apus_protect(base, wholePages(bytes), apus_access_write)
        guard error == 0 else { throw ResourceError(.memory, requested: bytes, errorNumber: error) }
        guard let image else { return false }
        return try unsafe image.map(at: base)
    }

    static func record(
        _ given: UnsafeMutablePointer<apus_memory>?
    ) throws(ResourceError) -> (record: UnsafeMutablePointer<apus_memory>, isOwn: Bool) {
        // SAFETY: who gives a record keeps it as long as the memory; else one is allocated here,
        // zeros.
        if let given = unsafe given { return unsafe (given, false) }
        let bytes = unsafe UInt64(MemoryLayout<apus_memory>.size)
        guard let own = unsafe apus_allocate(bytes) else {
            throw ResourceError(.memory, requested: bytes)
        }
        return unsafe (own.assumingMemoryBound(to: apus_memory.self), true)
    }

    /// Gives the memory its first size and contents back, for another instance. If the system says
    /// what has been written, and that is no more than `kept` bytes, it is written over. Else that
    /// happens to so many bytes from the start; the others go back to the system, which is slower
    /// for what is touched again, and the only way to be rid of what is not.
    ///
    /// Returns false if the system refuses, if the host supplies it, or if others may have it; then
    /// the memory is beyond use.
    func reset(keepingResident kept: UInt64, looksForChanges: Bool = true) -> Bool {
        if isSupplied || type.isShared { return false }
        let bytes = type.byteCount(ofPages: type.limits.minimum)
        let first = Self.wholePages(bytes)
        if accessibleBytes > first {
            // SAFETY: the memory is nobody's now: the pool, or the allocator, calls this between
            // two instances. What is written lies within the first `accessibleBytes` of the
            // reservation.
            let grown = unsafe mapping + Int(truncatingIfNeeded: first)
            guard unsafe apus_decommit(grown, accessibleBytes &- first) == 0 else { return false }
            accessibleBytes = first
        }
        unsafe apus_memory_set_bytes(record, bytes)
        let written = min(kept & ~(apus_page_bytes() &- 1), first)
        if looksForChanges, written > 0, restoreChanges(within: first, atMost: written) {
            return true
        }
        restore(0..<written)
        let rest = unsafe mapping + Int(truncatingIfNeeded: written)
        guard unsafe apus_discard(rest, first &- written) == 0 else { return false }
        // What was copied is gone now.
        if let image, !isMapped, written < image.byteCount {
            unsafe image.restore(mapping, written..<image.byteCount)
        }
        return true
    }

    /// Rows of changed pages that are written over one by one.
    private static var changesLookedAt: Int { 16 }
    /// In larger memories it takes long to look for them.
    private static var bytesLookedThrough: UInt64 { 16 << 20 }

    /// Writes over the pages among the first `bytes` that are not as they were mapped. Returns
    /// false, having changed nothing, if it is not known which these are, or they have more than
    /// `most` bytes.
    private func restoreChanges(within bytes: UInt64, atMost most: UInt64) -> Bool {
        guard image == nil || isMapped, bytes <= Self.bytesLookedThrough else { return false }
        // SAFETY: the memory is nobody's now, and all of these pages are its own. There is room for
        // as many rows as the call is told.
        return unsafe withUnsafeTemporaryAllocation(
            of: apus_pages.self, capacity: Self.changesLookedAt
        ) { pages in
            let count = unsafe apus_changed_pages(
                mapping, bytes, image == nil ? 0 : 1, pages.baseAddress, UInt32(pages.count))
            guard count >= 0 else { return false }
            let changes = unsafe pages.prefix(Int(count))
            let total = unsafe changes.reduce(0) { $0 &+ ($1.end &- $1.start) }
            guard total <= most else { return false }
            let base = UInt64(UInt(bitPattern: unsafe mapping))
            for index in unsafe changes.indices {
                let (start, end) = unsafe (changes[index].start &- base, changes[index].end &- base)
                restore(start..<end)
            }
            return true
        }
    }

    /// Writes over a part of the memory what was there at first.
    private func restore(_ range: Range<UInt64>) {
        // SAFETY: callers have a range of accessible bytes of a memory that is nobody's now.
        if let image {
            unsafe image.restore(mapping, range)
        } else if !range.isEmpty {
            let start = unsafe mapping + Int(truncatingIfNeeded: range.lowerBound)
            unsafe start.initializeMemory(as: UInt8.self, repeating: 0, count: range.count)
        }
    }
}
