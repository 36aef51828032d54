import ApusDWARF

/// Single questions, with a budget for each.
extension SourceIndex {
    func frames(at offset: Int) -> [SourceFrame] {
        var budget = WorkBudget.lookup
        return frames(at: offset, &budget)
    }

    func lines(in offsets: Range<Int>) -> SourceLines<Int> {
        var budget = WorkBudget.lookup
        return lines(in: offsets, &budget)
    }

    func variables(at offset: Int) -> [[SourceVariable]] {
        var budget = WorkBudget.lookup
        return variables(at: offset, &budget)
    }

    func globalVariables(at offset: Int) -> [SourceVariable] {
        var budget = WorkBudget.lookup
        return globalVariables(at: offset, &budget)
    }

    func globalVariable(named name: String, at offset: Int) -> SourceVariable? {
        var budget = WorkBudget.lookup
        return globalVariable(named: name, at: offset, &budget)
    }

    func type(_ id: SourceTypeID) -> SourceType? {
        var budget = WorkBudget.lookup
        return type(id, &budget)
    }
}
