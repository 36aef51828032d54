internal import ApusCollections

/// Growing machine code with one owner, its labels and its constants.
///
/// This file knows bytes only; the instructions of an architecture are extensions in the folder
/// that bears its name. Everything is meant to be kept from one function to the next: emptying it
/// keeps the memory.
@safe
public struct CodeBuffer: ~Copyable {
    // SAFETY: `base` up to `limit` is one allocation that this value alone owns. `cursor` lies
    // within it, and all bytes before it are initialised. Whoever stores calls `reserve` before,
    // in the same function, for at least as many bytes as it then touches.
    private var base: UnsafeMutablePointer<UInt8>
    private var cursor: UnsafeMutablePointer<UInt8>
    private var limit: UnsafeMutablePointer<UInt8>

    /// Whether floats and vectors are encoded with VEX prefixes. Set by who knows the processor.
    public var useAVX = true
    /// Whether there may be instructions that only AVX-512 has. Set likewise.
    public var useAVX512 = false

    /// Whether something could not be encoded since the last `removeAll`: a displacement that does
    /// not fit, or code of more bytes than allowed. The bytes are then of no use.
    public internal(set) var hasFailed = false

    var labels = LabelTable()
    var constants = ConstantPool()

    /// The most bytes the buffer holds.
    private let countLimit: Int

    /// What any buffer may be limited to: every distance within it fits 32 bits.
    public static var countLimits: ClosedRange<Int> { 4096...1 << 30 }

    /// What every instruction may take for granted once it has called `reserve`: three words.
    private static var instructionRoom: Int { 32 }

    /// An empty buffer, for at most `countLimit` bytes (as near as `countLimits` allows).
    public init(countLimit: Int = Self.countLimits.upperBound) {
        let limits = Self.countLimits
        self.countLimit = Swift.min(Swift.max(countLimit, limits.lowerBound), limits.upperBound)
        let capacity = limits.lowerBound
        // SAFETY: the allocation has `capacity` bytes, of which none is initialised yet, and
        // becomes this value's alone.
        unsafe base = .allocate(capacity: capacity)
        unsafe cursor = base
        unsafe limit = base + capacity
    }

    // SAFETY: the allocation is this value's alone, which ends here.
    deinit { unsafe base.deallocate() }

    /// How many bytes there are: the offset of what is appended next.
    public var count: Int {
        // SAFETY: both lie in the same allocation.
        @inline(__always) get { unsafe cursor - base }
    }

    /// The bytes, for as long as the buffer is not changed.
    public var span: Span<UInt8> {
        @_lifetime(borrow self)
        borrowing get {
            // SAFETY: the bytes before `cursor` are initialised, and the span borrows this value,
            // so that nothing is appended meanwhile.
            unsafe _overrideLifetime(Span(_unsafeStart: base, count: count), borrowing: self)
        }
    }

    /// Empties the buffer, its labels and constants, and forgets failures; keeps the memory.
    public mutating func removeAll() {
        // SAFETY: the start of the allocation, where there is always a place.
        unsafe cursor = base
        hasFailed = false
        labels.removeAll()
        constants.removeAll()
    }

    /// Forgets all bytes from `offset` on; labels and constants are for `resetLabels` to forget.
    public mutating func truncate(to offset: Int) {
        guard offset >= 0, offset <= count else { return hasFailed = true }
        // SAFETY: `offset` was compared with `count`: no later than `cursor` was.
        unsafe cursor = base + offset
    }

    // MARK: Instructions

    /// Appends the bytes of one instruction.
    @inline(__always)
    mutating func put(_ bytes: Bytes) {
        reserve(Self.instructionRoom)
        // SAFETY: `reserve` has made room for `instructionRoom` bytes: at least one word.
        unsafe store(bytes)
    }

    /// Appends the parts of one instruction.
    @inline(__always)
    mutating func put(_ head: Bytes, _ tail: Bytes) {
        // SAFETY: `reserve` has made room for `instructionRoom` bytes: at least two words.
        reserve(Self.instructionRoom)
        unsafe store(head)
        unsafe store(tail)
    }

    /// Appends the parts of one instruction.
    @inline(__always)
    mutating func put(_ head: Bytes, _ tail: Bytes, _ immediate: Bytes) {
        reserve(Self.instructionRoom)
        // SAFETY: `reserve` has made room for `instructionRoom` bytes: at least three words.
        unsafe store(head)
        unsafe store(tail)
        unsafe store(immediate)
    }

