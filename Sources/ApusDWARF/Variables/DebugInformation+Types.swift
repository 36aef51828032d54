internal import ApusCollections

extension DebugInformation {
    /// The type that `id` names.
    mutating func type(_ id: SourceTypeID) -> SourceType? {
        var qualifiers = ""
        var alias: String?
        var entry = id.entry
        // What is a type in other words leads to it, not far.
        for _ in 0..<16 {
            guard let (found, unit) = self.entry(at: entry) else { return nil }
            let name = found.name.flatMap { text($0, of: self.unit(unit)) }
            switch found.tag {
            case EntryTag.constType: qualifiers += "const "
            case EntryTag.volatileType: qualifiers += "volatile "
            case EntryTag.typedef: alias = alias ?? name
            case EntryTag.atomicType, EntryTag.restrictType: break
            default:
                let type = type(found, name, unit)
                return type.named(qualifiers + (alias ?? type.name))
            }
            guard let next = found.type else {
                return SourceType(
                    name: qualifiers + (alias ?? "void"), kind: .other, byteCount: 0)
            }
            entry = next
        }
        return nil
    }

    private mutating func type(
        _ entry: DebugEntry, _ name: String?, _ unit: Int
    ) -> SourceType {
        let pointerBytes = UInt64(self.unit(unit).encoding.addressBytes)
        var type = (
            name: name ?? "", kind: SourceType.Kind.other, byteCount: entry.byteSize ?? 0,
            members: [SourceType.Member](), enumerators: [SourceType.Enumerator]()
        )
        switch entry.tag {
        case EntryTag.baseType: type.kind = Self.kind(entry.encoding ?? 0)
        case EntryTag.pointerType, EntryTag.referenceType, EntryTag.rightReferenceType:
            let isPointer = entry.tag == EntryTag.pointerType
            type.kind = isPointer ? .pointer : .reference
            type.byteCount = entry.byteSize ?? pointerBytes
            if type.name.isEmpty { type.name = elementName(entry) + (isPointer ? " *" : " &") }
        case EntryTag.structureType, EntryTag.classType, EntryTag.unionType:
            type.kind = .structure
            type.members = members(of: entry, unit)
            if type.name.isEmpty { type.name = "{…}" }
        case EntryTag.arrayType:
            let counts = counts(of: entry, unit)
            return array(entry, counts, type.name)
        case EntryTag.enumerationType:
            type.kind = .enumeration
            type.enumerators = enumerators(of: entry, unit)
        case EntryTag.subroutineType: type.name = "function"
        default: break
        }
        return SourceType(
            name: type.name, kind: type.kind, byteCount: type.byteCount,
            element: entry.type.map(SourceTypeID.init), members: type.members,
            enumerators: type.enumerators)
    }

    private static func kind(_ encoding: UInt64) -> SourceType.Kind {
        switch encoding {
        case 0x02: .boolean
        case 0x04: .float
        case 0x05, 0x0D: .signed
        case 0x06: .character(isSigned: true)
        case 0x07, 0x01: .unsigned
        case 0x08, 0x10: .character(isSigned: false)
        default: .other
        }
    }

    /// What an entry's type is called; pointers may lead back to where they are, so names end.
    private mutating func elementName(_ entry: DebugEntry) -> String {
        guard var next = entry.type else { return "void" }
        var suffix = ""
        for _ in 0..<8 {
            guard let (found, unit) = self.entry(at: next) else { break }
            if let name = found.name.flatMap({ text($0, of: self.unit(unit)) }) {
                return name + suffix
            }
            if found.tag == EntryTag.pointerType { suffix = " *" + suffix }
            if found.tag == EntryTag.subroutineType { return "function" + suffix }
            guard let inner = found.type else { return "void" + suffix }
            next = inner
        }
        return "…" + suffix
    }

    // MARK: Parts

    private mutating func children(of place: Int, _ entries: DebugEntries) -> [Int] {
        let children = entries.children(of: place)
        lookup.take(children.count)
        return lookup.isSpent ? [] : children
    }

