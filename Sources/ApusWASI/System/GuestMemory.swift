#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// The calling guest's memory during one call. Addresses and sizes come from the guest; whatever
/// does not lie within the memory is `Errno.fault`.
@safe
struct GuestMemory {
    // SAFETY: `base` has `count` readable and writable bytes for as long as the host function
    // runs that this was made for: a memory never moves or shrinks. Every access checks its range
    // against `count` first.
    private let base: UnsafeMutableRawPointer
    let count: Int

    /// Unsafe: the bytes must stay valid while the value is used.
    @unsafe
    init(_ base: UnsafeMutableRawPointer, count: Int) {
        // SAFETY: who calls this says that the bytes are there until the host function returns.
        unsafe self.base = base
        self.count = count
    }

    /// A memory without bytes.
    static var empty: GuestMemory {
        // SAFETY: with a count of 0 the address is never used; it only must not be null.
        unsafe GuestMemory(UnsafeMutableRawPointer(bitPattern: 8).unsafelyUnwrapped, count: 0)
    }

    /// Checks that `size` bytes from `address` on are there.
    @inline(__always)
    func check(_ address: UInt32, _ size: Int) throws(Errno) {
        guard size >= 0, size <= count, Int(address) <= count &- size else { throw .fault }
    }

    /// The little-endian number at `address`.
    @inline(__always)
    func load<Number: FixedWidthInteger & BitwiseCopyable>(
        _: Number.Type, at address: UInt32
    ) throws(Errno) -> Number {
        try check(address, MemoryLayout<Number>.size)
        // SAFETY: `check` has found the number's bytes below `count`.
        return unsafe Number(
            littleEndian: base.loadUnaligned(fromByteOffset: Int(address), as: Number.self))
    }

    /// Writes a little-endian number.
    @inline(__always)
    func store(
        _ number: some FixedWidthInteger & BitwiseCopyable, at address: UInt32
    ) throws(Errno) {
        try check(address, MemoryLayout.size(ofValue: number))
        // SAFETY: `check` has found the number's bytes below `count`.
        unsafe base.storeBytes(
            of: number.littleEndian, toByteOffset: Int(address), as: type(of: number))
    }

    /// Copies `bytes` to `address`.
    func store(bytes: Span<UInt8>, at address: UInt32) throws(Errno) {
        try check(address, bytes.count)
        // SAFETY: `check` has found all bytes of `source` to lie below `count`; it is lent for the
        // copy.
        unsafe bytes.withUnsafeBytes { source in
            guard let start = source.baseAddress else { return }
            unsafe (base + Int(address)).copyMemory(from: start, byteCount: source.count)
        }
    }

    /// A copy of `size` bytes. The caller bounds `size`.
    func bytes(at address: UInt32, _ size: Int) throws(Errno) -> [UInt8] {
        try check(address, size)
        // SAFETY: `check` has found `size` bytes below `count`; they are copied.
        return unsafe [UInt8](UnsafeRawBufferPointer(start: base + Int(address), count: size))
    }

    /// The bytes themselves, for a call of the operating system to read or fill.
    @unsafe
    func buffer(at address: UInt32, _ size: Int) throws(Errno) -> UnsafeMutableRawBufferPointer {
        try check(address, size)
        // SAFETY: `check` has found `size` bytes below `count`; who calls this uses them until the
        // host function returns.
        return unsafe UnsafeMutableRawBufferPointer(start: base + Int(address), count: size)
    }
}

/// Pieces of guest memory that a call reads into or writes from: `iovec_array` and
/// `ciovec_array`. There are at most `countLimit`, all of which are checked; the first `capacity`
/// that are not empty are kept, and of them `byteLimit` bytes, since a call may always do less than
/// it was asked to: then it does not take so long that a guest who is to stop goes on.
@safe
struct GuestVectors {
    // SAFETY: the first `count` entries lie within the memory they were made from.
    /// Pieces in one call at most, as Linux has it (IOV_MAX).
    static var countLimit: UInt32 { 1024 }
    static var capacity: Int { 64 }
    static var byteLimit: Int { 4 << 20 }
    private var entries: InlineArray<64, iovec>
    private(set) var count = 0
    /// Bytes of the kept pieces together.
    private(set) var byteCount = 0

    init(_ memory: GuestMemory, at address: UInt32, count: UInt32) throws(Errno) {
        // SAFETY: an entry without a piece is of no bytes; pieces are checked by `buffer`, and
        // `self.count` is below `capacity` where one is noted.
        unsafe entries = .init(repeating: iovec())
        guard count <= Self.countLimit else { throw .inval }
        try memory.check(address, Int(count) * 8)
        var entry = address
        for _ in 0..<count {
            let start = try memory.load(UInt32.self, at: entry)
            let length = Int(try memory.load(UInt32.self, at: entry &+ 4))
            let piece = try unsafe memory.buffer(at: start, length)
            entry &+= 8
            let kept = min(length, Self.byteLimit - byteCount)
            guard kept > 0, self.count < Self.capacity else { continue }
            unsafe entries[self.count] = iovec(iov_base: piece.baseAddress, iov_len: kept)
            self.count += 1
            byteCount += kept
        }
    }

    /// Calls `body` with the pieces as the operating system wants them.
    func withEntries<Result>(_ body: (UnsafePointer<iovec>, Int32) -> Result) -> Result {
        // SAFETY: the entries are lent for the call; `capacity` is not 0, so there is a first one.
        unsafe entries.span.withUnsafeBufferPointer { buffer in
            unsafe body(buffer.baseAddress.unsafelyUnwrapped, Int32(truncatingIfNeeded: count))
        }
    }

    // SAFETY: the first `count` entries were made of checked buffers; `body` may use one until it
    // returns.
    /// Calls `body` with each piece in turn until it answers false.
    func forEach(_ body: (UnsafeMutableRawBufferPointer) -> Bool) {
        for index in 0..<count {
            let entry = unsafe entries[index]
            let piece = unsafe UnsafeMutableRawBufferPointer(
                start: entry.iov_base, count: Int(entry.iov_len))
            guard unsafe body(piece) else { return }
        }
    }
}
