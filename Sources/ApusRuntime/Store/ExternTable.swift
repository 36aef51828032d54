internal import ApusABI
internal import ApusCollections

/// The host objects that wasm holds references to: any Swift value behind a number.
///
/// A handle is a generation (high 32 bits), an index (below it, from 0), and in the two lowest bits
/// what no object of the heap and no integer of 31 bits has there (`ObjectLayout`), so that handles
/// may be wherever those are. With the generation a stale word on a stack is not taken for a newer
/// object. `insert` never lets anything go: that
/// happens only when wasm is entered or a host function is called, with every place known in
/// which a handle can be.
struct ExternTable {
    private struct Slot {
        var object: Any?
        var generation: UInt32
        var isMarked: Bool
    }

    private static var tagBits: UInt32 { 2 }
    private static var indexBits: UInt32 { 32 - tagBits }

    /// For so many slots, which stay when what was there has gone, one more object comes between
    /// two collections.
    private static var slotsPerHandle: Int { 16 }

    private var slots: [Slot] = []
    private var free: [UInt32] = []
    private(set) var count = 0
    private var threshold = 1024

    /// Whether so many objects have come since the last collection that another one pays.
    var needsCollection: Bool { @inline(__always) get { count > threshold } }

    /// Keeps `object` and gives its handle, never 0.
    mutating func insert(_ object: Any) throws(ResourceError) -> UInt64 {
        count += 1
        if let index = free.popLast() {
            let position = Int(index)
            slots[position].object = object
            return Self.handle(index, slots[position].generation)
        }
        guard slots.count < 1 << Self.indexBits else {
            count -= 1
            throw ResourceError(
                .reference, requested: UInt64(slots.count), limit: UInt64(slots.count))
        }
        slots.append(Slot(object: object, generation: 0, isMarked: false))
        return Self.handle(UInt32(slots.count - 1), 0)
    }

    /// The object behind `handle`; nil for null and for handles that are no longer valid.
    func object(_ handle: UInt64) -> Any? {
        guard let position = position(handle) else { return nil }
        return slots[position].object
    }

    /// Notes that `word`, if it is a valid handle, is still held.
    mutating func mark(_ word: UInt64) {
        if let position = position(word) { slots[position].isMarked = true }
    }

    /// Takes out all objects that have not been marked; the caller lets go of them, since their
    /// deinitialisers may use the store. `seenBytes` had to be looked through for that.
    mutating func sweep(beside seenBytes: Int) -> [Any] {
        var released: [Any] = []
        for position in slots.indices {
            if slots[position].isMarked {
                slots[position].isMarked = false
                continue
            }
            guard let object = slots[position].object else { continue }
            released.append(object)
            slots[position].object = nil
            count -= 1
            // A slot whose generations are used up is not used again.
            guard slots[position].generation < UInt32.max else { continue }
            slots[position].generation += 1
            free.append(UInt32(truncatingIfNeeded: position))
        }
        threshold = max(
            1024, count * 2, seenBytes / HeapGeometry.bytesPerHandle,
            slots.count / Self.slotsPerHandle)
        return released
    }

    private func position(_ handle: UInt64) -> Int? {
        let low = UInt32(truncatingIfNeeded: handle)
        let position = Int(low >> Self.tagBits)
        guard Int32(bitPattern: low) & ObjectLayout.tagMask == ObjectLayout.handleTag,
            position < slots.count,
            slots[position].generation == UInt32(truncatingIfNeeded: handle >> 32),
            slots[position].object != nil
        else { return nil }
        return position
    }

    private static func handle(_ index: UInt32, _ generation: UInt32) -> UInt64 {
        UInt64(generation) << 32 | UInt64(index) << UInt64(tagBits)
            | UInt64(ObjectLayout.handleTag)
    }
}
