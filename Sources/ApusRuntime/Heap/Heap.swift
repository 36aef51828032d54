internal import ApusABI
internal import ApusCollections
internal import CApusHost

/// The objects of a store: its structures and arrays.
///
/// Objects do not move. They lie in blocks, between others that a collection has found to be in
/// use: new ones go where there is nothing any more, from one such hole to the next. Compiled code
/// makes them there itself, as long as there is room; `takeRoom` finds it the next hole. What is in
/// holes is found out block by block, when one is needed. Objects larger than half a block have
/// blocks for themselves.
///
/// A collection marks what can be reached and leaves the rest where it is; `Heap+Marking.swift`.
@safe
final class Heap {
    // SAFETY: `context` is that of the store that has this heap, which outlives it, and `types` the
    // records of its engine. Objects are what compiled code or `makeObject` have given a header,
    // and a mark after that; the room for new ones has no marks.
    private let context: UnsafeMutablePointer<apus_store_context>
    let types: UnsafePointer<apus_type>
    var memory: HeapMemory
    /// What the last collection has put on the objects that it found.
    var color = HeapMark.second
    /// Objects that have been found but not looked through.
    var waiting = Arena<UInt>(capacity: 256)
    /// How many may wait.
    var waitingLimit = HeapGeometry.waitingLimit
    /// There were more.
    var hasMoreWaiting = false
    /// Bytes of the objects that the last collection has found.
    var liveBytes = 0
    /// Bytes of the places outside that it was told to look at.
    var rootBytes = 0
    /// Bytes that have been given out since.
    private(set) var allocatedBytes = 0
    /// What collections for want of room have cost, less what has been given out.
    private var debt = 0
    /// Whether that is more than there is room: then there would be hardly anything but
    /// collections, since nearly all lives or holes are too small for what is made.
    private(set) var isFull = false
    /// How many collections there were.
    private(set) var collectionCount = 0
    /// For tests: each object is made by a collection, and what is free holds no zeros.
    let isZealous: Bool

    /// Holes are looked for from this granule on, in the block that it is in; and then in blocks
    /// from the next one on.
    private var cursor = 0
    private var cursorEnd = 0
    private var nextBlock = 0
    /// Blocks below have something in them.
    private var lowestFree = 0
    /// Room that was left for smaller objects, all zeros.
    private var spare: (next: UInt, limit: UInt) = (0, 0)

    /// A heap of at most `limit` bytes, with nothing in it.
    init(
        _ context: UnsafeMutablePointer<apus_store_context>, limit: UInt64, isZealous: Bool = false
    ) throws(ResourceError) {
        // SAFETY: the store makes its heap, and its context is complete by then.
        unsafe self.context = context
        unsafe types = context.pointee.types
        memory = try HeapMemory(limit: limit)
        self.isZealous = isZealous
        let marks = unsafe UInt(bitPattern: memory.marks)
        unsafe context.pointee.heap_marks = marks &- memory.base >> UInt(ObjectLayout.granuleShift)
    }

    /// Bytes of memory that it has.
    var byteCount: UInt64 { UInt64(memory.byteCount) }
    /// Bytes that it may have at most.
    var byteLimit: UInt64 { UInt64(memory.blockLimit) << UInt64(HeapGeometry.blockShift) }

    /// Whether so much has been made since the last collection that another one pays.
    var needsCollection: Bool {
        isZealous || allocatedBytes >= max(HeapGeometry.leastAllocation, liveBytes + rootBytes)
    }

    /// There is about to be a collection because there is no room, where it does not pay yet: it
    /// costs as much as giving out a 32nd of the heap brings.
    func noteWant() { debt += memory.byteCount / 32 }

    // MARK: Room for objects

    /// Makes room for an object of `bytes` bytes at least, of which the context says where it is.
    /// Returns false if there is none without growth.
    func takeRoom(_ bytes: Int) -> Bool {
        precondition(bytes <= HeapGeometry.largeBytes)
        if spare.limit - spare.next >= UInt(bytes) {
            let room = spare
            spare = (0, 0)
            setRoom(room.next, room.limit)
            return true
        }
        if bytes > HeapGeometry.mediumBytes, let block = takeFreeBlock() {
            keepRoom()
            give(block, bytes)
            return true
        }
        repeat {
            while let hole = nextHole() {
                if hole.count << ObjectLayout.granuleShift < bytes { continue }
                giveHole(hole, bytes)
                return true
            }
        } while beginUnsweptBlock()
        guard let block = takeFreeBlock() else { return false }
        give(block, bytes)
        return true
    }

