internal import ApusFormat
internal import CApusHost

/// Why the bytes of a memory cannot be had in place, or what cannot be done while they are.
public enum LendingError: Error, Hashable, Sendable {
    /// Other threads may change what the memory has at any time.
    case isShared
    /// The host has them in place: until it has given them back no guest of the store runs, and
    /// nobody else changes the memory.
    case isLent
}

extension LendingError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .isShared: "a shared memory changes at any time: its bytes can only be copied"
        case .isLent: "the host has bytes of a memory in place, so no guest of its store may run"
        }
    }
}

extension RuntimeStore {
    /// Calls `body` with all bytes of a memory of this store. Meanwhile no guest runs, and nobody
    /// writes to the memory.
    ///
    /// - Throws: `LendingError`, and what `body` throws.
    public func withBytes<Result>(
        of memory: LinearMemory, _ body: (RawSpan) throws -> Result
    ) throws -> Result {
        // SAFETY: one thread uses the store, and so the memory.
        let lends = unsafe memory.lends
        if lends < 0 { throw LendingError.isLent }
        return try lending(memory, lends + 1) {
            // SAFETY: so many bytes are accessible, and stay so for as long as the memory lives.
            let span = unsafe RawSpan(
                _unsafeStart: UnsafeRawPointer(memory.baseAddress), byteCount: memory.byteCount)
            return try body(span)
        }
    }

    /// Calls `body` with all bytes of a memory of this store, to be changed. Meanwhile no guest
    /// runs, and nobody else has the bytes in place or writes to the memory.
    ///
    /// - Throws: `LendingError`, and what `body` throws.
    public func withMutableBytes<Result>(
        of memory: LinearMemory, _ body: (inout MutableRawSpan) throws -> Result
    ) throws -> Result {
        if memory.isLent { throw LendingError.isLent }
        return try lending(memory, -1) {
            // SAFETY: so many bytes are accessible, and stay so for as long as the memory lives.
            var span = unsafe MutableRawSpan(
                _unsafeStart: memory.baseAddress, byteCount: memory.byteCount)
            return try body(&span)
        }
    }

    /// Does `body` while no guest runs, and the memory is lent as `lends` says.
    private func lending<Result>(
        _ memory: LinearMemory, _ lends: Int, _ body: () throws -> Result
    ) throws -> Result {
        if memory.type.isShared { throw LendingError.isShared }
        // SAFETY: one thread uses the store, and so the memory.
        let before = unsafe memory.lends
        unsafe memory.lends = lends
        defer { unsafe memory.lends = before }
        lentCount += 1
        setAttention(apus_attention_lent, true)
        defer {
            lentCount -= 1
            if lentCount == 0 { setAttention(apus_attention_lent, false) }
        }
        return try body()
    }

    /// Throws if the host has bytes of one of the store's memories in place.
    func checkLent() throws(LendingError) {
        if lentCount > 0 { throw .isLent }
    }
}
