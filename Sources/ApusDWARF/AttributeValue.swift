internal import ApusCollections

/// How values of attributes are written. Specification: DWARF 5, 7.5.6.
enum Form {
    static let address: UInt32 = 0x01
    static let block2: UInt32 = 0x03
    static let block4: UInt32 = 0x04
    static let data2: UInt32 = 0x05
    static let data4: UInt32 = 0x06
    static let data8: UInt32 = 0x07
    static let string: UInt32 = 0x08
    static let block: UInt32 = 0x09
    static let block1: UInt32 = 0x0A
    static let data1: UInt32 = 0x0B
    static let flag: UInt32 = 0x0C
    static let signedData: UInt32 = 0x0D
    static let stringOffset: UInt32 = 0x0E
    static let unsignedData: UInt32 = 0x0F
    static let referenceAddress: UInt32 = 0x10
    static let reference1: UInt32 = 0x11
    static let reference2: UInt32 = 0x12
    static let reference4: UInt32 = 0x13
    static let reference8: UInt32 = 0x14
    static let referenceUnsigned: UInt32 = 0x15
    static let indirect: UInt32 = 0x16
    static let sectionOffset: UInt32 = 0x17
    static let expression: UInt32 = 0x18
    static let flagPresent: UInt32 = 0x19
    static let stringIndex: UInt32 = 0x1A
    static let addressIndex: UInt32 = 0x1B
    static let supplementaryReference4: UInt32 = 0x1C
    static let supplementaryString: UInt32 = 0x1D
    static let data16: UInt32 = 0x1E
    static let lineStringOffset: UInt32 = 0x1F
    static let signature: UInt32 = 0x20
    static let implicitConstant: UInt32 = 0x21
    static let locationListIndex: UInt32 = 0x22
    static let rangeListIndex: UInt32 = 0x23
    static let supplementaryReference8: UInt32 = 0x24
    static let stringIndex1: UInt32 = 0x25
    static let stringIndex4: UInt32 = 0x28
    static let addressIndex1: UInt32 = 0x29
    static let addressIndex4: UInt32 = 0x2C
}

/// What an attribute says, as far as it matters here.
enum AttributeValue {
    case address(UInt64)
    /// Index into the unit's part of the addresses.
    case addressIndex(Int)
    case constant(UInt64)
    /// An offset into another section; which one is the attribute's to say.
    case sectionOffset(Int)
    case rangeListIndex(Int)
    case locationListIndex(Int)
    /// An entry, by its offset in the section.
    case reference(Int)
    /// A text, by its place in the module's bytes.
    case text(Int)
    case stringOffset(Int)
    case lineStringOffset(Int)
    case stringIndex(Int)
    /// Bytes, or an expression, by their place in the module's bytes.
    case block(Range<Int>)
    /// Something in another file.
    case other
}

/// What the size of values depends on.
struct UnitEncoding {
    var version: UInt16 = 0
    var addressBytes = 4
    var offsetBytes = 4
    /// Where the unit begins in its section.
    var unitStart = 0
}

extension DebugReader {
    /// Reads a value that is written as `form` says.
    mutating func value(
        _ attribute: Abbreviations.Attribute, _ unit: UnitEncoding
    ) throws(MalformedDebugInformation) -> AttributeValue {
        var form = attribute.form
        if form == Form.indirect {
            form = UInt32(truncatingIfNeeded: try count())
            // One that leads on, or whose value is elsewhere, is never written.
            if form == Form.indirect || form == Form.implicitConstant { throw malformed() }
        }
        switch form {
        case Form.address: return .address(try unsigned(unit.addressBytes))
        case Form.implicitConstant: return .constant(UInt64(bitPattern: attribute.constant))
        case Form.flagPresent: return .constant(1)
        case Form.data1, Form.flag: return .constant(try unsigned(1))
        case Form.data2: return .constant(try unsigned(2))
        // Before version 4 there was no form of its own for offsets.
        case Form.data4: return .constant(try unsigned(4))
        case Form.data8: return .constant(try unsigned(8))
        case Form.signedData: return .constant(UInt64(bitPattern: try signedLeb()))
        case Form.unsignedData: return .constant(try leb())
        case Form.sectionOffset: return .sectionOffset(try offset(unit.offsetBytes))
        case Form.rangeListIndex: return .rangeListIndex(try count())
        case Form.locationListIndex: return .locationListIndex(try count())
        case Form.addressIndex: return .addressIndex(try count())
        case Form.addressIndex1...Form.addressIndex4:
            return .addressIndex(Int(try unsigned(Int(form - Form.addressIndex1) + 1)))
        default:
            if let text = try text(form, unit) { return text }
            if let reference = try reference(form, unit) { return reference }
            if let block = try block(form) { return .block(block) }
            try skipOther(form, unit)
            return .other
        }
    }

    private mutating func text(
        _ form: UInt32, _ unit: UnitEncoding
    ) throws(MalformedDebugInformation) -> AttributeValue? {
        switch form {
        case Form.string: .text(try skipText())
        case Form.stringOffset: .stringOffset(try offset(unit.offsetBytes))
        case Form.lineStringOffset: .lineStringOffset(try offset(unit.offsetBytes))
        case Form.stringIndex: .stringIndex(try count())
        case Form.stringIndex1...Form.stringIndex4:
            .stringIndex(Int(try unsigned(Int(form - Form.stringIndex1) + 1)))
        default: nil
        }
    }

    private mutating func reference(
        _ form: UInt32, _ unit: UnitEncoding
    ) throws(MalformedDebugInformation) -> AttributeValue? {
        let offset: Int
        switch form {
        case Form.reference1: offset = Int(try unsigned(1))
        case Form.reference2: offset = Int(try unsigned(2))
        case Form.reference4: offset = Int(try unsigned(4))
        case Form.reference8: offset = try self.offset(8)
        case Form.referenceUnsigned: offset = try count()
        case Form.referenceAddress:
            let bytes = unit.version <= 2 ? unit.addressBytes : unit.offsetBytes
            return .reference(try self.offset(bytes))
        default: return nil
        }
        return .reference(unit.unitStart + offset)
    }

    private mutating func block(
        _ form: UInt32
    ) throws(MalformedDebugInformation) -> Range<Int>? {
        let length: Int
        switch form {
        case Form.block1: length = Int(try unsigned(1))
        case Form.block2: length = Int(try unsigned(2))
        case Form.block4: length = Int(try unsigned(4))
        case Form.block, Form.expression: length = try count()
        default: return nil
        }
        let start = position
        try skip(length)
        return start..<position
    }

    private mutating func skipOther(
        _ form: UInt32, _ unit: UnitEncoding
    ) throws(MalformedDebugInformation) {
        switch form {
        case Form.data16: try skip(16)
        case Form.signature, Form.supplementaryReference8: try skip(8)
        case Form.supplementaryReference4: try skip(4)
        case Form.supplementaryString: try skip(unit.offsetBytes)
        default: throw malformed()
        }
    }

    /// Reads the values of an entry's attributes, and calls `body` with those that do not say where
    /// its code is, which is what is returned.
    @inline(__always)
    mutating func readValues(
        of attributes: ArraySlice<Abbreviations.Attribute>, _ unit: UnitEncoding,
        _ budget: inout WorkBudget, _ body: (Abbreviations.Attribute, AttributeValue) -> Void
    ) throws(MalformedDebugInformation) -> CodeExtent {
        var extent = CodeExtent()
        for attribute in attributes {
            let start = position
            let value = try value(attribute, unit)
            try budget.spend(from: start, to: self)
            if !extent.take(attribute.name, value) { body(attribute, value) }
        }
        return extent
    }
}