    /// Keeps what is left of the room for smaller objects.
    private func keepRoom() {
        // SAFETY: the context outlives the heap; compiled code, which takes of the room, does not
        // run.
        let next = unsafe context.pointee.heap_next
        let limit = unsafe context.pointee.heap_limit
        if limit &- next >= UInt(HeapGeometry.mediumBytes) { spare = (next, limit) }
    }

    private func give(_ block: Int, _ bytes: Int) {
        // SAFETY: the block is one that nobody uses, below `blockCount`.
        let address = memory.address(ofBlock: block)
        let isZeroed = unsafe memory.blocks[block].isZeroed
        unsafe memory.blocks[block].use = .objects
        unsafe memory.blocks[block].isZeroed = false
        if !isZeroed { memory.clear(address, bytes: HeapGeometry.blockBytes) }
        allocatedBytes += HeapGeometry.blockBytes
        setRoom(address, address + UInt(isZealous ? bytes : HeapGeometry.blockBytes))
    }

    private func giveHole(_ hole: Range<Int>, _ bytes: Int) {
        let address = memory.address(ofGranule: hole.lowerBound)
        let size = hole.count << ObjectLayout.granuleShift
        memory.clear(address, bytes: size)
        allocatedBytes += size
        setRoom(address, address + UInt(isZealous ? bytes : size))
    }

    private func setRoom(_ next: UInt, _ limit: UInt) {
        // SAFETY: from `next` to `limit` there are no objects, and zeros; or both are 0.
        unsafe context.pointee.heap_next = next
        unsafe context.pointee.heap_limit = limit
    }

    /// Ends the use of all room there is.
    func dropRoom() {
        setRoom(0, 0)
        spare = (0, 0)
    }

    /// The next run of granules without objects in the block at hand; nil at its end. It has no
    /// marks any more.
    private func nextHole() -> Range<Int>? {
        // SAFETY: the cursor is in a block below `blockCount`, each granule of which has a mark. An
        // object that begins in it ends in it, so its last mark comes before the block's end.
        let marks = unsafe memory.marks
        let color = color
        var granule = cursor
        let end = cursorEnd
        while granule < end {
            guard unsafe marks[granule] & color != 0 else { break }
            while unsafe marks[granule] & HeapMark.end == 0 { granule &+= 1 }
            granule &+= 1
        }
        let start = granule
        while granule < end, unsafe marks[granule] & color == 0 {
            unsafe marks[granule] = 0
            granule &+= 1
        }
        cursor = granule
        return start < granule ? start..<granule : nil
    }

    /// Goes to the next block that has not been swept.
    private func beginUnsweptBlock() -> Bool {
        // SAFETY: there is a record for each block below `blockCount`.
        while nextBlock < memory.blockCount {
            let block = nextBlock
            nextBlock += 1
            guard unsafe memory.blocks[block].use == .unswept else { continue }
            unsafe memory.blocks[block].use = .objects
            cursor = block * HeapGeometry.granulesPerBlock
            cursorEnd = cursor + HeapGeometry.granulesPerBlock
            return true
        }
        return false
    }

    /// Takes off the marks of all that the last collection has not found.
    func finishSweeping() {
        repeat {
            while nextHole() != nil {}
        } while beginUnsweptBlock()
    }

    private func takeFreeBlock() -> Int? {
        // SAFETY: there is a record for each block below `blockCount`.
        while lowestFree < memory.blockCount {
            let block = lowestFree
            lowestFree += 1
            if unsafe memory.blocks[block].use == .none { return block }
        }
        return nil
    }

    // MARK: Large objects

