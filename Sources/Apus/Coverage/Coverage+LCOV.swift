internal import ApusFormat

extension Coverage {
    /// The coverage as `lcov`, `genhtml` and many others read it (“tracefile”).
    public var lcov: String {
        var text = ""
        for file in files {
            text += "TN:\nSF:\(PrintableText.path(file.path))\n"
            for function in file.functions { text += "FN:\(function.line),\(function.key)\n" }
            for function in file.functions { text += "FNDA:\(function.count),\(function.key)\n" }
            text += Self.totals("FN", file.functionShare)
            for branch in file.branches {
                // What was never come to has no counts.
                let isReached = branch.counts.contains { $0 > 0 }
                for way in branch.counts.indices {
                    let count = isReached ? "\(branch.counts[way])" : "-"
                    text += "BRDA:\(branch.line),\(branch.number),\(way),\(count)\n"
                }
            }
            text += Self.totals("BR", file.branchShare)
            for line in file.lines { text += "DA:\(line.number),\(line.count)\n" }
            text += Self.totals("L", file.lineShare)
            text += "end_of_record\n"
        }
        return text
    }

    private static func totals(_ kind: String, _ share: Share) -> String {
        "\(kind)F:\(share.total)\n\(kind)H:\(share.covered)\n"
    }
}

extension Coverage.Function {
    /// Its name, which readers must not take for a number of a line and a name.
    fileprivate var key: String {
        let name = PrintableText.path(name)
        return name.first?.isNumber == true ? "_" + name : name
    }
}
