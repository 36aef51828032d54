internal import ApusFormat

extension Exploration {
    /// A page that shows all forms of the functions side by side, for any browser: it needs nothing
    /// but itself, and asks nobody for anything.
    ///
    /// Lines that come from the same instructions have the same colour, and light up together under
    /// the pointer; a click brings them into view in all columns. `#f12@345` behind the page's
    /// address opens function 12 with the instruction at offset 345 of the module.
    public func page(title: String) -> String {
        let title = HTMLText.escaped(PrintableText.path(title))
        return """
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width">
            <meta http-equiv="Content-Security-Policy" content="default-src 'none'; \
            style-src 'unsafe-inline'; script-src 'unsafe-inline'">
            <title>\(title)</title>
            <style>
            \(ExplorationPage.style)
            </style>
            </head>
            <body>
            <header>
            <h1>\(title)</h1>
            <span id="summary">\(HTMLText.escaped(summary))</span>
            <span id="toggles" role="group" aria-label="Columns"></span>
            </header>
            \(notes.map { "<p class=\"remark\">\(HTMLText.escaped($0))</p>\n" }.joined())<main>
            <nav aria-label="Functions">
            <input id="search" type="search" placeholder="Find functions ( / )" \
            aria-label="Find functions">
            <div id="list" class="scroller" tabindex="0"></div>
            </nav>
            <div id="columns"></div>
            </main>
            <footer id="detail">&nbsp;</footer>
            <script>
            const data = \(json);
            \(ExplorationPage.script)
            </script>
            </body>
            </html>

            """
    }

    private var summary: String {
        let baseline = functions.reduce(0) { $0 + $1.baselineBytes }
        let optimizing = functions.reduce(0) { $0 + $1.optimizingBytes }
        let count = functions.count
        return "\(count) function\(count == 1 ? "" : "s"), of a module of \(moduleBytes) bytes; "
            + "machine code: \(baseline) bytes baseline, \(optimizing) bytes optimizing"
    }

    /// What there is to be said of what is not on the page.
    private var notes: [String] {
        var notes: [String] = []
        if definedCount == 0 { notes.append("The module defines no functions.") }
        if functions.count < requestedCount {
            notes.append(
                "\(functions.count) of \(requestedCount) functions are shown: "
                    + "the others would make the page too large.")
        }
        if !missingSources.isEmpty {
            let shown = missingSources.prefix(5).map(PrintableText.path).joined(separator: ", ")
            let rest = missingSources.count - min(missingSources.count, 5)
            notes.append(
                "Sources that were not read, of which only the numbers of lines are shown: "
                    + shown + (rest > 0 ? " and \(rest) more" : "") + ".")
        }
        return notes
    }

    // MARK: Data

    /// Files, and functions as [index, name, body start, body end, bytes of baseline code, of
    /// optimized code, columns, source lines, source places]. A column is [its lines, the offsets
    /// of the lines], where offsets count from the body's start, and 0 is none.
    private var json: String {
        var files: [String: Int] = [:]
        var paths: [String] = []
        var last: (file: String, number: Int)?
        /// Lines of one file follow each other: only the first is looked for.
        func number(of file: String) -> Int {
            if let last, last.file == file { return last.number }
            let number = files[file] ?? paths.count
            if number == paths.count {
                files[file] = number
                paths.append(PrintableText.path(file))
            }
            last = (file, number)
            return number
        }
        let list = functions.map { function in
            let columns = function.stages.map { Self.column($0, from: function.body.lowerBound) }
            let sources = function.sources.map { line in
                let text = line.text.map { ",\(JSONText.quoted(PrintableText.line($0)))" } ?? ""
                return "[\(number(of: line.file)),\(line.line)\(text)]"
            }
            let places = function.sourcePlaces.map { place in
                "[\(place.offset - function.body.lowerBound),\(place.line ?? -1)]"
            }
            // Whole, but with nothing in it that changes how others are seen.
            let name = PrintableText.path(function.name ?? "")
            return "[\(function.index),\(JSONText.quoted(name)),"
                + "\(function.body.lowerBound),\(function.body.upperBound),"
                + "\(function.baselineBytes),\(function.optimizingBytes),"
                + "[\(columns.joined(separator: ","))],[\(sources.joined(separator: ","))],"
                + "[\(places.joined(separator: ","))]]"
        }
        return "{files:[\(paths.map(JSONText.quoted).joined(separator: ","))],\n"
            + "functions:[\(list.joined(separator: ",\n"))]}"
    }

    private static func column(_ lines: [Line], from start: Int) -> String {
        let text = lines.map(\.text).joined(separator: "\n")
        let offsets = lines.map { line in "\(line.offset.map { max($0 - start, 0) } ?? 0)" }
        return "[\(JSONText.quoted(text)),[\(offsets.joined(separator: ","))]]"
    }
}

/// Text in pages.
enum HTMLText {
    static func escaped(_ text: String) -> String {
        text.replacing("&", with: "&amp;").replacing("<", with: "&lt;")
            .replacing(">", with: "&gt;").replacing("\"", with: "&quot;")
    }
}
