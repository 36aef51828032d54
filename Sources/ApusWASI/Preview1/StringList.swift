/// Arguments or environment variables, as guests want them: each ended by a zero, one after
/// another.
struct StringList {
    private(set) var bytes: [UInt8] = []
    private(set) var count = 0

    /// - Throws: `inval` if there is a zero within a string, `tooBig` if they take 2 GiB or more.
    init(_ strings: [[UInt8]]) throws(Errno) {
        for text in strings {
            if text.contains(0) { throw .inval }
            if bytes.count + text.count >= Int(Int32.max) { throw .tooBig }
            bytes.append(contentsOf: text)
            bytes.append(0)
            count += 1
        }
    }

    /// Writes the number of strings, and of bytes.
    func storeSizes(
        _ memory: GuestMemory, countAt: UInt32, bytesAt: UInt32
    ) throws(Errno) {
        try memory.store(UInt32(truncatingIfNeeded: count), at: countAt)
        try memory.store(UInt32(truncatingIfNeeded: bytes.count), at: bytesAt)
    }

    /// Writes the strings to `bytesAt` and their addresses to `pointersAt`.
    func store(
        _ memory: GuestMemory, pointersAt: UInt32, bytesAt: UInt32
    ) throws(Errno) {
        try memory.check(pointersAt, count &* 4)
        try memory.store(bytes: bytes.span, at: bytesAt)
        var pointer = pointersAt
        var start = 0
        for (index, byte) in bytes.enumerated() where byte == 0 {
            try memory.store(bytesAt &+ UInt32(truncatingIfNeeded: start), at: pointer)
            pointer &+= 4
            start = index + 1
        }
    }
}
