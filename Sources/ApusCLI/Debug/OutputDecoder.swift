internal import ApusLocks

/// Makes text of bytes that come in pieces, which may end within a letter.
final class OutputDecoder: Sendable {
    private let kept = SystemMutex<[UInt8]>([])

    /// The text of what was kept and of `bytes`, but for a letter at the end that is not whole.
    func text(_ bytes: [UInt8]) -> String {
        kept.withLock { kept in
            let all = kept + bytes
            let end = Self.wholeEnd(all)
            kept = Array(all[end...])
            return String(decoding: all[..<end], as: UTF8.self)
        }
    }

    /// Where the last letter ends that is whole; what is no UTF-8 counts as whole.
    private static func wholeEnd(_ bytes: [UInt8]) -> Int {
        for back in 1...3 where back <= bytes.count {
            let byte = bytes[bytes.count - back]
            if byte & 0xC0 == 0x80 { continue }
            let length = byte < 0xC0 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4
            return length > back ? bytes.count - back : bytes.count
        }
        return bytes.count
    }
}
