/// Immutable bytes at a fixed address, followed by zero padding.
///
/// The padding lets readers fetch a whole word at any valid offset without a second check.
@safe
public final class ByteStorage: @unchecked Sendable {
    // SAFETY: allocated in init, never written or moved afterwards, freed in deinit; readers keep
    // this object alive for as long as they use its address.
    @usableFromInline let base: UnsafeMutablePointer<UInt8>
    public let count: Int

    /// How many zero bytes follow the last byte.
    @inlinable
    public static var padding: Int { 16 }

    public init(_ bytes: Span<UInt8>) {
        count = bytes.count
        unsafe base = .allocate(capacity: count + Self.padding)
        unsafe bytes.withUnsafeBufferPointer { source in
            if let start = source.baseAddress {
                unsafe base.update(from: start, count: source.count)
            }
        }
        unsafe (base + count).update(repeating: 0, count: Self.padding)
    }

    public convenience init(_ bytes: [UInt8]) { self.init(bytes.span) }

    /// Storage of `count` bytes that `fill` writes before anyone reads them.
    public init(count: Int, fill: (inout MutableSpan<UInt8>) throws -> Void) rethrows {
        self.count = count
        unsafe base = .allocate(capacity: count + Self.padding)
        unsafe base.update(repeating: 0, count: count + Self.padding)
        var bytes = unsafe MutableSpan(_unsafeStart: base, count: count)
        try fill(&bytes)
    }

    deinit { unsafe base.deallocate() }

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
            unsafe _overrideLifetime(Span(_unsafeStart: base, count: count), borrowing: self)
        }
    }
}
