internal import ApusCollections

/// A source map, version 3: which place of a source each place of a module comes from. A module is
/// one line of generated code, and its columns are offsets in bytes.
public struct SourceMap: Sendable {
    private struct Segment: Sendable {
        var offset: UInt32
        /// `noSource`: what is there comes from no source.
        var source: UInt32
        var line: UInt32
        var column: UInt32
    }

    private static let noSource: UInt32 = .max

    /// What the names of sources begin with, unless they begin with `/`.
    private let root: String
    private let sources: [String]
    /// Ascending by offset.
    private let segments: [Segment]
    /// Whether its only source is the module itself, as text.
    private let isOfText: Bool

    /// Reads the map that `text` is. Nil if it is none.
    public init?(_ text: [UInt8]) {
        var scanner = JSONScanner(text)
        guard let fields = scanner.sourceMap() else { return nil }
        root =
            fields.root.isEmpty || fields.root.hasSuffix("/") ? fields.root : fields.root + "/"
        sources = fields.sources
        guard let segments = Self.segments(text, fields.mappings, sourceCount: sources.count) else {
            return nil
        }
        self.segments = segments
        isOfText = false
    }

    /// The map of a module that was made of the text at `path`, in which its functions' bodies and
    /// instructions come from `places`, ascending by offset.
    public init(textAt path: String, places: some Sequence<(offset: Int, line: Int, column: Int)>) {
        root = ""
        sources = [path]
        segments = places.map { place in
            Segment(
                offset: UInt32(clamping: place.offset), source: 0,
                line: UInt32(clamping: place.line - 1), column: UInt32(clamping: place.column - 1))
        }
        isOfText = true
    }

    /// The path of the module's own text, if that is what its code comes from, and on which lines
    /// its functions' bodies and instructions are.
    var textLines: (path: String, lines: [(offset: Int, line: Int)])? {
        guard isOfText else { return nil }
        return (sources[0], segments.map { (Int($0.offset), Int($0.line) + 1) })
    }

    /// Where the instruction at `offset` of the module comes from.
    func position(at offset: Int) -> SourcePosition? {
        let place = segments.partitioningIndex { Int($0.offset) > offset } - 1
        return place >= 0 ? position(segments[place]) : nil
    }

    private func position(_ segment: Segment) -> SourcePosition? {
        guard segment.source != Self.noSource else { return nil }
        return SourcePosition(
            file: file(segment.source), line: Int(segment.line) + 1,
            column: Int(segment.column) + 1)
    }

    /// Paths are not longer: what is, is shown without the root.
    private static let pathLimit = 4096

    /// The path of a source. It is put together where it is asked for: many sources that each had
    /// a long root would take the square of the map's size.
    private func file(_ source: UInt32) -> String {
        let name = sources[Int(source)]
        let isWhole =
            name.hasPrefix("/") || root.utf8.count + name.utf8.count > Self.pathLimit
        return isWhole ? name : root + name
    }

    /// The same of all instructions at `offsets`: each position holds up to the next.
    func lines(in offsets: Range<Int>) -> SourceLines<Int> {
        var found = SourceLines<Int>()
        let first = max(segments.partitioningIndex { Int($0.offset) > offsets.lowerBound } - 1, 0)
        let end = segments.partitioningIndex { Int($0.offset) >= offsets.upperBound }
        guard first < end else { return found }
        var files = FileNumbers()
        for segment in segments[first..<end] where segment.source != Self.noSource {
            guard let file = files.number(of: segment.source, { file($0) }) else { continue }
            found.rows.append(
                SourceLines.Row(
                    offset: Int(segment.offset), file: file, line: Int(segment.line) + 1,
                    column: Int(segment.column) + 1))
        }
        found.files = files.paths
        return found
    }

    /// The paths of all sources that code comes from, as far as they are not too long together:
    /// each may have a long root.
    var paths: Set<String> {
        var budget = WorkBudget.lookup
        var found: Set<String> = []
        for source in Set(segments.lazy.map(\.source)) where source != Self.noSource {
            if let path = file(source, &budget) { found.insert(path) }
        }
        return found
    }

    /// The path of a source; nil if `budget` is spent.
    private func file(_ source: UInt32, _ budget: inout WorkBudget) -> String? {
        if budget.isSpent { return nil }
        let path = file(source)
        budget.take(path.utf8.count)
        return path
    }

    /// Where the code of line `line`, or of the next one that has some, begins of the source whose
    /// path is or ends in `path`, and of which line it is: each time that it is begun.
    func offsets(ofLine line: Int, in path: String) -> [(offset: Int, line: Int)] {
        var budget = WorkBudget.lookup
        let areMeant = sources.indices.map { source in
            file(UInt32(source), &budget).map { SourcePath.isSame($0, path) } ?? false
        }
        func isMeant(_ segment: Segment) -> Bool {
            segment.source != Self.noSource && areMeant[Int(segment.source)]
        }
        let lines = segments.lazy.filter(isMeant).map { Int($0.line) + 1 }
        guard let best = lines.filter({ $0 >= line }).min() else { return [] }
        var found: [(offset: Int, line: Int)] = []
        var isInside = false
        for segment in segments {
            let isOfLine = isMeant(segment) && Int(segment.line) + 1 == best
            if isOfLine, !isInside { found.append((Int(segment.offset), best)) }
            isInside = isOfLine
        }
        return found
    }

    // MARK: Mappings

    /// Nil if the text at `mappings` is not what mappings are.
    private static func segments(
        _ text: [UInt8], _ mappings: Range<Int>, sourceCount: Int
    ) -> [Segment]? {
        var segments: [Segment] = []
        // Offset, source, line, column: each number is the difference to the one before.
        var state: [Int64] = [0, 0, 0, 0, 0]
        var place = mappings.lowerBound
        while place < mappings.upperBound {
            // Code has one line.
            if text[place] == UInt8(ascii: ";") { break }
            if text[place] == UInt8(ascii: ",") {
                place += 1
                continue
            }
            var count = 0
            while place < mappings.upperBound, let first = Base64.value(text[place]) {
                guard count < state.count,
                    let number = number(first, text, &place, end: mappings.upperBound)
                else { return nil }
                state[count] &+= number
                count += 1
            }
            guard count == 1 || count == 4 || count == 5, let offset = UInt32(exactly: state[0])
            else { return nil }
            var segment = Segment(offset: offset, source: noSource, line: 0, column: 0)
            if count > 1 {
                guard state[1] >= 0, state[1] < sourceCount, let line = UInt32(exactly: state[2]),
                    let column = UInt32(exactly: state[3])
                else { return nil }
                segment.source = UInt32(state[1])
                segment.line = line
                segment.column = column
            }
            segments.append(segment)
            if place < mappings.upperBound, !isSeparator(text[place]) { return nil }
        }
        segments.sort { $0.offset < $1.offset }
        return segments
    }

    private static func isSeparator(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: ",") || byte == UInt8(ascii: ";")
    }

    /// A number in digits of 5 bits, lowest first, of which the lowest bit is the sign.
    private static func number(
        _ first: UInt8, _ text: [UInt8], _ place: inout Int, end: Int
    ) -> Int64? {
        var digit = first
        var value: Int64 = 0
        var shift: Int64 = 0
        while true {
            place += 1
            guard shift <= 35 else { return nil }
            value |= Int64(digit & 31) << shift
            shift += 5
            if digit & 32 == 0 { break }
            guard place < end, let next = Base64.value(text[place]) else { return nil }
            digit = next
        }
        return value & 1 == 0 ? value >> 1 : -(value >> 1)
    }
}
