internal import ApusDWARF

/// The sources of functions, read once each, as far as they may be.
struct SourceFiles {
    private let index: SourceIndex?
    private let read: ((String) -> String?)?
    private var contents: [String: [Substring]?] = [:]
    /// Those that were not to be had, in order.
    private(set) var missing: [String] = []

    /// Lines between two that a function comes from are shown if they are no more than that.
    private static var gapLimit: Int { 12 }
    /// Lines that are shown before the first one.
    private static var contextLines: Int { 2 }

    /// The sources that `index` names, whose contents `read` gives.
    init(_ index: SourceIndex?, _ read: ((String) -> String?)?) {
        self.index = index
        self.read = read
    }

    /// Notes which sources `function` comes from.
    mutating func add(to function: inout Exploration.Function) {
        let places = index?.lines(in: function.body) ?? []
        var wanted: [String: Set<Int>] = [:]
        var order: [String] = []
        for (_, position) in places where position.line > 0 {
            if wanted[position.file] == nil { order.append(position.file) }
            wanted[position.file, default: []].insert(position.line)
        }
        var rows: [SourcePosition: Int] = [:]
        for file in order {
            let lines = lines(of: file)
            for line in Self.shown(wanted[file] ?? [], of: lines?.count) {
                let text = lines.flatMap { $0.indices.contains(line - 1) ? $0[line - 1] : nil }
                rows[SourcePosition(file: file, line: line)] = function.sources.count
                function.sources.append(
                    Exploration.SourceLine(file: file, line: line, text: text.map(String.init)))
            }
        }
        for (offset, position) in places {
            let row = rows[SourcePosition(file: position.file, line: position.line)]
            if function.sourcePlaces.last?.line == row, row != nil { continue }
            function.sourcePlaces.append(Exploration.SourcePlace(offset: offset, line: row))
        }
    }

    private mutating func lines(of file: String) -> [Substring]? {
        if let known = contents[file] { return known }
        let lines = read?(file)?.split(
            omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        contents[file] = .some(lines)
        if lines == nil { missing.append(file) }
        return lines
    }

    /// The lines to be shown of a file of which `lines` are wanted: those between them, too, and
    /// some before, if the file has `count` lines and not only their numbers are known.
    private static func shown(_ lines: Set<Int>, of count: Int?) -> [Int] {
        let wanted = lines.sorted()
        guard let count else { return wanted }
        var shown: [Int] = []
        for line in wanted {
            var first = max(line - contextLines, 1)
            if let last = shown.last {
                let isNear = line - last <= gapLimit
                first = isNear ? last + 1 : max(first, last + 1)
            }
            if first <= line { shown.append(contentsOf: first...line) }
        }
        if let last = shown.last, last < count { shown.append(last + 1) }
        return shown
    }
}
