extension Arena {
    /// The elements as they lie in memory, for those that have no bytes between their fields.
    public var bytes: Span<UInt8> {
        @_lifetime(borrow self)
        get {
            // SAFETY: the elements are initialised, trivial, and, as the documentation asks,
            // without bytes between their fields; the span borrows the arena.
            let start = unsafe UnsafeRawPointer(base).assumingMemoryBound(to: UInt8.self)
            let count = byteCount
            return unsafe _overrideLifetime(
                Span(_unsafeStart: start, count: count), borrowing: self)
        }
    }

    /// How many bytes the elements have.
    public var byteCount: Int { storedCount * MemoryLayout<Element>.stride }

    /// An arena of what `bytes` was written from. Any bytes must be elements; a rest that is none
    /// is left out.
    public init(copying bytes: Span<UInt8>) {
        let count = bytes.count / MemoryLayout<Element>.stride
        self.init(capacity: count)
        // SAFETY: the new arena has room for `count` elements, whose bytes `bytes` has; any bytes
        // are elements, as the documentation asks.
        unsafe bytes.withUnsafeBufferPointer { source in
            guard count > 0, let start = source.baseAddress else { return }
            unsafe UnsafeMutableRawPointer(base).copyMemory(
                from: start, byteCount: count * MemoryLayout<Element>.stride)
        }
        storedCount = count
    }
}

extension MutableSpan<UInt8> {
    /// Writes `bytes` from `offset` on. There must be room for them.
    public mutating func copy(_ bytes: Span<UInt8>, to offset: Int) {
        precondition(offset >= 0 && bytes.count <= count - offset)
        // SAFETY: the destination has room for `bytes`, as the precondition says; both are lent for
        // the copy.
        unsafe withUnsafeMutableBytes { destination in
            unsafe bytes.withUnsafeBytes { source in
                guard source.count > 0 else { return }
                unsafe UnsafeMutableRawBufferPointer(
                    rebasing: destination[offset..<offset + source.count]
                ).copyMemory(from: source)
            }
        }
    }
}

extension Span<UInt8> {
    /// Whether the bytes are those of `other`.
    public func isEqual(to other: Span<UInt8>) -> Bool {
        guard count == other.count else { return false }
        // SAFETY: both are lent for the comparison.
        return unsafe withUnsafeBytes { own in
            unsafe other.withUnsafeBytes { other in unsafe own.elementsEqual(other) }
        }
    }

    /// The number that four bytes from `offset` on are, the lowest first; 0 beyond the end.
    public func word32(at offset: Int) -> UInt32 { UInt32(truncatingIfNeeded: word(offset, 4)) }

    /// The number that eight bytes from `offset` on are, the lowest first; 0 beyond the end.
    public func word64(at offset: Int) -> UInt64 { word(offset, 8) }

    private func word(_ offset: Int, _ length: Int) -> UInt64 {
        guard offset >= 0, offset <= count - length else { return 0 }
        var word: UInt64 = 0
        for place in 0..<length { word |= UInt64(self[offset + place]) << UInt64(place * 8) }
        return word
    }
}
