internal import CApusHost

/// A guest's output on its way to a terminal of the host's, without what a terminal would obey.
///
/// Escape sequences move the cursor, rewrite what was there, change titles and colours, and make
/// some terminals answer as if somebody typed. Control characters, apart from line feed, carriage
/// return, tab and backspace, become the pictures that Unicode has for them (␛ for escape); what
/// is not UTF-8 becomes U+FFFD.
final class TerminalOutput {
    private let host: Int32
    /// The beginning of a character whose end has not come yet.
    private var pending: [UInt8] = []

    init(_ host: Int32) { self.host = host }

    /// Bytes of the guest's that are filtered at a time.
    private static let pieceBytes = 4096

    /// Takes the pieces in order. Returns how many bytes it took.
    func write(_ vectors: GuestVectors) throws(Errno) -> Int {
        try vectors.drain { (bytes, _) throws(Errno) in
            var start = 0
            while start < bytes.byteCount {
                let end = min(start + Self.pieceBytes, bytes.byteCount)
                let text = filter(bytes.extracting(start..<end))
                try Syscalls.writeAll(host, text.span)
                start = end
                if apus_this_thread_is_interrupted() != 0 { throw .intr }
            }
            return start
        }
    }

    /// What is shown for `bytes`, as far as their characters are complete.
    func filter(_ bytes: RawSpan) -> [UInt8] {
        var shown: [UInt8] = []
        shown.reserveCapacity(bytes.byteCount + 8)
        // SAFETY: the index is below the count.
        for index in 0..<bytes.byteCount {
            let byte = unsafe bytes.unsafeLoad(fromByteOffset: index, as: UInt8.self)
            take(byte, &shown)
        }
        return shown
    }

    private func take(_ byte: UInt8, _ shown: inout [UInt8]) {
        if !pending.isEmpty {
            if byte & 0xC0 == 0x80 {
                pending.append(byte)
                if pending.count == Self.length(of: pending[0]) {
                    Self.show(character: pending, &shown)
                    pending.removeAll(keepingCapacity: true)
                }
                return
            }
            shown.append(contentsOf: Self.replacement)
            pending.removeAll(keepingCapacity: true)
        }
        if byte >= 0x80 {
            if Self.length(of: byte) > 0 {
                pending.append(byte)
            } else {
                shown.append(contentsOf: Self.replacement)
            }
            return
        }
        switch byte {
        case 0x08, 0x09, 0x0A, 0x0D, 0x20..<0x7F: shown.append(byte)
        // U+2421 is the picture of delete, U+2400 and on those of the others.
        case 0x7F: shown.append(contentsOf: [0xE2, 0x90, 0xA1])
        default: shown.append(contentsOf: [0xE2, 0x90, 0x80 + byte])
        }
    }

    /// A character of several bytes: as it is if it is none of the controls from U+0080 on.
    private static func show(character: [UInt8], _ shown: inout [UInt8]) {
        let isControl = character.count == 2 && character[0] == 0xC2 && character[1] < 0xA0
        let isValid = (try? UTF8Span(validating: character.span)) != nil
        shown.append(contentsOf: isValid && !isControl ? character : replacement)
    }

    /// How many bytes the character has that begins with `byte`; 0 if none does.
    private static func length(of byte: UInt8) -> Int {
        switch byte {
        case 0xC2...0xDF: 2
        case 0xE0...0xEF: 3
        case 0xF0...0xF4: 4
        default: 0
        }
    }

    /// U+FFFD.
    private static let replacement: [UInt8] = [0xEF, 0xBF, 0xBD]
}
