/// Immutable bytes at a fixed address, followed by zero padding.
///
/// The padding lets readers fetch a whole word at any valid offset without a second check.
@safe
public final class ByteStorage: @unchecked Sendable {
    // SAFETY: allocated in init, never written or moved afterwards, freed in deinit, unless it is
    // `owner`'s, which this object keeps; readers keep this object alive for as long as they use
    // its address.
    @usableFromInline let base: UnsafeMutablePointer<UInt8>
    public let count: Int
    private let owner: AnyObject?

    /// How many zero bytes follow the last byte.
    @inlinable
    public static var padding: Int { 16 }

    public init(_ bytes: Span<UInt8>) {
        count = bytes.count
        owner = nil
        // SAFETY: the allocation has `count + padding` bytes, which are written in full; `bytes` is
        // lent for the copy and has `count`.
        unsafe base = .allocate(capacity: count + Self.padding)
        unsafe bytes.withUnsafeBufferPointer { source in
            if let start = source.baseAddress {
                unsafe base.update(from: start, count: source.count)
            }
        }
        unsafe (base + count).update(repeating: 0, count: Self.padding)
    }

    public convenience init(_ bytes: [UInt8]) { self.init(bytes.span) }

    /// Storage of `count` bytes: those that `fill` appends, and zeros for the rest.
    public init(count: Int, fill: (inout OutputSpan<UInt8>) throws -> Void) rethrows {
        self.count = count
        owner = nil
        // SAFETY: the allocation has `count + padding` bytes. `fill` gets the first `count` of
        // them until it returns, and may only append; what it has not written is written then.
        unsafe base = .allocate(capacity: count + Self.padding)
        let buffer = unsafe UnsafeMutableBufferPointer(start: base, count: count)
        var filled = 0
        defer { unsafe (base + filled).update(repeating: 0, count: count + Self.padding - filled) }
        var bytes = unsafe OutputSpan(buffer: buffer, initializedCount: 0)
        try fill(&bytes)
        filled = unsafe bytes.finalize(for: buffer)
    }

    /// The `count` bytes at `start`, which nobody changes, followed by zeros as padding: `owner`
    /// has them.
    @unsafe
    public init(_ start: UnsafeMutablePointer<UInt8>, count: Int, of owner: AnyObject) {
        // SAFETY: who calls this says that the bytes and the padding are there for as long as
        // `owner` is kept.
        unsafe base = start
        self.count = count
        self.owner = owner
    }

    /// A part of `whole`, which stays where it is. Nil if that is not followed by zeros as padding.
    public convenience init?(_ range: Range<Int>, of whole: ByteStorage) {
        guard range.lowerBound >= 0, range.upperBound <= whole.count else { return nil }
        for place in range.upperBound..<range.upperBound + Self.padding where place < whole.count {
            guard whole.span[place] == 0 else { return nil }
        }
        // SAFETY: the range lies in `whole`, whose bytes and padding are there for as long as it is
        // kept; that zeros follow was looked at.
        let start = unsafe whole.base + range.lowerBound
        unsafe self.init(start, count: range.count, of: whole)
    }

    // SAFETY: what was allocated in `init` is this object's; nobody uses it longer than the object.
    deinit { if owner == nil { unsafe base.deallocate() } }

    // SAFETY: the range lies in the storage, as the precondition says; who asks keeps this object
    // meanwhile.
    /// Where the bytes at `range` are, for those who keep this object; they must not be written.
    public func address(at range: Range<Int>) -> UnsafeMutablePointer<UInt8> {
        precondition(range.lowerBound >= 0 && range.upperBound <= count)
        return unsafe base + range.lowerBound
    }

    /// The bytes, without the padding.
    @inlinable
    public var span: Span<UInt8> {
        @_lifetime(borrow self)
        borrowing get {
            // SAFETY: there are `count` bytes, which nobody writes, and the span borrows this
            // object.
            unsafe _overrideLifetime(Span(_unsafeStart: base, count: count), borrowing: self)
        }
    }
}