    /// Blocks for an object of `bytes` bytes, all zeros; nil if there are none without growth.
    func takeRun(_ bytes: Int) -> UInt? {
        let count = (bytes + HeapGeometry.blockBytes - 1) >> HeapGeometry.blockShift
        // SAFETY: all blocks of the run are below `blockCount`, and nobody uses them.
        guard let run = freeRun(of: count) else { return nil }
        clear(run)
        for block in run {
            unsafe memory.blocks[block].use = .largeRest
            unsafe memory.blocks[block].isZeroed = false
        }
        unsafe memory.blocks[run.lowerBound].use = .largeStart
        unsafe memory.blocks[run.lowerBound].runLength = UInt32(count)
        allocatedBytes += count * HeapGeometry.blockBytes
        return memory.address(ofBlock: run.lowerBound)
    }

    /// Makes all bytes of a run zeros. Of a long one the system does it, page by page when they are
    /// touched, so that it takes no time that somebody would have to be able to interrupt.
    private func clear(_ run: Range<Int>) {
        // SAFETY: there is a record for each block of the run.
        if run.count * HeapGeometry.blockBytes > Pieces.bytes, memory.discard(run) { return }
        for block in run where unsafe !memory.blocks[block].isZeroed {
            memory.clear(memory.address(ofBlock: block), bytes: HeapGeometry.blockBytes)
        }
    }

    private func freeRun(of count: Int) -> Range<Int>? {
        // SAFETY: there is a record for each block below `blockCount`.
        var length = 0
        for block in lowestFree..<max(lowestFree, memory.blockCount) {
            length = unsafe memory.blocks[block].use == .none ? length + 1 : 0
            if length == count { return block + 1 - count..<block + 1 }
        }
        return nil
    }

    // MARK: Growth

    /// How much it should grow for an object of `bytes` bytes: at best, and at least. Nil if it
    /// may not become so large.
    func growth(for bytes: Int) -> (wanted: UInt64, needed: UInt64)? {
        let room = byteLimit - byteCount
        let needed = UInt64(
            (bytes + HeapGeometry.blockBytes - 1) & ~(HeapGeometry.blockBytes - 1))
        guard needed <= room else { return nil }
        let step = UInt64(memory.byteCount / 4) & ~UInt64(HeapGeometry.blockBytes - 1)
        return (min(room, max(needed, step, UInt64(HeapGeometry.leastGrowth))), needed)
    }

    /// Adds `bytes`, whole blocks.
    func grow(by bytes: UInt64) throws(ResourceError) {
        lowestFree = min(lowestFree, memory.blockCount)
        try memory.grow(by: Int(bytes >> UInt64(HeapGeometry.blockShift)))
    }

    // MARK: Objects

    /// Makes an object of zeros where there is room for it: at `heap_next`, or in a run.
    func makeObject(_ type: UInt32, length: UInt32, at address: UInt) {
        // SAFETY: at `address` there is room for the object, all zeros, which `take` has given out.
        let object = unsafe object(address)
        unsafe object.pointee = apus_object(type: type, length: length)
        unsafe memory.marks[memory.granule(at: address)] = HeapMark.start
    }

    /// Room for an object of `bytes` bytes, without growth.
    func take(_ bytes: Int) -> UInt? {
        if bytes > HeapGeometry.largeBytes { return takeRun(bytes) }
        return takeRoom(bytes) ? takeNext(bytes) : nil
    }

    /// Takes `bytes` of the room that `takeRoom` has made, or that there is; nil if it is less.
    func takeNext(_ bytes: Int) -> UInt? {
        // SAFETY: the context outlives the heap; compiled code, which takes of the room, does not
        // run.
        let next = unsafe context.pointee.heap_next
        guard unsafe context.pointee.heap_limit &- next >= UInt(bytes) else { return nil }
        unsafe context.pointee.heap_next = next + UInt(bytes)
        return next
    }

    // SAFETY: callers have the address of an object, or of room for one; none is at address 0.
    @inline(__always)
    func object(_ address: UInt) -> UnsafeMutablePointer<apus_object> {
        unsafe UnsafeMutablePointer<apus_object>(bitPattern: address).unsafelyUnwrapped
    }

    /// What is known of the type with this id.
    @inline(__always)
    func record(_ type: UInt32) -> UnsafePointer<apus_type> {
        // SAFETY: the engine's records stand for good, and each id that an object has is one of its
        // slots.
        unsafe types + Int(type & TypeField.slotMask)
    }

