internal import ApusABI
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
    /// Throws `ObjectFailure`, what the limiter throws, or what the system refuses.
    func makeObject(_ type: UInt32, length: UInt32 = 0) throws -> UInt64 {
        let heap = try presentHeap()
        let bytes = heap.objectBytes(type, length: length)
        guard bytes <= heap.byteLimit else { throw ObjectFailure(code: .allocationTooLarge) }
        let address = try place(for: Int(bytes), heap)
        heap.place(type, length: length, at: address)
        return UInt64(address)
    }

    private func presentHeap() throws -> Heap {
        if let heap { return heap }
        let made = try unsafe Heap(
            context, limit: limits.heapBytes,
            isZealous: environment.configuration.collectsAtEachAllocation)
        heap = made
        return made
    }

    private func place(for bytes: Int, _ heap: Heap) throws -> UInt {
        if !heap.isZealous, let address = heap.takeNext(bytes) { return address }
        if heap.needsCollection { collect() }
        if let address = heap.take(bytes) { return address }
        if try !grow(heap, for: bytes) {
            // Not before there is no other way: what lives is hardly less than what there is.
            guard heap.hasNewObjects else { throw ObjectFailure(code: .heapExhausted) }
            collect()
            if let address = heap.take(bytes) { return address }
            guard try grow(heap, for: bytes) else { throw ObjectFailure(code: .heapExhausted) }
        }
        guard let address = heap.take(bytes) else { throw ObjectFailure(code: .heapExhausted) }
        return address
    }

    /// Makes the heap larger, so that there is room for an object of `bytes` bytes.
    private func grow(_ heap: Heap, for bytes: Int) throws -> Bool {
        guard let (wanted, needed) = heap.growth(for: bytes) else { return false }
        let room = limits.heapBytes - min(limits.heapBytes, heap.byteCount)
        let block = UInt64(HeapGeometry.blockBytes)
        let modest = max(needed, min(wanted, room) / block * block)
        if try growHeap(by: modest, heap) { return true }
        return modest > needed ? try growHeap(by: needed, heap) : false
    }

    // MARK: Collection

    /// Lets go of all objects that nothing refers to.
    public func collectObjects() { collect() }

    /// Frees the objects of the heap that nothing refers to.
    func collect() {
        guard let heap else { return }
        let start = Watchdog.now()
        heap.beginCollection()
        forEachRoot { heap.mark($0) }
        heap.trace { _ in }
        heap.endCollection()
        statistics.collections += 1
        statistics.collectionNanoseconds &+= Watchdog.now() &- start
    }

    /// Lets go of host objects that nothing refers to, and frees the objects of the heap likewise:
    /// they may refer to each other. Besides all that the store has, `count` words at `cells` hold
    /// references.
    // SAFETY: `cells` has `count` cells.
    func collectExternals(cells: UnsafeMutablePointer<UInt64>?, count: Int) {
        let heap = self.heap
        heap?.beginCollection()
        forEachRoot { word in
            externals.mark(word)
            heap?.mark(word)
        }
        if let cells = unsafe cells {
            for index in 0..<count {
                externals.mark(unsafe cells[index])
                heap?.mark(unsafe cells[index])
            }
        }
        heap?.trace { externals.mark($0) }
        heap?.endCollection()
        if heap != nil { statistics.collections += 1 }
        let released = externals.sweep()
        setAttention(apus_attention_collect, false)
        // Here, with the table in order again, their deinitialisers may do what they want.
        _ = consume released
    }

    /// Calls `visit` with every word that may be a reference: of tables, globals and segments, of
    /// the host, and of the stack.
    private func forEachRoot(_ visit: (UInt64) -> Void) {
        for table in tables where table.type.element.isTraced {
            for index in 0..<table.count { visit(table.get(index) ?? 0) }
        }
        for global in globals where global.type.value.isTraced { visit(global.bits) }
        for instance in segmentHolders { instance.forEachSegmentWord(visit) }
        for word in pinned { visit(word) }
        roots.forEach(visit)
        if unsafe outermostStackAddress != 0 { visitStack(visit) }
    }

    /// Every word between here and the outermost entry may be a reference of a suspended frame.
    // SAFETY: the stack is read from here up to where wasm was first entered, all of which is in
    // use by this thread.
    @inline(never)
    private func visitStack(_ visit: (UInt64) -> Void) {
        var address = apus_stack_address() & ~7
        while unsafe address < outermostStackAddress {
            guard let word = unsafe UnsafePointer<UInt64>(bitPattern: address) else { return }
            visit(unsafe word.pointee)
            address &+= 8
        }
    }

    /// Bytes of memory that the heap has.
    public var heapBytes: UInt64 { heap?.byteCount ?? 0 }
}

extension ValueType {
    /// Whether a collection follows values of this type, which names engine's types.
    var isTraced: Bool { ObjectLayout.isTraced(self, in: TypeNumbers()) }
}
