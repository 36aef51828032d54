internal import ApusABI
internal import ApusCollections
internal import ApusFormat
internal import CApusHost

/// Why an object cannot be made.
struct ObjectFailure: Error {
    /// `allocationTooLarge` or `heapExhausted`.
    var code: TrapCode
}

/// The store's objects: where they come from, and when those that nobody can reach are let go of.
extension RuntimeStore {
    /// An object of the type with the id `type`, all zeros: a structure, or an array of `length`
    /// elements. Nothing keeps it yet but the caller.
    ///
    /// Throws `ObjectFailure`, `AsynchronousCallError`, what the limiter throws, or what the system
    /// refuses.
    func makeObject(_ type: UInt32, length: UInt32 = 0) throws -> UInt64 {
        try checkYielded()
        if isEnteredElsewhere { throw AsynchronousCallError.storeIsBusy }
        let heap = try presentHeap()
        let bytes = heap.objectBytes(type, length: length)
        guard bytes <= heap.byteLimit else { throw ObjectFailure(code: .allocationTooLarge) }
        let address = try room(for: Int(bytes), heap)
        heap.makeObject(type, length: length, at: address)
        return UInt64(address)
    }

    private func presentHeap() throws -> Heap {
        if let heap { return heap }
        // SAFETY: the context lives as long as the store, and so longer than the heap.
        let made = try unsafe Heap(
            context, limit: limits.heapBytes,
            isZealous: environment.configuration.collectsAtEachAllocation)
        heap = made
        return made
    }

    private func room(for bytes: Int, _ heap: Heap) throws -> UInt {
        if !heap.isZealous, let address = heap.takeNext(bytes) { return address }
        let isDue = heap.needsCollection
        if isDue { collectHeap() }
        if let address = try takeOrGrow(bytes, heap) { return address }
        // Not before there is no other way: what lives is hardly less than what there is.
        if !isDue {
            heap.noteWant()
            collectHeap()
            if !heap.isFull, let address = try takeOrGrow(bytes, heap) { return address }
        }
        payForFullHeap()
        throw ObjectFailure(code: .heapExhausted)
    }

    /// Room where there is some, or else in a larger heap, if it may become that.
    private func takeOrGrow(_ bytes: Int, _ heap: Heap) throws -> UInt? {
        if let address = heap.take(bytes) { return address }
        return try grow(heap, for: bytes) ? heap.take(bytes) : nil
    }

    /// Makes the heap larger, so that there is room for an object of `bytes` bytes.
    private func grow(_ heap: Heap, for bytes: Int) throws -> Bool {
        guard let (wanted, needed) = heap.growth(for: bytes) else { return false }
        let room = heapRoom
        let block = UInt64(HeapGeometry.blockBytes)
        let modest = max(needed, min(wanted, room) / block * block)
        if try growHeap(by: modest, heap) { return true }
        return modest > needed ? try growHeap(by: needed, heap) : false
    }

    /// Takes fuel for having all looked through where that has brought no room: elsewhere what is
    /// made then is paid for. Who is told may try again, as often as he likes.
    func payForFullHeap() {
        let looked = heapBytes + UInt64(clamping: rootBytes)
        _ = pay(FuelCost.ofBytes(looked), isDone: true)
    }

    /// Bytes of memory that the heap has.
    public var heapBytes: UInt64 { heap?.byteCount ?? 0 }
}
