internal import ApusABI
internal import ApusCollections
public import ApusFormat
internal import ApusLocks
internal import CApusHost
internal import Synchronization

/// A linear memory: a reservation of address space of which the first `byteCount` bytes can be
/// used. It never moves; what compiled code reaches beyond its size faults.
///
/// A shared one may be used by several threads at once: it has a record of its own, to which all
/// instances that have it lead, and grows under a lock.
///
/// Specification: 4.2.8 “Memory Instances”.
@safe
public final class LinearMemory {
    // SAFETY: `mapping` is one of `reservedBytes` bytes that this object has by its `backing`, the
    // first `accessibleBytes` of them readable and writable, `record.bytes` included; they are
    // never taken back while wasm or the host may touch them. `record` is a live apus_memory for as
    // long as the store lives, which owns this object; of a shared memory this object has it. What
    // changes of a shared memory is the record's size, by single stores, and with `growth` held
    // `accessibleBytes`.
    public let type: MemoryType
    let record: UnsafeMutablePointer<apus_memory>
    private let ownsRecord: Bool
    /// The size it may have at most.
    let maximumBytes: UInt64
    private let reservedBytes: UInt64
    let mapping: UnsafeMutableRawPointer
    private let backing: Backing
    /// Its first contents, if they are not zeros.
    let image: MemoryImage?
    /// Whether its image is mapped, so that pages that are given back have these contents again.
    let isMapped: Bool
    /// What the system lets be touched: whole pages.
    var accessibleBytes: UInt64
    // SAFETY: one thread uses the store, and so the memory, unless that is shared: then it is 0.
    /// How often the host has its bytes in place, to be read; -1: to be changed.
    @exclusivity(unchecked) var lends = 0
    // SAFETY: a word of a memory that only this thread uses, or one that nobody changes.
    /// Whether the host has its bytes in place, and nobody may write.
    @inline(__always)
    public var isLent: Bool { unsafe lends != 0 }
    /// The number of the store that has made it, with which it goes; 0: none.
    var maker: UInt64 = 0
    /// Held while it grows, if it is shared.
    private let growth: SystemLock?
    /// By its record, the thread that asks the host's supplier for more; 0: none does.
    private let asking = Atomic<UInt>(0)

    /// Whether the host supplies what it is made of.
    var isSupplied: Bool { backing.isSupplied }

    // SAFETY: no more than what the memory's maker says; see `init`.
    /// Where a memory gets what it needs.
    @unsafe struct Site {
        // SAFETY: who makes a site keeps what it names as long as the memory.
        /// Its record, which must outlive it; nil: it makes its own.
        var record: UnsafeMutablePointer<apus_memory>?
        /// Its address space, which must outlive it; nil: it reserves its own.
        var place: MemoryReservation?
        /// Who supplies its address space; nil: the system.
        var supplier: (any MemorySupplier)?
        /// Its first contents; nil: zeros.
        var image: MemoryImage?
    }

    /// A memory of `type`'s minimum size; of at most `limit` bytes.
    init(
        _ type: MemoryType, limit: UInt64, alwaysChecksBounds: Bool = false,
        site: Site = unsafe Site()
    ) throws(ResourceError) {
        // SAFETY: what `site` names outlives the memory and has no other user, as its maker says;
        // what it lacks is reserved here and given back in `deinit`, or where this fails.
        self.type = type
        growth = type.isShared ? SystemLock() : nil
        let minimum = type.byteCount(ofPages: type.limits.minimum)
        let most = type.byteCount(ofPages: type.pageCountLimit)
        let bound = min(limit, most, MemoryPlan.byteCountLimit)
        guard minimum <= bound, type.pageSizeLog2 == 16 || type.pageSizeLog2 == 0 else {
            throw ResourceError(.memory, requested: minimum, limit: bound)
        }
        let maximum = type.limits.maximum.map { type.byteCount(ofPages: $0) } ?? most
        maximumBytes = max(min(maximum, bound), minimum)
        let plan = MemoryPlan(type, alwaysChecksBounds: alwaysChecksBounds)
        reservedBytes = plan.reservedBytes(maximumBytes: maximumBytes)
        unsafe (mapping, backing) = try unsafe Self.reserve(
            plan, minimumBytes: minimum, maximumBytes: maximumBytes, site)
        image = unsafe site.image
        accessibleBytes = Self.wholePages(minimum)
        do throws(ResourceError) {
            isMapped = try unsafe Self.commit(mapping, minimum, backing, site.image)
            unsafe (record, ownsRecord) = try unsafe Self.record(site.record)
        } catch {
            unsafe backing.giveBack(mapping, reservedBytes, accessibleBytes)
            throw error
        }
        unsafe record.pointee.base = mapping.assumingMemoryBound(to: UInt8.self)
        unsafe apus_memory_set_bytes(record, minimum)
        preferLargePages(from: 0, to: minimum)
    }

