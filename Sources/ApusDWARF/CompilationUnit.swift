internal import ApusCollections

/// The names of attributes that are read. Specification: DWARF 5, 7.5.4.
enum AttributeName {
    static let sibling: UInt32 = 0x01
    static let location: UInt32 = 0x02
    static let name: UInt32 = 0x03
    static let byteSize: UInt32 = 0x0B
    static let language: UInt32 = 0x13
    static let constantValue: UInt32 = 0x1C
    static let bitSize: UInt32 = 0x0D
    static let upperBound: UInt32 = 0x2F
    static let count: UInt32 = 0x37
    static let memberOffset: UInt32 = 0x38
    static let declaration: UInt32 = 0x3C
    static let dataBitOffset: UInt32 = 0x6B
    static let declarationFile: UInt32 = 0x3A
    static let declarationLine: UInt32 = 0x3B
    static let encoding: UInt32 = 0x3E
    static let frameBase: UInt32 = 0x40
    static let type: UInt32 = 0x49
    static let entryAddress: UInt32 = 0x52
    static let lineTable: UInt32 = 0x10
    static let lowAddress: UInt32 = 0x11
    static let highAddress: UInt32 = 0x12
    static let directory: UInt32 = 0x1B
    static let abstractOrigin: UInt32 = 0x31
    static let specification: UInt32 = 0x47
    static let ranges: UInt32 = 0x55
    static let callColumn: UInt32 = 0x57
    static let callFile: UInt32 = 0x58
    static let callLine: UInt32 = 0x59
    static let linkageName: UInt32 = 0x6E
    static let stringOffsetsBase: UInt32 = 0x72
    static let addressBase: UInt32 = 0x73
    static let rangeListsBase: UInt32 = 0x74
    static let locationListsBase: UInt32 = 0x8C
    static let oldLinkageName: UInt32 = 0x2007
}

/// The kinds of entries that are read. Specification: DWARF 5, 7.5.3.
enum EntryTag {
    static let arrayType: UInt32 = 0x01
    static let classType: UInt32 = 0x02
    static let enumerationType: UInt32 = 0x04
    static let formalParameter: UInt32 = 0x05
    static let lexicalBlock: UInt32 = 0x0B
    static let member: UInt32 = 0x0D
    static let structureType: UInt32 = 0x13
    static let subroutineType: UInt32 = 0x15
    static let typedef: UInt32 = 0x16
    static let unionType: UInt32 = 0x17
    static let inheritance: UInt32 = 0x1C
    static let constType: UInt32 = 0x26
    static let enumerator: UInt32 = 0x28
    static let volatileType: UInt32 = 0x35
    static let restrictType: UInt32 = 0x37
    static let namespace: UInt32 = 0x39
    static let atomicType: UInt32 = 0x47
    static let pointerType: UInt32 = 0x0F
    static let referenceType: UInt32 = 0x10
    static let memberPointerType: UInt32 = 0x1F
    static let subrangeType: UInt32 = 0x21
    static let baseType: UInt32 = 0x24
    static let variable: UInt32 = 0x34
    static let rightReferenceType: UInt32 = 0x42
    static let callSite: UInt32 = 0x48
    static let callSiteParameter: UInt32 = 0x49
    static let oldCallSite: UInt32 = 0x4109
    static let compileUnit: UInt32 = 0x11
    static let inlinedSubroutine: UInt32 = 0x1D
    static let subprogram: UInt32 = 0x2E
    static let partialUnit: UInt32 = 0x3C
    static let skeletonUnit: UInt32 = 0x4A
}

/// One unit: what a compiler says of one of its inputs. Specification: DWARF 5, 3.1.1.
struct CompilationUnit {
    var encoding = UnitEncoding()
    /// In the module's bytes: the first entry, and where the unit ends.
    var entries = 0..<0
    var abbreviationsOffset = 0
    var lineTable: Int?
    var directory: AttributeValue?
    var name: AttributeValue?
    var lowAddress: UInt64 = 0
    private(set) var addressBase = 0
    private(set) var stringOffsetsBase = 0
    private(set) var rangeListsBase = 0
    private(set) var locationListsBase = 0
    /// Where its code is; empty if it does not say.
    var ranges: [Range<UInt32>] = []

    /// Reads what comes before the entries, and the first of these. `reader` is at the unit's
    /// start, and behind it afterwards, also if something is wrong with the unit.
    init?(
        _ reader: inout DebugReader, _ sections: DebugSections, _ tables: inout AbbreviationTables,
        _ budget: inout WorkBudget
    ) throws(MalformedDebugInformation) {
        let start = reader.position
        let (length, offsetBytes) = try reader.unitLength()
        var inner = reader
        try inner.limit(to: length)
        try reader.skip(length)
        encoding.unitStart = start - sections[.information].lowerBound
        encoding.offsetBytes = offsetBytes
        guard let root = try? readHeader(&inner, sections, &tables, &budget), root else {
            try budget.spend(at: start)
            return nil
        }
    }

