internal import ApusABI
internal import ApusCollections
internal import CApusHost

/// The memory of a pool: for each slot room for a context, for memories and for tables.
///
/// All of it is reserved when the pool is made; what is never touched takes address space only.
@safe
final class SlotRegions: Sendable {
    // SAFETY: `contexts` and `tables` are mappings of `count` times the bytes of a slot, readable
    // and writable, each of `memoryChunks` the address of one for `chunkPlaces` memories, with a
    // guard before the first; this object owns them. Slots are below `count`, indices below what a
    // slot has.
    let count: Int
    private let limits: InstanceLimits
    private let contextBytes: UInt64
    private let tableBytes: UInt64
    /// Address space of a memory: the guard at its end is before the next one.
    private let memoryBytes: UInt64
    private let guardBytesBefore: UInt64
    private let contexts: UInt
    private let tables: UInt
    private let memoryChunks: [UInt]

    /// Memories are reserved in chunks: no free piece of address space is large enough for all.
    private static var chunkPlaces: Int { 64 }

    init(_ configuration: PoolConfiguration, alwaysChecksBounds: Bool) throws(ResourceError) {
        limits = configuration.limits
        count = configuration.instances
        contextBytes = LinearMemory.wholePages(limits.contextBytes)
        tableBytes = LinearMemory.wholePages(limits.tableElements &* 8)
        memoryBytes = Self.placeBytes(limits.memoryBytes, alwaysChecksBounds: alwaysChecksBounds)
        guardBytesBefore = alwaysChecksBounds ? 0 : MemoryPlan.signedReachBytes
        contexts = try Self.writable(count, of: contextBytes)
        do throws(ResourceError) {
            tables = try Self.writable(count * limits.tables, of: tableBytes)
        } catch {
            Self.unmap(contexts, count, of: contextBytes)
            throw error
        }
        do throws(ResourceError) {
            memoryChunks = try Self.reserve(
                count * limits.memories, of: memoryBytes, guardBytesBefore,
                for: alwaysChecksBounds ? .pool : .addressSpace)
        } catch {
            Self.unmap(contexts, count, of: contextBytes)
            Self.unmap(tables, count * limits.tables, of: tableBytes)
            throw error
        }
    }

    deinit {
        Self.unmap(contexts, count, of: contextBytes)
        Self.unmap(tables, count * limits.tables, of: tableBytes)
        for chunk in memoryChunks { Self.unmapChunk(chunk, memoryBytes, guardBytesBefore) }
    }

    /// What any memory of at most `bytes` bytes reserves.
    private static func placeBytes(_ bytes: UInt64, alwaysChecksBounds: Bool) -> UInt64 {
        let rounded = max((bytes &+ 0xFFFF) & ~0xFFFF, 0x10000)
        if alwaysChecksBounds { return rounded }
        return max(MemoryPlan.fullReservationBytes, rounded &+ MemoryPlan.guardBytes)
    }

    /// Address space for `count` places of `bytes` bytes, and `before` before them.
    private static func reserve(
        places count: Int, of bytes: UInt64, _ before: UInt64 = 0,
        for resource: ResourceError.Resource = .pool
    ) throws(ResourceError) -> UInt {
        // SAFETY: only address space is reserved, which becomes the caller's.
        let (places, overflow) = UInt64(count).multipliedReportingOverflow(by: bytes)
        let total = places.addingReportingOverflow(before)
        guard !overflow, !total.overflow,
            let start = unsafe apus_reserve(max(total.partialValue, 1))
        else {
            throw ResourceError(
                resource, requested: overflow || total.overflow ? .max : total.partialValue)
        }
        return UInt(bitPattern: start)
    }

    private static func writable(_ count: Int, of bytes: UInt64) throws(ResourceError) -> UInt {
        let start = try reserve(places: count, of: bytes)
        if count == 0 { return start }
        let total = UInt64(count) * bytes
        // SAFETY: the reservation has `total` bytes, and nobody else has it yet.
        let error = unsafe apus_protect(
            UnsafeMutableRawPointer(bitPattern: start), total, apus_access_write)
        if error == 0 { return start }
        unmap(start, count, of: bytes)
        throw ResourceError(.pool, requested: total, errorNumber: error)
    }

