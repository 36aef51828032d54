internal import ApusLocks

/// A guest's output on its way to a terminal of the host's, as `TerminalFilter` lets it through.
final class TerminalOutput {
    private let host: Int32
    private var filter = TerminalFilter()

    init(_ host: Int32) { self.host = host }

    /// Terminals that have other colours than they came with.
    private static let styled = SystemMutex<Set<Int32>>([])

    /// Bytes of the guest's that are filtered at a time.
    private static let pieceBytes = 4096

    /// Takes the pieces in order. Returns how many bytes it took.
    func write(_ vectors: GuestVectors) throws(Errno) -> Int {
        try vectors.drain { (bytes, _) throws(Errno) in
            var start = 0
            while start < bytes.byteCount {
                let end = min(start + Self.pieceBytes, bytes.byteCount)
                let text = filter.filter(bytes.extracting(start..<end))
                if filter.isStyled { Self.styled.withLock { _ = $0.insert(host) } }
                try Syscalls.writeAll(host, text.span)
                start = end
                try Syscalls.mayGoOn()
            }
            return start
        }
    }

    /// Gives the terminal its own colours back.
    func reset() {
        guard let found = Self.styled.withLock({ $0.remove(host) }) else { return }
        Self.writeReset(found)
    }

    /// Gives all terminals their own colours back: a guest has ended, and what the host now says
    /// is not to be written in the guest's.
    static func resetAll() {
        let found = styled.withLock { styled in
            defer { styled.removeAll() }
            return styled
        }
        for host in found { writeReset(host) }
    }

    private static func writeReset(_ host: Int32) {
        let text: [UInt8] = [0x1B, UInt8(ascii: "["), UInt8(ascii: "0"), UInt8(ascii: "m")]
        // A terminal that cannot be written to needs no colours.
        try? Syscalls.writeAll(host, text.span)
    }
}
