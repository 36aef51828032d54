internal import ApusCollections

extension DebugInformation {
    /// Who asks for a variable looks at its place and its type afterwards.
    private static var stepsOfVariable: Int { 64 }
    /// As many as frames are told of.
    private static var depthLimit: Int { 64 }

    /// The variables of the functions of the source that the instruction at `address` belongs to:
    /// one list for each function, the innermost first, and in each the innermost variables last.
    mutating func variables(at address: UInt32) -> [[SourceVariable]] {
        guard let index = unit(at: address) else { return [] }
        let entries = self.entries(ofUnit: index).entries
        guard
            let function = entries.firstIndex(where: { entry in
                entry.tag == EntryTag.subprogram && entry.ranges.contains { $0.contains(address) }
            })
        else { return [] }
        var lists: [[SourceVariable]] = [[]]
        let frameBase = entries[function].frameBase
        var next = function + 1
        while next < entries[function].end, !lookup.isSpent {
            let entry = entries[next]
            lookup.take(1 + entry.ranges.count)
            switch entry.tag {
            case EntryTag.variable, EntryTag.formalParameter:
                if let variable = variable(entry, index, frameBase: frameBase, at: address) {
                    lists[lists.count - 1].append(variable)
                }
            case EntryTag.lexicalBlock where entry.ranges.contains { $0.contains(address) }: break
            case EntryTag.inlinedSubroutine where entry.ranges.contains { $0.contains(address) }:
                if lists.count == Self.depthLimit { return lists.reversed() }
                lists.append([])
            default:
                next = max(entry.end, next + 1)
                continue
            }
            next += 1
        }
        return lists.reversed()
    }

    /// The variables that belong to no function, of the unit that the code at `address` is of.
    mutating func globalVariables(at address: UInt32) -> [SourceVariable] {
        guard let index = unit(at: address) else { return [] }
        return globalVariables(ofUnit: index)
    }

    /// The variable of that name that belongs to no function: of the unit that has the code at
    /// `address`, or else of any.
    mutating func globalVariable(named name: String, at address: UInt32) -> SourceVariable? {
        let own = unit(at: address)
        for index in [own].compactMap(\.self) + unitIndices.filter({ $0 != own }) {
            let found = globalVariables(ofUnit: index).first { variable in
                variable.name == name && variable.location != nil
            }
            if let found { return found }
        }
        return nil
    }

    private mutating func globalVariables(ofUnit index: Int) -> [SourceVariable] {
        let entries = self.entries(ofUnit: index).entries
        var found: [SourceVariable] = []
        var next = 1
        while next < entries.count, !lookup.isSpent {
            let entry = entries[next]
            lookup.take(1)
            if entry.tag == EntryTag.variable, !entry.isDeclaration,
                let variable = variable(entry, index, frameBase: nil)
            {
                found.append(variable)
            }
            next = entry.tag == EntryTag.namespace ? next + 1 : max(entry.end, next + 1)
        }
        return found
    }

    private mutating func variable(
        _ entry: DebugEntry, _ index: Int, frameBase: Range<Int>?, at address: UInt32? = nil
    ) -> SourceVariable? {
        lookup.take(Self.stepsOfVariable)
        var name = entry.name.flatMap { text($0, of: unit(index)) }
        var type = entry.type
        var origin = entry.origin
        var hops = 0
        while let offset = origin, hops < 6, name == nil || type == nil {
            guard let (other, unit) = self.entry(at: offset) else { break }
            name = name ?? other.name.flatMap { text($0, of: self.unit(unit)) }
            type = type ?? other.type
            origin = other.origin
            hops += 1
        }
        guard let name, !name.isEmpty else { return nil }
        return SourceVariable(
            name: name, type: type.map(SourceTypeID.init),
            isParameter: entry.tag == EntryTag.formalParameter,
            location: location(of: entry, index, frameBase, address))
    }

    private mutating func location(
        of entry: DebugEntry, _ index: Int, _ frameBase: Range<Int>?, _ address: UInt32?
    ) -> SourceExpression? {
        var range = entry.location
        if range == nil, let list = entry.locationList, let address {
            range = expression(of: list, unit(index), at: address)
        }
        guard range != nil || entry.constant != nil else { return nil }
        lookup.take(range?.count ?? 0)
        return SourceExpression(
            bytes: sections.bytes, range: range ?? 0..<0, frameBase: frameBase,
            addressBytes: unit(index).encoding.addressBytes,
            address: namedAddress(ofUnit: index, for: range),
            constant: range == nil ? entry.constant : nil)
    }

    /// The address that an expression names by its index, if it begins with that.
    private func namedAddress(
        ofUnit index: Int, for range: Range<Int>?
    ) -> (index: Int, value: UInt64)? {
        guard let range, !range.isEmpty,
            sections.bytes.span[range.lowerBound] == ExpressionOperation.addressIndex
        else { return nil }
        var reader = DebugReader(sections.bytes, range.dropFirst().startIndex..<range.upperBound)
        guard let place = try? reader.count(),
            let address = unit(index).address(.addressIndex(place), sections)
        else { return nil }
        return (place, address)
    }

    /// The entry at `offset` of the section, and the unit that it is in.
    mutating func entry(at offset: Int) -> (entry: DebugEntry, unit: Int)? {
        lookup.take(1)
        guard !lookup.isSpent, let unit = unitIndex(atEntry: offset) else { return nil }
        let entries = self.entries(ofUnit: unit)
        return entries.position(at: offset).map { (entries.entries[$0], unit) }
    }

    /// The unit whose entries include the one at `offset` of the section.
    mutating func unitIndex(atEntry offset: Int) -> Int? {
        let place = sections[.information].lowerBound + offset
        let found = unitIndices.partitioningIndex { unit($0).entries.upperBound > place }
        guard found < unitIndices.count, unit(found).entries.contains(place) else { return nil }
        return found
    }
}
