internal import ApusABI
internal import ApusCollections
internal import ApusFormat
internal import CApusHost

/// Finding what is in use.
///
/// Whoever collects says where references may be, one word after the other: such a word is an
/// object if one begins at just that address. So the words of a stack may be given, whatever they
/// are. The references in objects are found by their types.
extension Heap {
    static var arrayKind: UInt8 { CompositeKind.array.rawValue }

    /// Begins a collection: nothing has been found.
    func beginCollection() {
        finishSweeping()
        dropRoom()
        color = color == HeapMark.first ? HeapMark.second : HeapMark.first
        liveBytes = 0
        rootBytes = 0
        // SAFETY: there is a record for each block below `blockCount`.
        for block in 0..<memory.blockCount { unsafe memory.blocks[block].liveBytes = 0 }
        waiting.removeAll()
        hasMoreWaiting = false
    }

    /// Whether an object begins at the address `word`.
    func isObject(_ word: UInt64) -> Bool {
        let offset = UInt(truncatingIfNeeded: word) &- memory.base
        guard offset < UInt(memory.byteCount), word & 15 == 0 else { return false }
        let granule = Int(offset >> UInt(ObjectLayout.granuleShift))
        // SAFETY: the granule is one of the blocks', as was compared, each of which has a mark.
        return unsafe memory.marks[granule] & HeapMark.start != 0
    }

    /// Notes that `word` is held: if it is an object, that one is in use.
    @inline(__always)
    func mark(_ word: UInt64) {
        let offset = UInt(truncatingIfNeeded: word) &- memory.base
        guard offset < UInt(memory.byteCount), word & 15 == 0 else { return }
        let granule = Int(offset >> UInt(ObjectLayout.granuleShift))
        // SAFETY: the granule is one of the blocks', as was compared, each of which has a mark.
        let mark = unsafe memory.marks[granule]
        guard mark & HeapMark.start != 0, mark & color == 0 else { return }
        found(UInt(truncatingIfNeeded: word), granule)
    }

    private func found(_ address: UInt, _ granule: Int) {
        // SAFETY: `mark` has seen that an object begins here; all that its header says of it lies
        // in its run of blocks.
        let head = unsafe object(address).pointee
        let bytes = Int(objectBytes(head.type, length: head.length))
        // Changed through a pointer of their own: with the thread sanitizer the compiler does not
        // get through it otherwise.
        let marks = unsafe memory.marks
        unsafe marks[granule] = HeapMark.start | color
        let last = granule &+ bytes &>> ObjectLayout.granuleShift &- 1
        unsafe marks[last] |= HeapMark.end
        let block = granule / HeapGeometry.granulesPerBlock
        let live = unsafe UInt64(memory.blocks[block].liveBytes) &+ UInt64(bytes)
        unsafe memory.blocks[block].liveBytes = UInt32(clamping: live)
        liveBytes &+= bytes
        guard unsafe record(head.type).pointee.tracing != 0 else { return }
        if waiting.count < waitingLimit {
            waiting.append(address)
        } else {
            unsafe marks[granule] |= HeapMark.unread
            unsafe memory.blocks[block].hasUnread = true
            hasMoreWaiting = true
        }
    }

    /// Whether something has been found and not looked through.
    var hasWaiting: Bool { !waiting.isEmpty || hasMoreWaiting }

    /// Finds all that can be reached from what has been found, and calls `other` with each
    /// reference in it to something else.
    func trace(_ other: (UInt64) -> Void) {
        while true {
            while !waiting.isEmpty { trace(waiting.removeLast(), other) }
            if !hasMoreWaiting { return }
            hasMoreWaiting = false
            traceUnread(other)
        }
    }

    /// Looks through what has been found and could not wait: each such object once, and only where
    /// there are some, so that a collection takes no longer than there are objects.
    private func traceUnread(_ other: (UInt64) -> Void) {
        for block in 0..<memory.blockCount {
            // SAFETY: there is a record for each block below `blockCount`, and a mark for each of
            // their granules.
            guard unsafe memory.blocks[block].hasUnread else { continue }
            unsafe memory.blocks[block].hasUnread = false
            let first = block * HeapGeometry.granulesPerBlock
            let marks = unsafe memory.marks
            for granule in first..<first + HeapGeometry.granulesPerBlock {
                guard unsafe marks[granule] & HeapMark.unread != 0 else { continue }
                unsafe marks[granule] &= ~HeapMark.unread
                trace(memory.address(ofGranule: granule), other)
                while !waiting.isEmpty { trace(waiting.removeLast(), other) }
            }
        }
    }

    private func trace(_ address: UInt, _ other: (UInt64) -> Void) {
        // SAFETY: callers have seen that an object begins here; its type says how many words it
        // has, and which of them are references.
        let object = unsafe object(address)
        let record = unsafe record(object.pointee.type)
        let words = unsafe UnsafeRawPointer(object).assumingMemoryBound(to: UInt64.self)
        switch unsafe UInt32(record.pointee.tracing) {
        case apus_tracing_near.rawValue:
            unsafe traceBits(record.pointee.references, words, other)
        case apus_tracing_far.rawValue:
            let count = unsafe (Int(record.pointee.bytes) / 8 + 63) / 64
            guard
                let bits = unsafe UnsafePointer<UInt64>(
                    bitPattern: UInt(record.pointee.references))
            else { return }
            for place in 0..<count { unsafe traceBits(bits[place], words + 64 * place, other) }
        case apus_tracing_elements.rawValue:
            let count = unsafe Int(object.pointee.length)
            for place in 0..<count { unsafe follow(words[1 &+ place], other) }
        default: break
        }
    }

    @inline(__always)
    private func traceBits(
        _ bits: UInt64, _ words: UnsafePointer<UInt64>, _ other: (UInt64) -> Void
    ) {
        var rest = bits
        while rest != 0 {
            // SAFETY: callers have words for all bits that the type's record has set.
            unsafe follow(words[rest.trailingZeroBitCount], other)
            rest &= rest &- 1
        }
    }

    @inline(__always)
    private func follow(_ word: UInt64, _ other: (UInt64) -> Void) {
        if UInt(truncatingIfNeeded: word) &- memory.base < UInt(memory.byteCount) {
            mark(word)
        } else if word != 0 {
            other(word)
        }
    }
}
