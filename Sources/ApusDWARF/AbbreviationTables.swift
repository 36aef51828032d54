/// The tables of abbreviations that units name: often all of them name one.
struct AbbreviationTables {
    private var known: [Int: Abbreviations] = [:]
    private var size = 0

    /// How many shapes and attributes are kept altogether. Tables may overlap, so that there are
    /// as many as there are bytes, each as long as their section.
    private static var sizeLimit: Int { 1 << 18 }

    /// The table at `offset` of its section.
    mutating func table(
        at offset: Int, _ sections: DebugSections, _ budget: inout WorkBudget
    ) throws(MalformedDebugInformation) -> Abbreviations {
        if let table = known[offset] { return table }
        let table = try Abbreviations(sections, at: offset, &budget)
        if size + table.size > Self.sizeLimit {
            known.removeAll()
            size = 0
        }
        known[offset] = table
        size += table.size
        return table
    }
}
