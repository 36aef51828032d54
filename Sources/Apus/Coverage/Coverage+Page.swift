internal import ApusCollections
internal import ApusFormat

extension Coverage {
    /// A page that shows the coverage, for any browser: it needs nothing but itself, and asks
    /// nobody for anything.
    ///
    /// At its head is a table of the files, and then each of them with its lines: how often they
    /// were run, which ways of their branches were taken, and what stands on them if `source` knows
    /// that. It is asked for what a file of some path holds, and may know it or not: paths are a
    /// guest's, so that it must not read whatever they name. Of a module as text only functions are
    /// shown that were called.
    public func page(title: String, source: (String) -> String? = { _ in nil }) -> String {
        page(title: title, sourceBytes: CoveragePage.sourceBytesLimit, source: source)
    }

    /// The same, with about so many bytes of sources.
    func page(title: String, sourceBytes: Int, source: (String) -> String?) -> String {
        var page = """
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width">
            <meta http-equiv="Content-Security-Policy" content="default-src 'none'; \
            style-src 'unsafe-inline'">
            <title>\(HTMLText.escaped(title))</title>
            <style>
            \(CoveragePage.style)
            </style>
            </head>
            <body>
            <h1>\(HTMLText.escaped(title))</h1>
            <table class="files">
            <thead><tr><th>File<th colspan="3">Lines<th colspan="2">Functions\
            <th colspan="2">Branches</thead>
            <tbody>

            """
        for (index, file) in files.enumerated() {
            let path = CoveragePage.path(file.path)
            page += CoveragePage.row(
                "<a href=\"#f\(index)\">\(path)</a>", file.lineShare, file.functionShare,
                file.branchShare)
        }
        page += "</tbody>\n<tfoot>"
        page += CoveragePage.row("all files", lineShare, functionShare, branchShare)
        page += "</tfoot>\n</table>\n"
        if unmappedFunctions > 0 {
            page += "<p>\(unmappedFunctions) functions without lines are left out.</p>\n"
        }
        var bytesLeft = sourceBytes
        for (index, file) in files.enumerated() {
            var text = file.text
            if text == nil, bytesLeft > 0 { text = source(file.path) }
            bytesLeft -= text?.utf8.count ?? 0
            page += CoveragePage.section(file, index, text)
        }
        return page + "</body>\n</html>\n"
    }
}

/// The parts of the page of a coverage.
private enum CoveragePage {
    /// Of the sources behind that only the lines are shown that code comes from: a guest may have
    /// any number of names for one of them.
    static var sourceBytesLimit: Int { 64 << 20 }

    static func path(_ path: String) -> String { HTMLText.escaped(PrintableText.path(path)) }

    /// A line of the table of files.
    static func row(
        _ name: String, _ lines: Coverage.Share, _ functions: Coverage.Share,
        _ branches: Coverage.Share
    ) -> String {
        let width = lines.total == 0 ? 0 : Int((lines.fraction * 100).rounded(.down))
        let bar =
            "<td class=\"bar\"><span class=\"\(level(lines))\"><i style=\"width:\(width)%\">"
            + "</i></span>"
        return "<tr><td>\(name)\(bar)\(share(lines))\(share(functions))\(share(branches))\n"
    }

    private static func share(_ share: Coverage.Share) -> String {
        "<td class=\"\(level(share))\">\(share.percent)<td>\(share.covered)/\(share.total)"
    }

    /// How good a share is, as others colour it.
    private static func level(_ share: Coverage.Share) -> String {
        share.total == 0
            ? "none"
            : share.fraction >= 0.9
                ? "high"
                : share.fraction >= 0.75 ? "medium" : "low"
    }

    // MARK: Files

    static func section(_ file: Coverage.File, _ index: Int, _ text: String?) -> String {
        var section = "<section id=\"f\(index)\">\n<h2>\(path(file.path))</h2>\n"
        section += functions(file, index)
        section += "<table class=\"source\">\n"
        if let text {
            let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
            section += rows(file, index, lines, shown: file.text == nil ? nil : called(file))
        } else {
            section += rows(file, index, [], shown: nil)
        }
        return section + "</table>\n</section>\n"
    }

    private static func functions(_ file: Coverage.File, _ index: Int) -> String {
        var list = "<details><summary>\(file.functions.count) functions</summary>\n<table>\n"
        for function in file.functions {
            let kind = function.count > 0 ? "hit" : "miss"
            let name = HTMLText.escaped(PrintableText.name(function.name))
            list += "<tr class=\"\(kind)\"><td class=\"count\">\(function.count)"
            list += "<td><a href=\"#f\(index)l\(function.line)\">\(name)</a>\n"
        }
        return list + "</table>\n</details>\n"
    }

