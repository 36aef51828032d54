internal import ApusCollections
internal import ApusFormat

/// The bytes of a text, and the lines they form.
struct SourceText {
    let bytes: ByteStorage
    let window: ByteWindow

    init(_ bytes: ByteStorage) {
        self.bytes = bytes
        window = ByteWindow(bytes)
    }

    /// The text in `range`, with replacements for what is not UTF-8.
    func string(_ range: Range<Int>) -> String {
        var text = [UInt8]()
        for index in range.clamped(to: 0..<bytes.count) { text.append(window.byte(at: index)) }
        return String(decoding: text, as: UTF8.self)
    }

    /// Bytes of a long line that are shown before and after the place at fault.
    private static var shownBefore: Int { 60 }
    private static var shownAfter: Int { 40 }
    private static var longLine: Int { shownBefore + shownAfter }

    /// `fault` with its place as people count.
    func error(_ fault: TextFault) -> TextError { error(fault, LineIndex(self)) }

    /// The same, if `lines` are at hand.
    func error(_ fault: TextFault, _ lines: borrowing LineIndex) -> TextError {
        TextError(place: place(fault.start, fault.end, lines), message: fault.message)
    }

    /// The place from `start` to `end`.
    func place(_ start: Int, _ end: Int, _ lines: borrowing LineIndex) -> TextPlace {
        let offset = min(max(start, 0), bytes.count)
        let (line, column, lineStart) = lines.position(offset)
        var first = lineStart
        var last = lineEnd(offset)
        if last - first > Self.longLine {
            first = characterStart(max(first, offset - Self.shownBefore))
            last = characterStart(min(last, offset + Self.shownAfter))
        }
        let stop = min(max(end, offset), last)
        let before = PrintableText.line(string(first..<offset))
        let meant = PrintableText.line(string(offset..<max(stop, offset)))
        return TextPlace(
            line: line, column: column,
            sourceLine: PrintableText.line(string(first..<last)), indentation: before.count,
            length: max(meant.count, 1))
    }

    /// Where the line ends that `offset` is in, or an offset beyond all that is shown of it.
    private func lineEnd(_ offset: Int) -> Int {
        let most = min(bytes.count, offset + Self.longLine + 1)
        var end = offset
        while end < most, window.byte(at: end) != 0x0A, window.byte(at: end) != 0x0D { end += 1 }
        return end
    }

    /// The nearest offset, not after `offset`, at which a character begins.
    private func characterStart(_ offset: Int) -> Int {
        var start = offset
        while start > 0, window.byte(at: start) & 0xC0 == 0x80 { start -= 1 }
        return start
    }
}
