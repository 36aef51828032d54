/// A file of a `Coverage` as it is being made.
struct CoverageFileBuilder {
    private var lines: [Int: UInt64] = [:]
    private var functions: [Coverage.Function.Place: UInt64] = [:]
    private var branches: [Coverage.Branch.Place: Coverage.Branch] = [:]
    private var text: String?

    /// Adds what another file says of the same source.
    mutating func add(_ file: Coverage.File) {
        for line in file.lines { addLine(line.number, line.count) }
        for function in file.functions {
            addFunction(function.name, at: function.line, function.count)
        }
        for branch in file.branches { addBranch(at: branch.line, branch.number, branch.counts) }
        text = text ?? file.text
    }

    mutating func addLine(_ number: Int, _ count: UInt64) {
        lines[number] = Coverage.sum(lines[number] ?? 0, count)
    }

    mutating func addFunction(_ name: String, at line: Int, _ count: UInt64) {
        let place = Coverage.Function.Place(line: line, name: name)
        functions[place] = Coverage.sum(functions[place] ?? 0, count)
    }

    mutating func addBranch(at line: Int, _ number: Int, _ counts: [UInt64]) {
        let place = Coverage.Branch.Place(line: line, number: number)
        let none = Coverage.Branch(line: line, number: number, counts: [])
        branches[place, default: none].add(counts)
    }

    /// All that was added, in order.
    func file(at path: String) -> Coverage.File {
        var file = Coverage.File(path: path)
        file.lines = lines.map { Coverage.Line(number: $0, count: $1) }
            .sorted { $0.number < $1.number }
        file.functions = functions.map {
            Coverage.Function(name: $0.name, line: $0.line, count: $1)
        }
        .sorted { $0.place < $1.place }
        file.branches = branches.values.sorted { $0.place < $1.place }
        file.text = text
        return file
    }
}