    /// The memory that `request` asks for: in `place`, with at most `limit` bytes, or made of what
    /// `supplier` has.
    convenience init(
        _ request: MemoryRequest, in place: MemoryReservation? = nil, limit: UInt64 = .max,
        supplier: (any MemorySupplier)? = nil
    ) throws(ResourceError) {
        // SAFETY: the request's record is in the context of the instance, which the pool or the
        // instance keeps as long as the memory; so is `place`.
        let site = unsafe Site(
            record: request.record, place: place, supplier: supplier, image: request.image)
        try unsafe self.init(
            request.type, limit: min(limit, request.limit),
            alwaysChecksBounds: request.alwaysChecksBounds, site: site)
    }

    deinit {
        // SAFETY: nobody uses the memory any more.
        unsafe backing.release(mapping, reservedBytes)
        if ownsRecord { unsafe apus_free(record) }
    }

    // SAFETY: the record lives as long as the memory; its size is read as one.
    /// Size in bytes.
    public var byteCount: Int { Int(truncatingIfNeeded: unsafe apus_memory_bytes(record)) }
    /// Size in pages of the type's size.
    public var pageCount: UInt64 { unsafe apus_memory_bytes(record) >> UInt64(type.pageSizeLog2) }

    /// `bytes`, rounded up to what the system can make accessible.
    static func wholePages(_ bytes: UInt64) -> UInt64 {
        let page = apus_page_bytes()
        return (bytes &+ page &- 1) & ~(page &- 1)
    }

    /// Whether this thread is in its supplier, which is asked for more: then it cannot grow.
    var isAskedFor: Bool { asking.load(ordering: .relaxed) == Self.thread }

    // SAFETY: only the address is looked at.
    private static var thread: UInt { UInt(bitPattern: unsafe apus_thread_record()) }

    /// Adds `delta` pages of zeros. Returns the old size in pages, or nil if the memory cannot
    /// grow that far. Specification: 4.5.3 “Growing memories”.
    public func grow(by delta: UInt64) -> UInt64? {
        if isAskedFor { return nil }
        growth?.lock()
        defer { growth?.unlock() }
        return growAlone(by: delta)
    }

    /// The same, unless the memory has other than `bytes` bytes by now: then another thread has
    /// made it grow, since somebody looked whether it may, and nothing happens.
    func grow(by delta: UInt64, from bytes: UInt64) -> (old: UInt64?, isOutrun: Bool) {
        if isAskedFor { return (nil, false) }
        growth?.lock()
        defer { growth?.unlock() }
        let isOutrun = type.isShared && UInt64(byteCount) != bytes
        return isOutrun ? (nil, true) : (growAlone(by: delta), false)
    }

    /// The same while nobody else makes it grow.
    private func growAlone(by delta: UInt64) -> UInt64? {
        // SAFETY: the bytes that are added are in the reservation, for `maximumBytes` are. They are
        // accessible before the record tells of them, and nobody else makes the memory grow.
        let old = unsafe apus_memory_bytes(record)
        let shift = UInt64(type.pageSizeLog2)
        guard delta <= (maximumBytes &- old) >> shift else { return nil }
        if delta > 0 {
            let size = old &+ delta << shift
            guard supply(size) else { return nil }
            // With pages smaller than the system's, a part of the last one is there already.
            let start = Self.wholePages(old)
            let added = Self.wholePages(size) &- start
            if added > 0 {
                if backing.isProtected {
                    let place = unsafe mapping + Int(truncatingIfNeeded: start)
                    guard unsafe apus_protect(place, added, apus_access_write) == 0 else {
                        return nil
                    }
                }
                accessibleBytes = start &+ added
            }
            unsafe apus_memory_set_bytes(record, size)
            preferLargePages(from: old, to: size)
        }
        return old >> shift
    }