    /// The lines of the functions that were called, in a module as text.
    private static func called(_ file: Coverage.File) -> [Range<Int>] {
        file.functions.indices.filter { file.functions[$0].count > 0 }.map { place in
            let next = place + 1
            let end = next < file.functions.count ? file.functions[next].line : Int.max
            return file.functions[place].line..<max(end, file.functions[place].line)
        }
    }

    /// The lines that there are, those in `shown` only, or those that something is known of if
    /// there are none.
    private static func rows(
        _ file: Coverage.File, _ index: Int, _ lines: [Substring], shown: [Range<Int>]?
    ) -> String {
        var counts = file.lines[...]
        var branches = file.branches[...]
        var ranges = shown?[...]
        var rows = ""
        let end = max(lines.count, file.lines.last?.number ?? 0)
        var number = 0
        while number < end {
            number += 1
            // Which numbers lines have is a guest's to say: none is shown that is not there, unless
            // something is known of it.
            if number > lines.count, let next = counts.first?.number { number = max(number, next) }
            while let branch = branches.first, branch.line < number { branches.removeFirst() }
            let ways = branches.prefix { $0.line == number }
            var count: UInt64?
            if let line = counts.first, line.number == number {
                count = line.count
                counts.removeFirst()
            }
            if let next = ranges?.first, next.upperBound <= number { ranges?.removeFirst() }
            if ranges?.first?.contains(number) == false || ranges?.isEmpty == true { continue }
            let text = number <= lines.count ? String(lines[number - 1]) : ""
            rows += row(number, index, count, ways, text)
        }
        return rows
    }

    private static func row(
        _ number: Int, _ index: Int, _ count: UInt64?, _ branches: ArraySlice<Coverage.Branch>,
        _ text: String
    ) -> String {
        let isPartial = branches.contains { branch in
            branch.counts.contains { $0 > 0 } && branch.counts.contains(0)
        }
        let kind = count.map { $0 == 0 ? "miss" : isPartial ? "part" : "hit" } ?? "none"
        let marks = branches.map { branch in
            let ways = branch.counts.prefix(waysShown)
            let rest = branch.counts.count - ways.count
            let text = ways.map { $0 > 0 ? "+" : "−" }.joined() + (rest > 0 ? "…" : "")
            let title = ways.map(String.init).joined(separator: ", ")
            return "<span title=\"branch \(branch.number): \(title)\">\(text)</span>"
        }
        return """
            <tr id="f\(index)l\(number)" class="\(kind)"><td class="number">\(number)\
            <td class="count">\(count.map(String.init) ?? "")\
            <td class="ways">\(marks.joined(separator: " "))\
            <td class="text">\(HTMLText.escaped(PrintableText.line(text)))

            """
    }

    /// Of a large table of branches no more ways are shown.
    private static var waysShown: Int { 32 }

    static let style = """
        :root { color-scheme: light dark; --text: #222; --back: #fff; --faint: #777;
          --rule: #ddd; --hit: #d9f2d9; --part: #fdf0c4; --miss: #fbd9d6; --high: #4caf50;
          --medium: #e0a800; --low: #d9534f; }
        @media (prefers-color-scheme: dark) {
          :root { --text: #ddd; --back: #1b1b1b; --faint: #888; --rule: #3a3a3a; --hit: #1f3a22;
            --part: #453a14; --miss: #4a2220; }
        }
        body { font: 14px system-ui, sans-serif; margin: 1em; color: var(--text);
          background: var(--back); }
        h1 { font-size: 1.3em; margin: 0 0 .6em; } h2 { font-size: 1.05em; margin: 2em 0 .4em; }
        a { color: inherit; } details { margin-bottom: .5em; }
        table { border-collapse: collapse; } td, th { text-align: left; padding: 1px .8em 1px 0; }
        .files td { border-top: 1px solid var(--rule); font-variant-numeric: tabular-nums; }
        .files td:nth-child(n+3) { text-align: right; }
        .files tfoot td { font-weight: bold; }
        .bar span { display: block; width: 10em; height: .8em; background: var(--rule);
          border-radius: 2px; overflow: hidden; }
        .bar i { display: block; height: 100%; background: var(--low); }
        .bar .high i { background: var(--high); } .bar .medium i { background: var(--medium); }
        .source, details table { font: 12px/1.45 ui-monospace, monospace; }
        .source { width: 100%; }
        .source td { padding: 0 .6em; white-space: pre; tab-size: 4; }
        .number, .count, .ways { width: 1%; text-align: right; color: var(--faint);
          user-select: none; }
        .count { color: var(--text); } .ways { text-align: left; }
        .hit .count, .hit .ways { background: var(--hit); }
        .part .count, .part .ways { background: var(--part); }
        .miss td:not(.number) { background: var(--miss); }
        tr:target .number { outline: 2px solid var(--medium); }
        """
}
