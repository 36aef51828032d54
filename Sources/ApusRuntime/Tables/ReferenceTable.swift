internal import ApusCollections
public import ApusFormat
internal import CApusHost

/// A table of references. Elements are 64-bit: a `FunctionReference`'s bits or the handle of an
/// external object; 0 is null.
///
/// Specification: 4.2.7 “Table Instances”.
@safe
public final class ReferenceTable {
    // SAFETY: `record.elements` is an allocation of `capacity` elements owned by this object or
    // the pool, of which `record.count` are in use; it is replaced only by `grow`. `record` is a
    // live apus_table for as long as the store lives, which owns this object.
    public let type: TableType
    let record: UnsafeMutablePointer<apus_table>
    private let ownsRecord: Bool
    /// Elements it may have at most.
    let maximum: UInt64
    private var capacity: UInt64
    /// The same as `record.elements`, which is beyond use once the record's owner has gone.
    private var elements: UnsafeMutablePointer<UInt64>
    private let ownsElements: Bool
    /// Whether elements may not be the first ones any more. What compiled code stores by itself
    /// does not show here.
    private(set) var isChanged = false
    /// Elements that may have been written, growth that was broken off included.
    private var touchedCount: UInt64
    // SAFETY: no more than what the table's maker says; see `init`.
    /// Where a table gets what it needs.
    @unsafe struct Site {
        // SAFETY: who makes a site keeps what it names as long as the table.
        /// Its record, which must outlive it; nil: it makes its own.
        var record: UnsafeMutablePointer<apus_table>?
        // SAFETY: who makes a site keeps what it names as long as the table.
        /// Room for elements, which must outlive it and has no other user; nil: it makes its own.
        var place: UnsafeMutableBufferPointer<UInt64>?
    }

    /// A table of `type`'s minimum size full of `initial`; of at most `limit` elements.
    init(
        _ type: TableType, initial: UInt64, limit: UInt64, site: Site = unsafe Site()
    ) throws(ResourceError) {
        // SAFETY: what `site` names outlives the table and has no other user, as its maker says;
        // what it lacks is allocated here and freed in `deinit`.
        self.type = type
        let room = unsafe site.place.map { UInt64($0.count) } ?? .max
        let bound = min(limit, room)
        let count = type.limits.minimum
        guard count <= bound else {
            throw ResourceError(.table, requested: count, limit: bound)
        }
        maximum = max(min(type.limits.maximum ?? UInt64(UInt32.max), bound), count)
        ownsElements = unsafe site.place == nil
        ownsRecord = unsafe site.record == nil
        capacity = ownsElements ? count : maximum
        touchedCount = count
        if let place = unsafe site.place?.baseAddress {
            unsafe elements = place
        } else {
            guard let own = unsafe apus_allocate(count &* 8) else {
                throw ResourceError(.table, requested: count)
            }
            unsafe elements = own.assumingMemoryBound(to: UInt64.self)
        }
        if let record = unsafe site.record {
            unsafe self.record = record
        } else {
            guard let own = unsafe apus_allocate(UInt64(MemoryLayout<apus_table>.size)) else {
                if ownsElements { unsafe apus_free(elements) }
                throw ResourceError(.table, requested: 16)
            }
            unsafe self.record = own.assumingMemoryBound(to: apus_table.self)
        }
        unsafe record.pointee.elements = unsafe elements
        unsafe record.pointee.count = count
        if initial != 0 { fillUnchecked(0, initial, count) }
    }

    /// The table that `request` asks for, in `place` if there is one.
    convenience init(
        _ request: TableRequest, in place: UnsafeMutableBufferPointer<UInt64>? = nil
    ) throws(ResourceError) {
        // SAFETY: the request's record is in the context of the instance, which the pool or the
        // instance keeps as long as the table; so is `place`.
        let site = unsafe Site(record: request.record, place: place)
        try unsafe self.init(
            request.type, initial: request.initial, limit: request.limit, site: site)
    }

    deinit {
        // SAFETY: nobody uses the table any more, and these are its own.
        if ownsElements { unsafe apus_free(elements) }
        if ownsRecord { unsafe apus_free(record) }
    }

    /// Whether all elements lie where the first ones did.
    var isInPlace: Bool { !ownsElements || capacity <= type.limits.minimum }

