internal import ApusCollections

/// Which line of a unit's sources each instruction comes from.
struct LineTable {
    /// From `address` on, up to the next row's.
    struct Row {
        var address: UInt32
        var line: UInt32
        var file: UInt32
        var column: UInt16
    }

    /// Rows of ascending addresses up to `end`: usually one function's.
    struct Sequence {
        var start: UInt32
        var end: UInt32
        /// In `rows`.
        var rows: Range<Int>
    }

    /// A file that rows name.
    struct File {
        var name: AttributeValue
        var directory: Int
    }

    var rows: [Row] = []
    /// Ascending by start.
    var sequences: [Sequence] = []
    var directories: [AttributeValue] = []
    var files: [File] = []
    /// The number of the first file: 1 before version 5.
    var firstFile = 0

    /// The row that `address` belongs to, or if that is of no line, as instructions are that serve
    /// several, the last one before it that is of one.
    func row(at address: UInt32) -> Row? {
        let place = sequences.partitioningIndex { $0.start > address } - 1
        guard place >= 0, address < sequences[place].end else { return nil }
        let rows = rows[sequences[place].rows]
        var row = rows.partitioningIndex { $0.address > address } - 1
        while row >= rows.startIndex, rows[row].line == 0 { row -= 1 }
        return row >= rows.startIndex ? rows[row] : nil
    }

    /// The rows for addresses in `range`, the one that it begins in included.
    func rows(in range: Range<UInt32>) -> ArraySlice<Row> {
        // It may begin before the range does, or the other way round.
        let place = sequences.partitioningIndex { $0.end > range.lowerBound }
        guard place < sequences.count, sequences[place].start < range.upperBound else {
            return []
        }
        let rows = rows[sequences[place].rows]
        let first = max(
            rows.partitioningIndex { $0.address > range.lowerBound } - 1, rows.startIndex)
        let end = rows.partitioningIndex { $0.address >= range.upperBound }
        return rows[first..<max(first, end)]
    }

    /// File number `number`, as rows and attributes have it.
    func file(_ number: UInt32) -> File? {
        let index = Int(number) - firstFile
        return files.indices.contains(index) ? files[index] : nil
    }
}
