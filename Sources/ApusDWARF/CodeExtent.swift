internal import ApusCollections

/// Where an entry's code is: from one address to another, or a list of ranges. Specification: DWARF
/// 5, 2.17.
struct CodeExtent {
    private(set) var low: AttributeValue?
    private var high: AttributeValue?
    private var list: AttributeValue?

    /// Takes `value` if attribute `name` says something about this.
    mutating func take(_ name: UInt32, _ value: AttributeValue) -> Bool {
        switch name {
        case AttributeName.lowAddress: low = value
        case AttributeName.highAddress: high = value
        case AttributeName.ranges: list = value
        default: return false
        }
        return true
    }

    /// Whether there is anything to know.
    var isKnown: Bool { list != nil || (low != nil && high != nil) }

    /// The ranges, without those of code that was left out.
    func ranges(
        of unit: CompilationUnit, _ sections: DebugSections, _ budget: inout WorkBudget
    ) throws(MalformedDebugInformation) -> [Range<UInt32>] {
        if let list { return try listed(list, unit, sections, &budget) }
        guard let low, let high, let start = unit.address(low, sections) else { return [] }
        let end: UInt64
        if case .constant(let length) = high {
            end = start &+ length
        } else {
            guard let address = unit.address(high, sections) else { return [] }
            end = address
        }
        return Self.range(start, end).map { [$0] } ?? []
    }

    /// Code is never at 0, where the section has the number of its functions. That, and the highest
    /// addresses, are where linkers put what they leave out.
    private static func range(_ start: UInt64, _ end: UInt64) -> Range<UInt32>? {
        guard start > 0, start < end, end < UInt64(UInt32.max) - 1 else { return nil }
        return UInt32(start)..<UInt32(end)
    }

    private func listed(
        _ list: AttributeValue, _ unit: CompilationUnit, _ sections: DebugSections,
        _ budget: inout WorkBudget
    ) throws(MalformedDebugInformation) -> [Range<UInt32>] {
        guard var reader = try AddressListReader(list, .ranges, of: unit, sections) else {
            return []
        }
        var ranges: [Range<UInt32>] = []
        while true {
            let start = reader.position
            guard let entry = try reader.next() else { return ranges }
            try budget.spend(1 + reader.position - start, at: start)
            if let range = Self.range(entry.start, entry.end) { ranges.append(range) }
        }
    }
}
