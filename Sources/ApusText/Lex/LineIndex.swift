internal import ApusCollections

/// Finds the lines and columns of a text's places, each in a time that the text's length does not
/// matter for: a script may have a fault in each of its modules.
struct LineIndex: ~Copyable {
    private let window: ByteWindow
    /// Offsets at which lines begin.
    private var lineStarts = Arena<UInt32>()
    /// How many characters begin before each block of bytes.
    private var characterCounts = Arena<UInt32>()
    private static var blockBytes: Int { 256 }

    init(_ source: SourceText) {
        window = source.window
        lineStarts.append(0)
        var characters: UInt32 = 0
        for offset in 0..<source.bytes.count {
            if offset % Self.blockBytes == 0 { characterCounts.append(characters) }
            let byte = window.byte(at: offset)
            if byte & 0xC0 != 0x80 { characters &+= 1 }
            if byte == 0x0A { lineStarts.append(UInt32(truncatingIfNeeded: offset &+ 1)) }
        }
        characterCounts.append(characters)
    }

    /// Line and column of `offset`, which must lie in the text or at its end; both from 1 on.
    func position(_ offset: Int) -> (line: Int, column: Int, lineStart: Int) {
        var low = 0
        var high = lineStarts.count
        while low < high {
            let middle = (low + high) / 2
            if Int(lineStarts[middle]) <= offset { low = middle + 1 } else { high = middle }
        }
        let start = Int(lineStarts[low - 1])
        return (low, characters(before: offset) - characters(before: start) + 1, start)
    }

    private func characters(before offset: Int) -> Int {
        let block = offset / Self.blockBytes
        var count = Int(characterCounts[block])
        for index in (block * Self.blockBytes)..<offset where window.byte(at: index) & 0xC0 != 0x80
        {
            count += 1
        }
        return count
    }
}