    private mutating func members(of entry: DebugEntry, _ unit: Int) -> [SourceType.Member] {
        let entries = self.entries(ofUnit: unit)
        guard let place = entries.position(at: entry.offset) else { return [] }
        var found: [SourceType.Member] = []
        for child in children(of: place, entries) {
            let member = entries.entries[child]
            guard member.tag == EntryTag.member || member.tag == EntryTag.inheritance,
                !member.isDeclaration
            else { continue }
            let name = member.name.flatMap { text($0, of: self.unit(unit)) } ?? ""
            var offset = member.memberOffset ?? 0
            var bits: Range<UInt64>?
            if let size = member.bitSize, size > 0, size <= 64 {
                let first = member.bitOffset ?? 0
                offset &+= first / 8
                bits = first % 8..<first % 8 + size
            }
            found.append(
                SourceType.Member(
                    name: name, type: member.type.map(SourceTypeID.init), byteOffset: offset,
                    bits: bits))
        }
        return found
    }

    private mutating func enumerators(
        of entry: DebugEntry, _ unit: Int
    ) -> [SourceType.Enumerator] {
        let entries = self.entries(ofUnit: unit)
        guard let place = entries.position(at: entry.offset) else { return [] }
        return children(of: place, entries).compactMap { child in
            let enumerator = entries.entries[child]
            guard enumerator.tag == EntryTag.enumerator, let value = enumerator.constant,
                let name = enumerator.name.flatMap({ text($0, of: self.unit(unit)) })
            else { return nil }
            return SourceType.Enumerator(name: name, value: value)
        }
    }

    /// How many elements an array has in each of its dimensions.
    private mutating func counts(of entry: DebugEntry, _ unit: Int) -> [UInt64] {
        let entries = self.entries(ofUnit: unit)
        guard let place = entries.position(at: entry.offset) else { return [] }
        return children(of: place, entries).compactMap { child in
            let range = entries.entries[child]
            guard range.tag == EntryTag.subrangeType else { return nil }
            return range.count ?? range.upperBound.map { $0 &+ 1 } ?? 0
        }
    }

    private static var dimensionsShown: Int { 8 }

    /// An array; of several dimensions it is one of all their elements.
    private mutating func array(
        _ entry: DebugEntry, _ counts: [UInt64], _ name: String
    ) -> SourceType {
        var count: UInt64 = 1
        for dimension in counts {
            let (product, overflow) = count.multipliedReportingOverflow(by: dimension)
            count = overflow ? 0 : product
        }
        if counts.isEmpty { count = 0 }
        let element = entry.type.map(SourceTypeID.init)
        let bytes = element.flatMap { byteCount(of: $0) } ?? 0
        let shown = counts.prefix(Self.dimensionsShown).map { "[\($0)]" }.joined()
        let suffix = shown + (counts.count > Self.dimensionsShown ? "…" : "")
        return SourceType(
            name: name.isEmpty ? elementName(entry) + suffix : name, kind: .array(count: count),
            byteCount: entry.byteSize ?? count.multipliedReportingOverflow(by: bytes).partialValue,
            element: element)
    }

    /// How many bytes something of a type has; arrays of arrays of arrays end.
    private mutating func byteCount(of id: SourceTypeID) -> UInt64? {
        var entry = id.entry
        for _ in 0..<16 {
            guard let (found, unit) = self.entry(at: entry) else { return nil }
            if let size = found.byteSize { return size }
            if found.tag == EntryTag.pointerType || found.tag == EntryTag.referenceType {
                return UInt64(self.unit(unit).encoding.addressBytes)
            }
            guard found.tag != EntryTag.arrayType, let next = found.type else { return nil }
            entry = next
        }
        return nil
    }
}

extension SourceType {
    fileprivate func named(_ name: String) -> SourceType {
        SourceType(
            name: name, kind: kind, byteCount: byteCount, element: element, members: members,
            enumerators: enumerators)
    }
}
