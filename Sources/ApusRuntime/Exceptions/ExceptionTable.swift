/// The exceptions that a store keeps, because guests may refer to them.
///
/// They are let go as host objects are (`ExternTable`): when there are many more than were left the
/// last time, with every place known in which a reference can be.
struct ExceptionTable {
    private var exceptions: [ThrownException] = []
    /// Of each whether it is still referred to, while that is being found out; and those of them
    /// whose values have not been looked at.
    private var marks: [Bool] = []
    private var unread: [Int] = []
    private var threshold = Self.least
    /// Bytes of all of them.
    private(set) var byteCount: UInt64 = 0

    private static var least: Int { 1024 }

    /// How many there are.
    var count: Int { exceptions.count }

    /// Whether so many have come since the last collection that another one pays.
    var needsCollection: Bool { exceptions.count >= threshold }

    mutating func insert(_ exception: ThrownException) {
        exceptions.append(exception)
        byteCount += exception.byteCount
    }

    // MARK: Collection

    /// Begins to find out which are referred to: those are that the host has.
    mutating func beginMarking() {
        exceptions.sort { $0.bits < $1.bits }
        marks = [Bool](repeating: false, count: exceptions.count)
        for position in exceptions.indices
        where !isKnownUniquelyReferenced(&exceptions[position]) {
            mark(at: position)
        }
    }

    /// Notes that `word`, if it refers to an exception, is still held.
    mutating func mark(_ word: UInt64) {
        guard let first = exceptions.first, word >= first.bits else { return }
        var low = 0
        var high = exceptions.count
        while low < high {
            let middle = (low + high) / 2
            if exceptions[middle].bits <= word { low = middle + 1 } else { high = middle }
        }
        if exceptions[low - 1].bits == word { mark(at: low - 1) }
    }

    private mutating func mark(at position: Int) {
        if marks[position] { return }
        marks[position] = true
        unread.append(position)
    }

    /// One that is referred to and whose values have not been looked at for references.
    mutating func takeUnread() -> ThrownException? { unread.popLast().map { exceptions[$0] } }

    /// Takes out all exceptions that have not been marked; the caller lets go of them. `seenBytes`
    /// had to be looked through for that.
    mutating func sweep(beside seenBytes: Int) -> [ThrownException] {
        var released: [ThrownException] = []
        var kept = 0
        for position in exceptions.indices {
            if marks[position] {
                exceptions.swapAt(kept, position)
                kept += 1
            } else {
                released.append(exceptions[position])
                byteCount -= exceptions[position].byteCount
            }
        }
        exceptions.removeLast(exceptions.count - kept)
        marks.removeAll(keepingCapacity: true)
        threshold = max(Self.least, kept * 2, seenBytes / HeapGeometry.bytesPerHandle)
        return released
    }
}
