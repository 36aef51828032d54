internal import ApusABI
internal import ApusCollections
internal import CApusHost

/// A part of a heap that is used, or not, as one.
struct HeapBlock: BitwiseCopyable {
    enum Use: UInt8, BitwiseCopyable {
        /// Not accessible yet, or nothing is in it.
        case none
        /// Objects lie in it as they were made, after the last collection or since it was swept.
        case objects
        /// What the last collection has not found is still in it.
        case unswept
        /// An object that is larger than a block may hold begins with it, or goes on in it.
        case largeStart, largeRest
    }

    /// Bytes of the objects in it that the last collection has found.
    var liveBytes: UInt32 = 0
    /// Of the blocks from the start of a large object on, how many it has.
    var runLength: UInt32 = 0
    var use = Use.none
    /// All its bytes are 0.
    var isZeroed = true
    /// Objects in it have been found, and wait to be looked through.
    var hasUnread = false
}

/// How a heap is divided: in blocks, and these in granules, where objects may begin.
enum HeapGeometry {
    static var blockShift: Int { 16 }
    static var blockBytes: Int { 1 << blockShift }
    static var granulesPerBlock: Int { blockBytes >> ObjectLayout.granuleShift }
    /// Larger objects have blocks for themselves.
    static var largeBytes: Int { blockBytes / 2 }
    /// Larger objects that do not fit where the next one goes leave that place to smaller ones.
    static var mediumBytes: Int { 512 }
    /// Heaps grow by this at least.
    static var leastGrowth: Int { 16 * blockBytes }
    /// No heap is larger.
    static var bytesLimit: UInt64 { 1 << 36 }
    /// How many objects may wait in line to be looked through; more are noted where they lie.
    static var waitingLimit: Int { 1 << 20 }

    /// What is left between two collections, at least.
    static var leastAllocation: Int { 8 << 20 }
    /// For so many bytes of live objects, and of tables and the like, one more host object or
    /// exception comes between two collections: they take about as long to look through as that
    /// takes to make.
    static var bytesPerHandle: Int { 1 << 10 }
}

/// What is known of a granule in which an object begins or ends.
enum HeapMark {
    /// An object begins here.
    static var start: UInt8 { ObjectLayout.newMark }
    /// A collection has found the object: those with odd and with even numbers take turns.
    static var first: UInt8 { 2 }
    static var second: UInt8 { 4 }
    /// An object that a collection has found ends here.
    static var end: UInt8 { 8 }
    /// A collection has found the object, and not looked through it, since too many others wait.
    static var unread: UInt8 { 16 }
}

/// The address space of a heap: its blocks, what is known of each of them, and a byte for each
/// granule.
@safe
struct HeapMemory: ~Copyable {
    // SAFETY: a reservation that this value owns. From its start on lie the records of all blocks,
    // then a mark for each granule, then the blocks, with room before and behind them that is never
    // accessible. The records are accessible, and the first `blockCount` blocks with their marks.
    private let start: UInt
    private let reservedBytes: UInt64
    /// Address of the first block.
    let base: UInt
    /// The mark of the first granule.
    let marks: UnsafeMutablePointer<UInt8>
    let blocks: UnsafeMutablePointer<HeapBlock>
    /// Blocks that are accessible, and that may become so.
    private(set) var blockCount = 0
    let blockLimit: Int

    private static var guardBytes: UInt64 { 64 << 10 }

    /// Room for a heap of at most `limit` bytes, none of which is accessible.
    init(limit: UInt64) throws(ResourceError) {
        let blockBytes = UInt64(HeapGeometry.blockBytes)
        let limit = min(limit, HeapGeometry.bytesLimit)
        let count = max(1, limit / blockBytes)
        func pages(_ bytes: UInt64) -> UInt64 { (bytes + blockBytes - 1) & ~(blockBytes - 1) }
        let records = pages(count * UInt64(MemoryLayout<HeapBlock>.stride))
        let markBytes = pages(count * UInt64(HeapGeometry.granulesPerBlock))
        let total =
            records + markBytes + count * blockBytes + 2 * Self.guardBytes + blockBytes
        // SAFETY: the reservation has `total` bytes, of which all parts that are computed from it
        // are parts; it becomes this value's, or is given back where this fails.
        guard let reservation = unsafe apus_reserve(total) else {
            throw ResourceError(.heap, requested: total)
        }
        let error = unsafe apus_protect(reservation, records, apus_access_write)
        guard error == 0 else {
            unsafe apus_unmap(reservation, total)
            throw ResourceError(.heap, requested: records, errorNumber: error)
        }
        start = UInt(bitPattern: reservation)
        reservedBytes = total
        blockLimit = Int(count)
        unsafe blocks = reservation.assumingMemoryBound(to: HeapBlock.self)
        unsafe marks = (reservation + Int(records)).assumingMemoryBound(to: UInt8.self)
        let first = UInt64(start) + records + markBytes + Self.guardBytes
        base = UInt(pages(first))
    }