    // SAFETY: a whole word is written, of which at most 8 bytes count; callers have reserved room
    // for as many words as they store.
    @unsafe @inline(__always)
    private mutating func store(_ bytes: Bytes) {
        unsafe UnsafeMutableRawPointer(cursor)
            .storeBytes(of: bytes.word.littleEndian, as: UInt64.self)
        unsafe cursor += bytes.length
    }

    // MARK: Data

    /// Appends one byte.
    public mutating func append(_ byte: UInt8) {
        put(Bytes(UInt64(byte), count: 1))
    }

    /// Appends bytes in order.
    public mutating func append(_ bytes: UInt8...) {
        append(contentsOf: bytes.span)
    }

    /// Appends bytes in order.
    public mutating func append(contentsOf bytes: Span<UInt8>) {
        for index in bytes.indices { append(bytes[index]) }
    }

    /// Appends a little-endian word.
    public mutating func append32(_ value: UInt32) {
        put(Bytes(UInt64(value), count: 4))
    }

    /// Appends a little-endian double word.
    public mutating func append64(_ value: UInt64) {
        put(Bytes(value, count: 8))
    }

    /// Appends `byte` until `count` is a multiple of `alignment`, a power of two.
    mutating func pad(to alignment: Int, with byte: UInt8) {
        while count & (alignment &- 1) != 0 { append(byte) }
    }

    /// Overwrites the four bytes at `offset`, which must have been appended before.
    public mutating func patch32(at offset: Int, _ value: UInt32) {
        guard offset >= 0, offset <= count &- 4 else { return hasFailed = true }
        // SAFETY: the four bytes end at or before `count`, as was compared.
        unsafe UnsafeMutableRawPointer(base + offset)
            .storeBytes(of: value.littleEndian, as: UInt32.self)
    }

    /// Overwrites the byte at `offset`, which must have been appended before.
    mutating func patch8(at offset: Int, _ value: UInt8) {
        guard offset >= 0, offset < count else { return hasFailed = true }
        // SAFETY: `offset` is below `count`, as was compared.
        unsafe base[offset] = value
    }

    /// The four bytes at `offset`, which must have been appended before.
    func word32(at offset: Int) -> UInt32 {
        guard offset >= 0, offset <= count &- 4 else { return 0 }
        // SAFETY: the four bytes end at or before `count`, as was compared.
        return unsafe UInt32(
            littleEndian: UnsafeRawPointer(base + offset).loadUnaligned(as: UInt32.self))
    }

    // MARK: Room

    @inline(__always)
    private mutating func reserve(_ bytes: Int) {
        // SAFETY: both lie in the same allocation, or at its end.
        if unsafe limit - cursor < bytes { grow(by: bytes) }
    }

    /// Makes room for `bytes` more. At the limit the last bytes are given up instead: the code is
    /// lost, but whatever else is still emitted finds room.
    @inline(never)
    private mutating func grow(by bytes: Int) {
        let count = self.count
        guard count &+ bytes <= countLimit else {
            hasFailed = true
            // SAFETY: the buffer is full but for less than `bytes`, and `countLimits` has room for
            // more than that, so `cursor` stays in it; what is overwritten is of no use any more.
            unsafe cursor -= bytes
            return
        }
        // SAFETY: both lie in the same allocation, or at its end.
        let doubled = 2 &* (unsafe limit - base)
        let capacity = Swift.min(Swift.max(doubled, count &+ bytes), countLimit)
        let storage = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity)
        // SAFETY: the new allocation is larger than `count`, the number of bytes that are
        // initialised; the old one was this value's alone and nobody has its address any more.
        unsafe storage.update(from: base, count: count)
        unsafe base.deallocate()
        unsafe base = storage
        unsafe cursor = storage + count
        unsafe limit = storage + capacity
    }
}

/// Up to eight bytes being put together, first byte lowest.
struct Bytes: BitwiseCopyable {
    private(set) var word: UInt64
    private var bits: UInt64

    @inline(__always) init() {
        word = 0
        bits = 0
    }

    @inline(__always) init(_ word: UInt64, count: UInt64) {
        self.word = word
        bits = count &<< 3
    }

    /// How many bytes count; those above are arbitrary.
    @inline(__always) var length: Int { Int(truncatingIfNeeded: bits &>> 3) }

    /// Adds the `count` low bytes of `value`. Higher ones must be zero unless nothing follows.
    @inline(__always) mutating func append(_ value: UInt64, count: UInt64) {
        word |= value &<< bits
        bits &+= count &<< 3
    }

    @inline(__always) mutating func append(_ other: Bytes) {
        word |= other.word &<< bits
        bits &+= other.bits
    }

    @inline(__always) mutating func append(_ byte: UInt64, if condition: Bool) {
        append(condition ? byte : 0, count: condition ? 1 : 0)
    }
}
