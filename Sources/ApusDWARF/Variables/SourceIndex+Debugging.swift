/// What debuggers want to know of a module's sources.
extension SourceIndex {
    /// The variables of the functions of the source that the instruction at `offset` of the module
    /// belongs to: one list for each function, the innermost first, and in each the innermost
    /// variables last.
    public func variables(at offset: Int) -> [[SourceVariable]] {
        look(offset) { $0.variables(at: $1) } ?? []
    }

    /// The variables that belong to no function, of the file that the instruction at `offset` of
    /// the module comes from.
    public func globalVariables(at offset: Int) -> [SourceVariable] {
        look(offset) { $0.globalVariables(at: $1) } ?? []
    }

    /// The variable called `name` that belongs to no function, seen from the instruction at
    /// `offset` of the module.
    public func globalVariable(named name: String, at offset: Int) -> SourceVariable? {
        look(offset) { $0.globalVariable(named: name, at: $1) } ?? nil
    }

    /// The type that `id` names.
    public func type(_ id: SourceTypeID) -> SourceType? {
        var found: SourceType?
        withInformation { found = $0.type(id) }
        return found
    }

    /// Where the code of line `line` of the file begins whose path is or ends in `path`: in each
    /// function that has some, behind what it begins with. If that line has no code, of the next
    /// one that has.
    public func offsets(ofLine line: Int, in path: String) -> [(offset: Int, line: Int)] {
        var found: [(address: UInt32, line: Int)] = []
        withInformation { found = $0.addresses(ofLine: line, in: path) }
        return found.map { (Int($0.address) + codeStart, $0.line) }
    }

    /// The paths of all files that code comes from.
    public var paths: [String] {
        var found: Set<String> = []
        withInformation { found = $0.allPaths() }
        return found.sorted()
    }

    private func look<Result>(
        _ offset: Int, _ body: (inout DebugInformation, UInt32) -> Result
    ) -> Result? {
        guard let address = UInt32(exactly: offset - codeStart) else { return nil }
        var found: Result?
        withInformation { found = body(&$0, address) }
        return found
    }
}