    /// Bytes of an object of that type and length.
    func objectBytes(_ type: UInt32, length: UInt32) -> UInt64 {
        // SAFETY: the record is there: see `record`.
        let record = unsafe record(type)
        let unit = unsafe UInt64(record.pointee.bytes)
        guard unsafe record.pointee.kind == Self.arrayKind else { return unit }
        return (UInt64(ObjectLayout.headerBytes) + unit * UInt64(length) + 15) & ~15
    }

    // MARK: After a collection

    /// Notes what marking has found: blocks in which there is nothing are free, others are to be
    /// swept.
    func endCollection() {
        // SAFETY: there is a record for each block below `blockCount`.
        for block in 0..<memory.blockCount {
            let isLive = unsafe memory.blocks[block].liveBytes > 0
            switch unsafe memory.blocks[block].use {
            case .objects, .unswept:
                unsafe memory.blocks[block].use = isLive ? .unswept : .none
                if !isLive { forget(block) }
            case .largeStart where !isLive: freeRun(from: block)
            case .largeStart, .largeRest, .none: break
            }
        }
        nextBlock = 0
        cursor = 0
        cursorEnd = 0
        lowestFree = 0
        settle()
        allocatedBytes = 0
        collectionCount += 1
        if isZealous { poisonHoles() }
        discardUnneeded()
    }

    /// Finds out what is owed, and whether that is too much. What is not paid then is forgiven: as
    /// soon as enough of what lives has gone, there is room.
    private func settle() {
        let room = memory.byteCount - liveBytes
        debt = max(0, debt - allocatedBytes)
        isFull = debt > room
        debt = min(debt, room)
    }

    /// Takes off the marks of a block in which nothing is in use.
    private func forget(_ block: Int) {
        // SAFETY: each granule of the block has a mark.
        let granules = HeapGeometry.granulesPerBlock
        unsafe (memory.marks + block * granules).update(repeating: 0, count: granules)
        if isZealous {
            memory.poison(memory.address(ofBlock: block), bytes: HeapGeometry.blockBytes)
        }
    }

    private func freeRun(from first: Int) {
        // SAFETY: a block that begins a run begins with an object, whose bytes are all in the run.
        let count = unsafe Int(memory.blocks[first].runLength)
        let granule = first * HeapGeometry.granulesPerBlock
        let head = unsafe object(memory.address(ofBlock: first)).pointee
        let bytes = objectBytes(head.type, length: head.length)
        let last = Int(bytes >> UInt64(ObjectLayout.granuleShift)) - 1
        unsafe memory.marks[granule] = 0
        unsafe memory.marks[granule + last] = 0
        for block in first..<first + count { unsafe memory.blocks[block].use = .none }
    }

    /// Sweeps all blocks now, so that nothing that is free looks like an object.
    private func poisonHoles() {
        // SAFETY: there is a record for each block below `blockCount`.
        repeat {
            while let hole = nextHole() {
                memory.poison(
                    memory.address(ofGranule: hole.lowerBound),
                    bytes: hole.count << ObjectLayout.granuleShift)
            }
        } while beginUnsweptBlock()
        for block in 0..<memory.blockCount where unsafe memory.blocks[block].use == .objects {
            unsafe memory.blocks[block].use = .unswept
        }
        nextBlock = 0
        cursor = 0
        cursorEnd = 0
    }

    /// Gives the system back free blocks beyond what will be used until the next collection.
    private func discardUnneeded() {
        // SAFETY: there is a record for each block below `blockCount`.
        var kept = 0
        let limit = max(HeapGeometry.leastAllocation, liveBytes)
        var run = 0..<0
        for block in 0..<memory.blockCount {
            let isDirty = unsafe memory.blocks[block].use == .none && !memory.blocks[block].isZeroed
            if isDirty, kept < limit {
                kept += HeapGeometry.blockBytes
                continue
            }
            if isDirty, run.upperBound == block {
                run = run.lowerBound..<block + 1
                continue
            }
            discard(run)
            run = isDirty ? block..<block + 1 : 0..<0
        }
        discard(run)
    }

    private func discard(_ run: Range<Int>) {
        // SAFETY: there is a record for each block of the run.
        guard !run.isEmpty, memory.discard(run) else { return }
        for block in run { unsafe memory.blocks[block].isZeroed = true }
    }
}