    /// Whether it is a unit with code.
    private mutating func readHeader(
        _ reader: inout DebugReader, _ sections: DebugSections, _ tables: inout AbbreviationTables,
        _ budget: inout WorkBudget
    ) throws(MalformedDebugInformation) -> Bool {
        encoding.version = try reader.half()
        guard encoding.version >= 2, encoding.version <= 5 else { return false }
        if encoding.version == 5 {
            let type = try reader.byte()
            encoding.addressBytes = Int(try reader.byte())
            abbreviationsOffset = try reader.offset(encoding.offsetBytes)
            // Skeletons and what they leave out are marked by a number.
            if type == 4 || type == 5 { try reader.skip(8) }
            guard type == 1 || type == 3 || type == 4 else { return false }
        } else {
            abbreviationsOffset = try reader.offset(encoding.offsetBytes)
            encoding.addressBytes = Int(try reader.byte())
        }
        guard encoding.addressBytes == 4 || encoding.addressBytes == 8 else { return false }
        entries = reader.position..<reader.end
        // The bases come first where there are none.
        if encoding.version == 5 {
            addressBase = 8
            stringOffsetsBase = 8
            rangeListsBase = 12
            locationListsBase = 12
        }
        let table = try tables.table(at: abbreviationsOffset, sections, &budget)
        return try readRoot(&reader, table, sections, &budget)
    }

    private mutating func readRoot(
        _ reader: inout DebugReader, _ table: Abbreviations, _ sections: DebugSections,
        _ budget: inout WorkBudget
    ) throws(MalformedDebugInformation) -> Bool {
        guard let shape = table[try reader.leb()],
            [EntryTag.compileUnit, EntryTag.partialUnit, EntryTag.skeletonUnit].contains(shape.tag)
        else { return false }
        let attributes = table.attributes(of: shape)
        let extent = try reader.readValues(of: attributes, encoding, &budget) { attribute, value in
            switch attribute.name {
            case AttributeName.name: name = value
            case AttributeName.directory: directory = value
            case AttributeName.lineTable: lineTable = value.offset
            case AttributeName.addressBase: addressBase = value.offset ?? 0
            case AttributeName.stringOffsetsBase: stringOffsetsBase = value.offset ?? 0
            case AttributeName.rangeListsBase: rangeListsBase = value.offset ?? 0
            case AttributeName.locationListsBase: locationListsBase = value.offset ?? 0
            default: break
            }
        }
        // Indices mean something only when the bases are known.
        lowAddress = extent.low.flatMap { address($0, sections) } ?? 0
        ranges = try extent.ranges(of: self, sections, &budget)
        return true
    }

    // MARK: Looking up

    /// The address that `value` is or names.
    func address(_ value: AttributeValue, _ sections: DebugSections) -> UInt64? {
        switch value {
        case .address(let address): return address
        case .addressIndex(let index):
            let offset = addressBase + index * encoding.addressBytes
            guard var reader = try? sections.reader(.addresses, at: offset) else { return nil }
            return try? reader.unsigned(encoding.addressBytes)
        default: return nil
        }
    }

    /// The text that `value` is or names.
    func text(_ value: AttributeValue, _ sections: DebugSections) -> String? {
        switch value {
        case .text(let place):
            // Of a unit, or of its line program; it has been read to its end.
            return DebugReader(sections.bytes, place..<sections.bytes.count).text()
        case .stringOffset(let offset):
            return (try? sections.reader(.strings, at: offset))?.text()
        case .lineStringOffset(let offset):
            return (try? sections.reader(.lineStrings, at: offset))?.text()
        case .stringIndex(let index):
            let place = stringOffsetsBase + index * encoding.offsetBytes
            guard var reader = try? sections.reader(.stringOffsets, at: place),
                let offset = try? reader.offset(encoding.offsetBytes)
            else { return nil }
            return (try? sections.reader(.strings, at: offset))?.text()
        default: return nil
        }
    }
}

extension AttributeValue {
    /// An offset into a section, in whichever form it is written.
    var offset: Int? {
        switch self {
        case .sectionOffset(let offset): offset
        case .constant(let value) where value <= UInt64(Int32.max): Int(value)
        default: nil
        }
    }

    /// A small number.
    var number: UInt32? {
        guard case .constant(let value) = self else { return nil }
        return UInt32(exactly: value)
    }
}
