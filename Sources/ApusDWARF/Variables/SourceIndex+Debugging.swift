internal import ApusCollections

/// What debuggers want to know of a module's sources.
extension SourceIndex {
    /// The variables of the functions of the source that the instruction at `offset` of the module
    /// belongs to: one list for each function, the innermost first, and in each the innermost
    /// variables last.
    public func variables(at offset: Int, _ budget: inout WorkBudget) -> [[SourceVariable]] {
        guard let address = address(offset) else { return [] }
        return look(&budget) { $0.variables(at: address) } ?? []
    }

    /// The variables that belong to no function, of the file that the instruction at `offset` of
    /// the module comes from.
    public func globalVariables(at offset: Int, _ budget: inout WorkBudget) -> [SourceVariable] {
        guard let address = address(offset) else { return [] }
        return look(&budget) { $0.globalVariables(at: address) } ?? []
    }

    /// The variable called `name` that belongs to no function, seen from the instruction at
    /// `offset` of the module.
    public func globalVariable(
        named name: String, at offset: Int, _ budget: inout WorkBudget
    ) -> SourceVariable? {
        guard let address = address(offset) else { return nil }
        return look(&budget) { $0.globalVariable(named: name, at: address) } ?? nil
    }

    /// The type that `id` names; nil if there is none, or `budget` is spent.
    public func type(_ id: SourceTypeID, _ budget: inout WorkBudget) -> SourceType? {
        look(&budget) { $0.type(id) } ?? nil
    }

    /// Where the code of line `line` of the file begins whose path is or ends in `path`: in each
    /// function that has some, behind what it begins with. If that line has no code, of the next
    /// one that has. Of a source map, which knows no functions, each time that the line is begun.
    public func offsets(ofLine line: Int, in path: String) -> [(offset: Int, line: Int)] {
        var budget = budget
        let found = look(&budget) { $0.addresses(ofLine: line, in: path) } ?? []
        if found.isEmpty, let map { return map.offsets(ofLine: line, in: path) }
        return found.map { (Int($0.address) + codeStart, $0.line) }
    }

    /// The paths of all files that code comes from.
    public var paths: [String] {
        var budget = budget
        let found = look(&budget) { $0.allPaths() } ?? []
        return found.union(map?.paths ?? []).sorted()
    }

    private func address(_ offset: Int) -> UInt32? { UInt32(exactly: offset - codeStart) }
}