    /// Whether the first `bytes` may be used. A supplier may do as it likes until it says so.
    private func supply(_ bytes: UInt64) -> Bool {
        guard backing.isSupplied else { return true }
        asking.store(Self.thread, ordering: .relaxed)
        defer { asking.store(0, ordering: .relaxed) }
        return backing.grow(to: bytes)
    }

    /// A program that goes beyond this will use what it asks for; smaller ones often touch little
    /// of it, and each large page that is touched must be cleared whole.
    private static var largePagesFrom: UInt64 { 16 << 20 }

    private func preferLargePages(from start: UInt64, to end: UInt64) {
        // SAFETY: this is only advice, on a part of the reservation.
        if backing.isSupplied { return }
        let first = max(start, Self.largePagesFrom)
        if first >= end { return }
        unsafe apus_prefer_large_pages(
            mapping + Int(truncatingIfNeeded: first), end &- first)
    }

    /// Whether a fault at `address` can be an access to this memory.
    func reserves(_ address: UInt) -> Bool {
        // SAFETY: the address is compared, and not used.
        address &- UInt(bitPattern: unsafe mapping) < UInt(reservedBytes)
    }

    // MARK: Access by the host

    // SAFETY: the mapping is this object's; who asks for its address keeps to the bytes that there
    // are.
    /// Address of the first byte, which stays the same for the memory's life.
    ///
    /// Unsafe: only the first `byteCount` bytes may be touched, and only while the store lives.
    @unsafe public var baseAddress: UnsafeMutableRawPointer { unsafe mapping }

    /// Whether `count` bytes from `address` on lie within the memory.
    @inline(__always)
    public func contains(_ address: UInt64, count: UInt64) -> Bool {
        // SAFETY: the record lives as long as the memory.
        let size = unsafe apus_memory_bytes(record)
        return count <= size && address <= size &- count
    }

    /// The value at `address`, little-endian and unaligned; nil if it is not within the memory.
    ///
    /// Unsafe: any bits must be a value of the type, which `BitwiseCopyable` does not promise.
    @inline(__always)
    @unsafe public func load<Value: BitwiseCopyable>(
        _ type: Value.Type = Value.self, at address: UInt64
    ) -> Value? {
        // SAFETY: all of it is within the memory, which does not shrink; any bits are a value, as
        // the caller says.
        guard contains(address, count: UInt64(MemoryLayout<Value>.size)) else { return nil }
        return unsafe mapping.loadUnaligned(
            fromByteOffset: Int(truncatingIfNeeded: address), as: Value.self)
    }

    /// Writes `value` at `address`. Returns whether it lies within the memory, none of which is
    /// lent; if not, nothing is written.
    @inline(__always)
    public func store<Value: BitwiseCopyable>(_ value: Value, at address: UInt64) -> Bool {
        // SAFETY: all of it is within the memory, which does not shrink.
        guard contains(address, count: UInt64(MemoryLayout<Value>.size)), !isLent else {
            return false
        }
        unsafe mapping.storeBytes(
            of: value, toByteOffset: Int(truncatingIfNeeded: address), as: Value.self)
        return true
    }

    /// Writing more than this at once is mostly the first write there: a data segment.
    private static var populatedFrom: Int { 64 << 10 }

    /// Copies `bytes` to `address`. Returns whether they fit, and nothing is lent; if not, nothing
    /// is written.
    public func write(_ bytes: Span<UInt8>, at address: UInt64) -> Bool {
        // SAFETY: all of it is within the memory, which does not shrink, and no span is of a
        // guest's memory while something else writes there.
        guard contains(address, count: UInt64(bytes.count)), !isLent else {
            return false
        }
        unsafe bytes.withUnsafeBufferPointer { source in
            guard let first = source.baseAddress else { return }
            if source.count >= Self.populatedFrom, !backing.isSupplied {
                unsafe apus_populate(
                    mapping + Int(truncatingIfNeeded: address), UInt64(source.count))
            }
            unsafe (mapping + Int(truncatingIfNeeded: address)).copyMemory(
                from: first, byteCount: source.count)
        }
        return true
    }

    /// A copy of `count` bytes from `address` on; nil if they are not within the memory.
    public func read(_ count: Int, at address: UInt64) -> [UInt8]? {
        // SAFETY: all of it is within the memory, which does not shrink.
        guard count >= 0, contains(address, count: UInt64(count)) else { return nil }
        let start = unsafe mapping + Int(truncatingIfNeeded: address)
        return unsafe [UInt8](UnsafeRawBufferPointer(start: start, count: count))
    }
}
