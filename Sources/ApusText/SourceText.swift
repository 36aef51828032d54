internal import ApusCollections

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

    /// Line and column of `offset`, both from 1 on, the column in characters.
    func place(_ offset: Int) -> (line: Int, column: Int) {
        let offset = min(max(offset, 0), bytes.count)
        var line = 1
        for index in 0..<offset where window.byte(at: index) == 0x0A { line &+= 1 }
        return (line, string(lineStart(offset)..<offset).count + 1)
    }

    private func lineStart(_ offset: Int) -> Int {
        var start = offset
        while start > 0, window.byte(at: start - 1) != 0x0A { start -= 1 }
        return start
    }

    private func lineEnd(_ offset: Int) -> Int {
        var end = offset
        while end < bytes.count, window.byte(at: end) != 0x0A, window.byte(at: end) != 0x0D {
            end += 1
        }
        return end
    }

    /// Bytes of a long line that are shown before and after the place at fault.
    private static var shownBefore: Int { 60 }
    private static var shownAfter: Int { 40 }

    /// `fault` with its place as people count.
    func error(_ fault: TextFault) -> TextError {
        let offset = min(max(fault.start, 0), bytes.count)
        let (line, column) = place(offset)
        var first = lineStart(offset)
        var last = lineEnd(offset)
        if last - first > Self.shownBefore + Self.shownAfter {
            first = characterStart(max(first, offset - Self.shownBefore))
            last = characterStart(min(last, offset + Self.shownAfter))
        }
        let end = min(max(fault.end, offset), last)
        return TextError(
            line: line, column: column, message: fault.message,
            sourceLine: Self.printable(string(first..<last)),
            indentation: string(first..<offset).count,
            length: max(string(offset..<max(end, offset)).count, 1))
    }

    /// The nearest offset, not after `offset`, at which a character begins.
    private func characterStart(_ offset: Int) -> Int {
        var start = offset
        while start > 0, window.byte(at: start) & 0xC0 == 0x80 { start -= 1 }
        return start
    }

    /// `text` without characters that would upset a terminal.
    static func printable(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            let isControl = scalar.value < 0x20 || scalar.value == 0x7F
            result.unicodeScalars.append(isControl && scalar != "\t" ? "\u{FFFD}" : scalar)
        }
        return result
    }
}
