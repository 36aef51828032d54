extension MutableRawSpan {
    // SAFETY: `count` is at most what either side has.
    /// Copies what `source` has from `offset` on, as much as there is room. Returns how many bytes
    /// that are.
    mutating func fill(from source: Span<UInt8>, at offset: Int) -> Int {
        let count = min(byteCount, source.count - offset)
        guard offset >= 0, count > 0 else { return 0 }
        unsafe withUnsafeMutableBytes { destination in
            unsafe source.withUnsafeBytes { bytes in
                unsafe destination.copyMemory(
                    from: UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + count]))
            }
        }
        return count
    }
}

extension Array<UInt8> {
    // SAFETY: the array has been made long enough, and `count` is at most what `bytes` has.
    /// Writes the first `count` of `bytes` at `start`, with zeros before it if the array ends
    /// earlier.
    mutating func overwrite(at start: Int, with bytes: RawSpan, count: Int) {
        let taken = Swift.min(count, bytes.byteCount)
        guard start >= 0, taken > 0 else { return }
        if self.count < start {
            append(contentsOf: repeatElement(0, count: start - self.count))
        }
        let inside = Swift.min(self.count - start, taken)
        unsafe bytes.withUnsafeBytes { source in
            unsafe withUnsafeMutableBytes { destination in
                let place = unsafe UnsafeMutableRawBufferPointer(
                    rebasing: destination[start..<start + inside])
                unsafe place.copyMemory(
                    from: UnsafeRawBufferPointer(rebasing: source[..<inside]))
            }
            unsafe append(contentsOf: source[inside..<taken])
        }
    }
}

extension GuestVectors {
    // SAFETY: the pieces are checked guest memory; spans of them end before the call does.
    /// Lets `body` fill each piece in turn until one stays partly empty. Returns how many bytes it
    /// said to have filled; an error after the first ones is not told.
    func fill(
        _ body: (inout MutableRawSpan, _ done: Int) throws(Errno) -> Int
    ) throws(Errno) -> Int {
        try unsafe visit { (piece, done) throws(Errno) in
            var span = unsafe MutableRawSpan(_unsafeBytes: piece)
            return try body(&span, done)
        }
    }

    /// Lets `body` take each piece in turn until it does not take all of one.
    func drain(
        _ body: (RawSpan, _ done: Int) throws(Errno) -> Int
    ) throws(Errno) -> Int {
        // SAFETY: a piece is checked guest memory that `visit` lends; the span of it ends before
        // `body` does.
        try unsafe visit { (piece, done) throws(Errno) in
            try unsafe body(RawSpan(_unsafeBytes: UnsafeRawBufferPointer(piece)), done)
        }
    }

    private func visit(
        _ body: (UnsafeMutableRawBufferPointer, Int) throws(Errno) -> Int
    ) throws(Errno) -> Int {
        var done = 0
        var failure: Errno?
        // SAFETY: `forEach` lends checked guest memory, and `body` has it no longer than it runs.
        unsafe forEach { piece in
            do throws(Errno) {
                // Whatever it says, no more than there was.
                let count = try unsafe min(max(body(piece, done), 0), piece.count)
                done += count
                return count == piece.count
            } catch {
                failure = error
                return false
            }
        }
        if let failure, done == 0 { throw failure }
        return done
    }
}
