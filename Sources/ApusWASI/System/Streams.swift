internal import ApusLocks

/// What a guest wrote to a standard stream, kept in memory up to a limit.
///
/// A guest that writes more gets the error `nospc`.
public final class CapturedOutput: Sendable {
    /// Bytes that are kept at most.
    public let byteLimit: Int
    private let contents = SystemMutex<[UInt8]>([])

    /// Keeps at most `byteLimit` bytes: 1 MiB if nothing else is said.
    public init(byteLimit: Int = 1 << 20) { self.byteLimit = max(byteLimit, 0) }

    /// What has been written so far.
    public var bytes: [UInt8] { contents.withLock { $0 } }

    /// What has been written so far, as UTF-8 text; what is not UTF-8 is replaced.
    public var string: String { String(decoding: bytes, as: UTF8.self) }

    /// Forgets what has been written.
    public func removeAll() { contents.withLock { $0.removeAll() } }

    // SAFETY: pieces are checked guest memory, lent for the duration of the call.
    /// Appends what still fits and returns how many bytes that are.
    func append(_ piece: UnsafeRawBufferPointer) -> Int {
        contents.withLock { contents in
            let count = min(piece.count, byteLimit - contents.count)
            unsafe contents.append(contentsOf: piece.prefix(count))
            return count
        }
    }
}

/// A stream that leads to something of the host's that is no file.
enum OutputSink {
    case discard
    case capture(CapturedOutput)
    case handler(@Sendable ([UInt8]) -> Void)
    case stream(StreamedOutput)

    /// Takes the pieces in order. Returns how many bytes it took.
    func write(_ vectors: GuestVectors) throws(Errno) -> Int {
        switch self {
        case .discard:
            return vectors.byteCount
        case .capture(let output):
            var written = 0
            // SAFETY: `forEach` lends checked guest memory, which is copied here.
            unsafe vectors.forEach { piece in
                let count = unsafe output.append(UnsafeRawBufferPointer(piece))
                written += count
                return count == piece.count
            }
            if written == 0, vectors.byteCount > 0 { throw .nospc }
            return written
        case .handler(let handler):
            var written = 0
            // SAFETY: `forEach` lends checked guest memory, of which a part is copied here.
            unsafe vectors.forEach { piece in
                // Bounded, so that a guest cannot make the host allocate as much as it has.
                let part = unsafe piece.prefix(Self.handlerBytesLimit - written)
                unsafe handler([UInt8](part))
                unsafe written += part.count
                return written < Self.handlerBytesLimit
            }
            return written
        case .stream(let output):
            return try output.write(vectors)
        }
    }

    /// Bytes handed to a closure at most for one write of the guest.
    static let handlerBytesLimit = 1 << 20
}

/// Bytes that a guest reads from its standard input.
struct InputBytes {
    let bytes: [UInt8]
    private(set) var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var remaining: Int { bytes.count - position }

    /// Fills the pieces in order with what is left. Returns how many bytes that were; 0 at the end.
    mutating func read(_ vectors: GuestVectors) -> Int {
        let start = position
        // SAFETY: the array lends its bytes, `forEach` checked guest memory; `count` is at most
        // what either has left.
        unsafe bytes.withUnsafeBytes { source in
            unsafe vectors.forEach { piece in
                let count = min(piece.count, source.count - position)
                unsafe piece.copyMemory(
                    from: UnsafeRawBufferPointer(rebasing: source[position..<position + count]))
                position += count
                return position < source.count
            }
        }
        return position - start
    }
}
