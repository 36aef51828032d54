/// Rows of text for people, whose columns stand below each other.
struct TextTable {
    private var rows: [[String]] = []
    /// Columns of numbers, which are aligned at their ends.
    private let numbers: Set<Int>

    /// A table with a line of `titles` unless there are none.
    init(_ titles: [String] = [], numbers: Set<Int> = []) {
        self.numbers = numbers
        if !titles.isEmpty { rows.append(titles) }
    }

    mutating func add(_ row: String...) { rows.append(row) }

    /// A line for each row, indented.
    var text: String {
        var widths: [Int] = []
        for row in rows {
            for (column, cell) in row.enumerated() {
                if column == widths.count { widths.append(0) }
                widths[column] = max(widths[column], cell.count)
            }
        }
        return rows.map { row in
            let cells = row.enumerated().map { column, cell in
                let room = String(repeating: " ", count: widths[column] - cell.count)
                if numbers.contains(column) { return room + cell }
                return column == row.count - 1 ? cell : cell + room
            }
            return "  \(cells.joined(separator: "  "))\n"
        }.joined()
    }
}