    /// Makes all elements null and the size the first one, for another instance. No more than
    /// `bytes` bytes of what was written stay in memory, which are counted off; the rest goes back
    /// to the system. Returns false if that cannot be.
    func clear(keeping bytes: inout UInt64) -> Bool {
        let touched = touchedCount &* 8
        let kept = touched <= bytes ? touched : bytes & ~(apus_page_bytes() &- 1)
        // Elements of its own go as a whole, with the table.
        if kept < touched, ownsElements { return false }
        // SAFETY: no more than `touchedCount` elements have been written, of those that there are.
        // What is given back is zeros from then on; it begins at a page, as a pool's places do, and
        // reaches to the end of one, where the place does.
        unsafe elements.update(repeating: 0, count: Int(truncatingIfNeeded: kept / 8))
        let rest = unsafe UnsafeMutableRawPointer(elements) + Int(truncatingIfNeeded: kept)
        guard unsafe apus_discard(rest, touched &- kept) == 0 else { return false }
        bytes &-= kept
        touchedCount = type.limits.minimum
        unsafe record.pointee.count = type.limits.minimum
        isChanged = false
        return true
    }

    /// Says that elements are the first ones again.
    func noteReset() { isChanged = false }

    // SAFETY: the record lives as long as the store, which owns the table.
    /// Number of elements.
    public var count: UInt64 { unsafe record.pointee.count }

    /// The element at `index`; nil beyond the end.
    public func get(_ index: UInt64) -> UInt64? {
        // SAFETY: `count` elements are in use.
        guard index < count else { return nil }
        return unsafe elements[Int(truncatingIfNeeded: index)]
    }

    /// Sets the element at `index`. Returns false beyond the end.
    public func set(_ index: UInt64, _ value: UInt64) -> Bool {
        // SAFETY: `count` elements are in use.
        guard index < count else { return false }
        unsafe elements[Int(truncatingIfNeeded: index)] = value
        isChanged = true
        return true
    }

    // `mayGoOn` is asked now and then; the work ends unfinished where it answers false.

    /// Adds `delta` elements of `value`. Returns the old size, or nil, nothing being changed, if
    /// the table cannot grow that far or `mayGoOn` ended the work. Specification: 4.5.3 “Growing
    /// tables”.
    public func grow(
        by delta: UInt64, _ value: UInt64, mayGoOn: () -> Bool = { true }
    ) -> UInt64? {
        let old = count
        guard delta <= maximum &- old else { return nil }
        let needed = old &+ delta
        if needed > capacity {
            let larger = min(max(needed, capacity &* 2), maximum)
            guard move(toRoomFor: larger, mayGoOn) else { return nil }
        }
        // SAFETY: there is room for `needed` elements; the record tells of them when all are there.
        isChanged = true
        touchedCount = max(touchedCount, needed)
        guard fillUnchecked(old, value, delta, mayGoOn) else { return nil }
        unsafe record.pointee.count = needed
        return old
    }

    /// Makes room for `larger` elements. Returns whether that was possible.
    private func move(toRoomFor larger: UInt64, _ mayGoOn: () -> Bool) -> Bool {
        // SAFETY: only tables with elements of their own have more to come than they have room for.
        // Compiled code reads the address anew after each call, and so after this one.
        guard let fresh = unsafe apus_allocate(larger &* 8) else { return false }
        let target = unsafe fresh.assumingMemoryBound(to: UInt64.self)
        let isDone = Pieces.forEach(
            in: Int(truncatingIfNeeded: count), of: Pieces.elements, mayGoOn: mayGoOn
        ) { offset, length in
            unsafe (target + offset).update(from: elements + offset, count: length)
        }
        guard isDone else {
            unsafe apus_free(target)
            return false
        }
        unsafe apus_free(elements)
        unsafe elements = target
        capacity = larger
        unsafe record.pointee.elements = target
        return true
    }

    /// Sets `count` elements from `start` on. Returns false, changing nothing, if they do not all
    /// lie in the table. Specification: 4.6.9 “table.fill”.
    public func fill(
        _ start: UInt64, _ value: UInt64, _ count: UInt64, mayGoOn: () -> Bool = { true }
    ) -> Bool {
        guard contains(start, count) else { return false }
        isChanged = true
        fillUnchecked(start, value, count, mayGoOn)
        return true
    }

    /// Whether `count` elements from `start` on exist.
    @inline(__always)
    func contains(_ start: UInt64, _ count: UInt64) -> Bool {
        let size = self.count
        return count <= size && start <= size &- count
    }

    @discardableResult
    private func fillUnchecked(
        _ start: UInt64, _ value: UInt64, _ count: UInt64, _ mayGoOn: () -> Bool = { true }
    ) -> Bool {
        // SAFETY: callers have looked whether there is room for `count` elements from `start` on.
        let first = unsafe elements + Int(truncatingIfNeeded: start)
        return Pieces.forEach(
            in: Int(truncatingIfNeeded: count), of: Pieces.elements, mayGoOn: mayGoOn
        ) { offset, length in
            unsafe (first + offset).update(repeating: value, count: length)
        }
    }
}
