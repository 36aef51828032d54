internal import ApusLocks

/// What a guest writes to a standard stream, as it comes:
/// ```swift
/// for await piece in output { print(String(decoding: piece, as: UTF8.self)) }
/// ```
/// It ends when the program has ended (`WASI.run`), when all that belongs to the guest has gone, or
/// when it is finished. One task reads it: of two, the later one does.
///
/// A guest that is too many bytes ahead of who reads waits for room: without a thread if it was
/// called asynchronously, else on its thread, so that somebody else has to read. Once nobody reads
/// any more, as the reader's task was cancelled or has finished the stream, its writes fail with
/// the error `pipe`.
public final class StreamedOutput: AsyncSequence, Sendable {
    /// Bytes that a guest may be ahead at most.
    public let byteLimit: Int
    private let state = SystemMutex(State())

    private struct State {
        /// What was written and not read yet.
        var bytes: [UInt8] = []
        var isFinished = false
        var reader: CheckedContinuation<[UInt8]?, Never>?
    }

    /// Lets a guest be at most `byteLimit` bytes ahead: 64 KiB if nothing else is said.
    public init(byteLimit: Int = 64 << 10) { self.byteLimit = Swift.max(byteLimit, 1) }

    /// Nothing more is read, or comes. What was written before can still be read.
    public func finish() {
        let reader = state.withLock { state in
            state.isFinished = true
            return state.reader.take()
        }
        reader?.resume(returning: nil)
    }

    // MARK: Reading

    /// The pieces, each with all that was written since the one before.
    public func makeAsyncIterator() -> Iterator { Iterator(output: self) }

    /// Reads the pieces.
    public struct Iterator: AsyncIteratorProtocol {
        fileprivate let output: StreamedOutput

        /// The next piece; nil when nothing more comes, or the task is cancelled.
        public nonisolated(nonsending) func next() async -> [UInt8]? { await output.next() }
    }

    private nonisolated(nonsending) func next() async -> [UInt8]? {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                var earlier: CheckedContinuation<[UInt8]?, Never>?
                let piece: [UInt8]?? = state.withLock { state in
                    if !state.bytes.isEmpty {
                        defer { state.bytes = [] }
                        return .some(state.bytes)
                    }
                    if state.isFinished { return .some(nil) }
                    earlier = state.reader.take()
                    state.reader = continuation
                    return nil
                }
                if let piece { continuation.resume(returning: piece) }
                // Of two tasks that read, the first one reads no more.
                earlier?.resume(returning: nil)
            }
        } onCancel: {
            finish()
        }
    }

    // MARK: Writing

    /// Whether a guest that writes has to wait.
    var isFull: Bool {
        state.withLock { $0.bytes.count >= byteLimit && !$0.isFinished }
    }

    /// Takes what there is room for, of the pieces in order, as soon as there is any. Returns how
    /// many bytes that were.
    func write(_ vectors: GuestVectors) throws(Errno) -> Int {
        var pause = Polling()
        while isFull { try pause.wait(Self.pauseNanoseconds) }
        var written = 0
        var isFinished = false
        // SAFETY: the pieces are checked guest memory, lent for the duration of the call.
        unsafe vectors.forEach { piece in
            guard let count = unsafe append(UnsafeRawBufferPointer(piece)) else {
                isFinished = true
                return false
            }
            written += count
            return count == piece.count
        }
        if isFinished, written == 0, vectors.byteCount > 0 { throw .pipe }
        return written
    }

    /// How long a guest that has to wait on its thread waits until it looks again.
    private static let pauseNanoseconds: UInt64 = 500_000

    // SAFETY: the piece is checked guest memory, lent by `write` for the call; a part is copied.
    /// Takes what there is room for; nil: nobody reads any more.
    private func append(_ piece: UnsafeRawBufferPointer) -> Int? {
        var count: Int?
        let reader = state.withLock { state -> (CheckedContinuation<[UInt8]?, Never>, [UInt8])? in
            if state.isFinished { return nil }
            let taken = Swift.min(piece.count, byteLimit - state.bytes.count)
            count = taken
            unsafe state.bytes.append(contentsOf: piece.prefix(taken))
            guard taken > 0, let reader = state.reader.take() else { return nil }
            defer { state.bytes = [] }
            return (reader, state.bytes)
        }
        if let (reader, bytes) = reader { reader.resume(returning: bytes) }
        return count
    }
}
