internal import ApusDWARF

/// The sources of functions, read once each, as far as they may be.
struct SourceFiles {
    private let index: SourceIndex?
    /// For all functions.
    private var budget: WorkBudget
    private let read: ((String) -> String?)?
    private var contents: [String: [Substring]?] = [:]
    /// Those that were not to be had, in order.
    private(set) var missing: [String] = []

    /// Lines between two that a function comes from are shown if they are no more than that.
    private static var gapLimit: Int { 12 }
    /// Lines that are shown before the first one.
    private static var contextLines: Int { 2 }

    /// The sources that `index` names, whose contents `read` gives, but for the module's `own`, if
    /// there is one.
    init(_ index: SourceIndex?, _ read: ((String) -> String?)?, own: OwnText?) {
        self.index = index
        budget = index?.budget ?? .lookup
        self.read = read
        if read != nil, let own { contents[own.name] = .some(own.lines) }
    }

    /// Notes which sources `function` comes from.
    mutating func add(to function: inout Exploration.Function) {
        guard let index else { return }
        let places = index.lines(in: function.body, &budget)
        var wanted: [Int: Set<Int>] = [:]
        for row in places.rows { wanted[row.file, default: []].insert(row.line) }
        var rows: [Row: Int] = [:]
        for (number, file) in places.files.enumerated() where isShown(file) {
            let lines = lines(of: file)
            for line in Self.shown(wanted[number] ?? [], of: lines?.count) {
                let text = lines.flatMap { $0.indices.contains(line - 1) ? $0[line - 1] : nil }
                rows[Row(file: number, line: line)] = function.sources.count
                function.sources.append(
                    Exploration.SourceLine(file: file, line: line, text: text.map(String.init)))
            }
        }
        for place in places.rows {
            let row = rows[Row(file: place.file, line: place.line)]
            if function.sourcePlaces.last?.line == row, row != nil { continue }
            function.sourcePlaces.append(Exploration.SourcePlace(offset: place.offset, line: row))
        }
    }

    /// Paths that are longer than that altogether are nobody's sources.
    private static var pathBytesLimit: Int { 1 << 20 }
    private var pathBytes = 0

    private mutating func isShown(_ file: String) -> Bool {
        if contents[file] != nil { return true }
        pathBytes += file.utf8.count
        return pathBytes <= Self.pathBytesLimit
    }

    /// A line of a file that is a number.
    private struct Row: Hashable {
        var file: Int
        var line: Int
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
