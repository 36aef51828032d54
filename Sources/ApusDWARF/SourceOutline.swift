/// What the code of one function comes from.
public struct SourceOutline<Offset: Comparable & Sendable>: Sendable {
    /// A function of the source, or a copy of one that was made part of another.
    public struct Function: Sendable {
        /// As it stands in the source, without what it is in; nil if it is not said.
        public var name: String?
        /// As linkers know it, where there is such a name.
        public var linkageName: String?
        /// Where it is declared; nil if that is not said.
        public var declaration: SourcePosition?
        /// Its first instruction.
        public var start: Offset
    }

    /// Code that comes from one line.
    public struct Stretch: Sendable {
        public var range: Range<Offset>
        /// In `files`.
        public var file: Int
        /// Counted from 1.
        public var line: Int
        /// Counted from 1; 0: the compiler does not say.
        public var column: Int
        /// The innermost function that it belongs to, in `functions`, if there are any.
        public var function: Int
    }

    /// The function itself, and then those that it has in it.
    public var functions: [Function] = []
    /// Ascending, without what comes from no line.
    public var stretches: [Stretch] = []
    /// The paths of the files, as the compiler saw them.
    public var files: [String] = []

    /// The place in its file that a stretch is of.
    public func position(_ stretch: Stretch) -> SourcePosition {
        SourcePosition(file: files[stretch.file], line: stretch.line, column: stretch.column)
    }
}

/// Goes along the code of a function, and says in which of its functions it is.
struct InnermostEntries {
    /// Ascending by where they begin, outer ones first.
    private let entries: [FunctionTree.Entry]
    private var next = 0
    private var open: [FunctionTree.Entry] = []

    init(_ entries: [FunctionTree.Entry]) {
        self.entries = entries.sorted {
            ($0.range.lowerBound, $0.depth) < ($1.range.lowerBound, $1.depth)
        }
    }

    /// Divides `range`, which begins no lower than the one before has ended, by the entries of the
    /// innermost functions.
    mutating func divide(_ range: Range<UInt32>, _ take: (Range<UInt32>, Int?) -> Void) {
        var start = range.lowerBound
        while start < range.upperBound {
            let (entry, limit) = entry(at: start)
            let end = min(limit, range.upperBound)
            take(start..<end, entry)
            start = end
        }
    }

    /// The entry of the innermost function at `address`, and up to where that holds.
    private mutating func entry(at address: UInt32) -> (entry: Int?, limit: UInt32) {
        while next < entries.count, entries[next].range.lowerBound <= address {
            open.append(entries[next])
            next += 1
        }
        while let last = open.last, last.range.upperBound <= address { open.removeLast() }
        var limit = open.last?.range.upperBound ?? .max
        if next < entries.count { limit = min(limit, entries[next].range.lowerBound) }
        return (open.last?.entry, limit)
    }
}
