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
        if unit.encoding.version < 5 {
            guard let offset = list.offset else { return [] }
            return try Self.oldRanges(at: offset, unit, sections, &budget)
        }
        var offset = list.offset
        if case .rangeListIndex(let index) = list {
            let place = unit.rangeListsBase + index * unit.encoding.offsetBytes
            var reader = try sections.reader(.rangeLists, at: place)
            offset = unit.rangeListsBase + (try reader.offset(unit.encoding.offsetBytes))
        }
        guard let offset else { return [] }
        return try Self.ranges(at: offset, unit, sections, &budget)
    }

    /// As they were written before version 5.
    private static func oldRanges(
        at offset: Int, _ unit: CompilationUnit, _ sections: DebugSections,
        _ budget: inout WorkBudget
    ) throws(MalformedDebugInformation) -> [Range<UInt32>] {
        let bytes = unit.encoding.addressBytes
        let newBase: UInt64 = bytes == 4 ? 0xFFFF_FFFF : .max
        var reader = try sections.reader(.ranges, at: offset)
        var base = unit.lowAddress
        var ranges: [Range<UInt32>] = []
        while true {
            try budget.spend(at: reader.position)
            let start = try reader.unsigned(bytes)
            let end = try reader.unsigned(bytes)
            if start == 0, end == 0 { return ranges }
            if start == newBase {
                base = end
            } else if let range = range(base &+ start, base &+ end) {
                ranges.append(range)
            }
        }
    }

    /// Specification: DWARF 5, 2.17.3 and 7.25.
    private static func ranges(
        at offset: Int, _ unit: CompilationUnit, _ sections: DebugSections,
        _ budget: inout WorkBudget
    ) throws(MalformedDebugInformation) -> [Range<UInt32>] {
        let bytes = unit.encoding.addressBytes
        var reader = try sections.reader(.rangeLists, at: offset)
        var base = unit.lowAddress
        var ranges: [Range<UInt32>] = []
        func indexed(_ index: Int) -> UInt64 { unit.address(.addressIndex(index), sections) ?? 0 }
        while true {
            try budget.spend(at: reader.position)
            let start: UInt64
            let end: UInt64
            switch try reader.byte() {
            case 0: return ranges
            case 1:
                base = indexed(try reader.count())
                continue
            case 2:
                start = indexed(try reader.count())
                end = indexed(try reader.count())
            case 3:
                start = indexed(try reader.count())
                end = start &+ (try reader.leb())
            case 4:
                start = base &+ (try reader.leb())
                end = base &+ (try reader.leb())
            case 5:
                base = try reader.unsigned(bytes)
                continue
            case 6:
                start = try reader.unsigned(bytes)
                end = try reader.unsigned(bytes)
            case 7:
                start = try reader.unsigned(bytes)
                end = start &+ (try reader.leb())
            default: throw reader.malformed()
            }
            if let range = range(start, end) { ranges.append(range) }
        }
    }
}
