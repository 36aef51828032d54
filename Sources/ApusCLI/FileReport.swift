internal import ApusFormat

/// What is in a file, for people and for tools.
protocol FileReport {
    /// Lines for people.
    var text: String { get }
    /// For tools.
    var json: JSONValue { get }
}

extension FileReport {
    /// All of it, in one of the two forms.
    func text(asJSON: Bool) -> String { asJSON ? json.text + "\n" : text }

    /// An offset, as people read it.
    static func hexadecimal(_ offset: Int) -> String { "0x" + String(offset, radix: 16) }

    /// Sections: their names, where they are, and how many bytes they have.
    static func table(ofSections sections: [(name: String, range: Range<Int>)]) -> TextTable {
        var table = TextTable(numbers: [1, 2])
        for (name, range) in sections {
            table.add(
                PrintableText.name(name), "at \(hexadecimal(range.lowerBound))",
                "\(range.count) bytes")
        }
        return table
    }
}
