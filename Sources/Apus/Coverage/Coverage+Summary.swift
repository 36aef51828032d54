internal import ApusCollections
internal import ApusFormat

extension Coverage {
    /// A table for people: of each file, how many of its lines, functions and branches have been
    /// run, and of all of them.
    public var summary: String {
        var rows = [["", "Lines", "", "Functions", "", "Branches", ""]]
        for file in files {
            rows.append(
                Self.row(
                    PrintableText.path(file.path), file.lineShare, file.functionShare,
                    file.branchShare))
        }
        if files.count != 1 {
            rows.append(Self.row("all files", lineShare, functionShare, branchShare))
        }
        let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        let lines = rows.map { row in
            var line = ""
            for (column, cell) in row.enumerated() where column < 5 || !cell.isEmpty {
                let spaces = String(repeating: " ", count: widths[column] - cell.count)
                line += column == 0 ? cell + spaces : "  " + spaces + cell
            }
            return line
        }
        return lines.joined(separator: "\n") + "\n" + Self.left(unmappedFunctions)
    }

    /// A word about functions that are left out.
    private static func left(_ count: Int) -> String {
        count == 0 ? "" : "\(count) functions without lines are left out\n"
    }

    private static func row(
        _ name: String, _ lines: Share, _ functions: Share, _ branches: Share
    ) -> [String] {
        [name]
            + [lines, functions, branches].flatMap { ["\($0.covered)/\($0.total)", $0.percent] }
    }
}

extension Coverage.Share {
    /// For people: with a digit behind the point, and 100 only if that is all.
    var percent: String {
        if total == 0 { return "-" }
        let tenths = covered == total ? 1000 : min(Int((fraction * 1000).rounded()), 999)
        return "\(tenths / 10).\(tenths % 10)%"
    }
}