    /// Chunks for `count` places. Each begins with a guard of `before` bytes.
    private static func reserve(
        _ count: Int, of bytes: UInt64, _ before: UInt64, for resource: ResourceError.Resource
    ) throws(ResourceError) -> [UInt] {
        var chunks: [UInt] = []
        for _ in stride(from: 0, to: count, by: chunkPlaces) {
            do throws(ResourceError) {
                chunks.append(try reserve(places: chunkPlaces, of: bytes, before, for: resource))
            } catch {
                for chunk in chunks { unmapChunk(chunk, bytes, before) }
                throw error
            }
        }
        return chunks
    }

    private static func unmapChunk(_ start: UInt, _ bytes: UInt64, _ before: UInt64) {
        // SAFETY: the caller has the chunk for itself, and nothing is in it.
        unsafe apus_unmap(
            UnsafeMutableRawPointer(bitPattern: start), UInt64(chunkPlaces) * bytes + before)
    }

    private static func unmap(_ start: UInt, _ count: Int, of bytes: UInt64) {
        // SAFETY: the caller has the reservation for itself, and nothing is in it.
        unsafe apus_unmap(
            UnsafeMutableRawPointer(bitPattern: start), max(UInt64(count) * bytes, 1))
    }

    private static func pointer(_ address: UInt) -> UnsafeMutableRawPointer {
        // SAFETY: callers compute the address from a mapping's, which is not at 0.
        unsafe UnsafeMutableRawPointer(bitPattern: address).unsafelyUnwrapped
    }

    /// Room for the context of a slot.
    func context(_ slot: UInt32) -> UnsafeMutableRawPointer {
        // SAFETY: slots are below `count`, so this is in the mapping.
        unsafe Self.pointer(contexts &+ UInt(contextBytes) &* UInt(slot))
    }

    /// Room for a memory of a slot.
    func memory(_ slot: UInt32, _ index: Int) -> MemoryReservation {
        let place = Int(slot) * limits.memories + index
        let offset = UInt(guardBytesBefore) &+ UInt(memoryBytes) &* UInt(place % Self.chunkPlaces)
        // SAFETY: slots are below `count` and indices below what a slot has, so the chunk is there,
        // and has room for the place.
        let base = unsafe Self.pointer(memoryChunks[place / Self.chunkPlaces] &+ offset)
        return unsafe MemoryReservation(base: base, reservedBytes: memoryBytes)
    }

    /// Room for the elements of a table of a slot.
    func table(_ slot: UInt32, _ index: Int) -> UnsafeMutableBufferPointer<UInt64> {
        let place = UInt(slot) &* UInt(limits.tables) &+ UInt(index)
        // SAFETY: slots are below `count` and indices below what a slot has, so this is in the
        // mapping.
        let start = unsafe Self.pointer(tables &+ UInt(tableBytes) &* place)
        return unsafe UnsafeMutableBufferPointer(
            start: start.assumingMemoryBound(to: UInt64.self), count: Int(limits.tableElements))
    }

    /// Empties a slot: contexts and tables zeros, memories inaccessible. Returns false if the
    /// system refuses; then the slot is beyond use.
    func empty(_ slot: UInt32) -> Bool {
        // SAFETY: the slot is nobody's any more, as the pool says, who calls this.
        var isEmpty = unsafe apus_discard(context(slot), contextBytes) == 0
        for index in 0..<limits.tables {
            let table = unsafe UnsafeMutableRawPointer(table(slot, index).baseAddress)
            guard let table = unsafe table else { continue }
            if unsafe apus_discard(table, tableBytes) != 0 { isEmpty = false }
        }
        for index in 0..<limits.memories {
            let place = memory(slot, index)
            if unsafe apus_decommit(place.base, place.reservedBytes) != 0 { isEmpty = false }
        }
        return isEmpty
    }
}