    deinit {
        // SAFETY: the reservation is this value's alone; the heap has gone.
        if let reservation = unsafe UnsafeMutableRawPointer(bitPattern: start) {
            unsafe apus_unmap(reservation, reservedBytes)
        }
    }

    /// Bytes of the blocks that are accessible.
    var byteCount: Int { blockCount &* HeapGeometry.blockBytes }

    /// Address of block `number`.
    @inline(__always)
    func address(ofBlock number: Int) -> UInt {
        base &+ UInt(number) &<< UInt(HeapGeometry.blockShift)
    }

    /// Address of granule `number`.
    @inline(__always)
    func address(ofGranule number: Int) -> UInt {
        base &+ UInt(number) &<< UInt(ObjectLayout.granuleShift)
    }

    /// The number of the granule at `address`, which lies in a block.
    @inline(__always)
    func granule(at address: UInt) -> Int {
        Int(truncatingIfNeeded: (address &- base) &>> UInt(ObjectLayout.granuleShift))
    }

    func pointer(_ address: UInt) -> UnsafeMutableRawPointer {
        // SAFETY: callers have an address in the reservation, which is not at 0.
        unsafe UnsafeMutableRawPointer(bitPattern: address).unsafelyUnwrapped
    }

    /// Makes `count` more blocks accessible, all zeros.
    mutating func grow(by count: Int) throws(ResourceError) {
        precondition(count > 0 && count <= blockLimit - blockCount)
        let bytes = UInt64(count) * UInt64(HeapGeometry.blockBytes)
        let requested = UInt64(byteCount) + bytes
        let granules = HeapGeometry.granulesPerBlock
        // SAFETY: so many blocks are left, as the precondition says; they and their marks are in
        // the reservation, and the records are accessible already.
        let pieces: [(UnsafeMutableRawPointer, UInt64)] = unsafe [
            (UnsafeMutableRawPointer(marks + blockCount * granules), UInt64(count * granules)),
            (pointer(address(ofBlock: blockCount)), bytes),
        ]
        for unsafe(start, bytes) in unsafe pieces {
            let error = unsafe apus_protect(start, bytes, apus_access_write)
            guard error == 0 else {
                throw ResourceError(.heap, requested: requested, errorNumber: error)
            }
        }
        for number in blockCount..<blockCount + count { unsafe blocks[number] = HeapBlock() }
        blockCount += count
    }

    /// Gives the system back what backs a run of blocks, which are zeros then. Returns false if it
    /// does not take it.
    func discard(_ run: Range<Int>) -> Bool {
        let bytes = UInt64(run.count) * UInt64(HeapGeometry.blockBytes)
        // SAFETY: the run is of blocks below `blockCount`, which the caller has found to be in
        // nobody's use.
        return unsafe apus_discard(pointer(address(ofBlock: run.lowerBound)), bytes) == 0
    }

    /// Writes zeros.
    func clear(_ address: UInt, bytes: Int) {
        fill(address, bytes, with: 0)
    }

    /// Writes what nobody takes for a reference or a small number.
    func poison(_ address: UInt, bytes: Int) {
        fill(address, bytes, with: 0xD6D6_D6D6_D6D6_D6D6)
    }

    /// Not by bytes: builds for debugging make a call for each element.
    private func fill(_ address: UInt, _ bytes: Int, with value: UInt64) {
        // SAFETY: the caller has found the bytes to lie in blocks, in nobody's use; they are whole
        // granules.
        unsafe pointer(address).initializeMemory(
            as: UInt64.self, repeating: value, count: bytes >> 3)
    }
}
