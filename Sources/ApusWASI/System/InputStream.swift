/// Input that a closure of the host's brings as the guest asks for it.
final class InputStream {
    private let next: @Sendable (Int) -> [UInt8]
    /// What was brought and not yet read.
    private var buffered = InputBytes([])
    private var isAtEnd = false

    init(_ next: @escaping @Sendable (Int) -> [UInt8]) { self.next = next }

    /// Bytes asked for at most, whatever the guest wants.
    static let pieceBytes = 1 << 16

    /// Bytes that can be read without asking for more.
    var remaining: Int { buffered.remaining }

    /// Fills the pieces with what is there, or else with what comes next. 0 at the end.
    func read(_ vectors: GuestVectors) -> Int {
        if vectors.byteCount == 0 { return 0 }
        if buffered.remaining == 0, !isAtEnd {
            buffered = InputBytes(next(min(vectors.byteCount, Self.pieceBytes)))
            isAtEnd = buffered.remaining == 0
        }
        return buffered.read(vectors)
    }
}
