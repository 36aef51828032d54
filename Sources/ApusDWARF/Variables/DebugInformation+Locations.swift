internal import ApusCollections

/// Lists of places: a variable of optimized code is here at some instructions and there at others.
extension DebugInformation {
    /// The expression that a list has for the instruction at `address`; nil if it has none.
    func expression(
        of list: AttributeValue, _ unit: CompilationUnit, at address: UInt32
    ) -> Range<Int>? {
        do throws(MalformedDebugInformation) {
            if unit.encoding.version < 5 {
                guard let offset = list.offset else { return nil }
                return try oldExpression(at: offset, unit, UInt64(address))
            }
            var offset = list.offset
            if case .locationListIndex(let index) = list {
                let place = unit.locationListsBase + index * unit.encoding.offsetBytes
                var reader = try sections.reader(.locationLists, at: place)
                offset = unit.locationListsBase + (try reader.offset(unit.encoding.offsetBytes))
            }
            guard let offset else { return nil }
            return try expression(at: offset, unit, UInt64(address))
        } catch {
            return nil
        }
    }

    /// As they were written before version 5. Each step reads bytes, so it ends.
    private func oldExpression(
        at offset: Int, _ unit: CompilationUnit, _ address: UInt64
    ) throws(MalformedDebugInformation) -> Range<Int>? {
        let bytes = unit.encoding.addressBytes
        let newBase: UInt64 = bytes == 4 ? 0xFFFF_FFFF : .max
        var reader = try sections.reader(.locations, at: offset)
        var base = unit.lowAddress
        while true {
            let start = try reader.unsigned(bytes)
            let end = try reader.unsigned(bytes)
            if start == 0, end == 0 { return nil }
            if start == newBase {
                base = end
                continue
            }
            let range = try Self.block(&reader, count: Int(try reader.half()))
            if address >= base &+ start, address < base &+ end { return range }
        }
    }

    /// Specification: DWARF 5, 2.6.2 and 7.29.
    private func expression(
        at offset: Int, _ unit: CompilationUnit, _ address: UInt64
    ) throws(MalformedDebugInformation) -> Range<Int>? {
        let bytes = unit.encoding.addressBytes
        var reader = try sections.reader(.locationLists, at: offset)
        var base = unit.lowAddress
        func indexed(_ index: Int) -> UInt64 { unit.address(.addressIndex(index), sections) ?? 0 }
        while true {
            var start: UInt64 = 0
            var end = UInt64.max
            switch try reader.byte() {
            case 0: return nil
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
            case 5: break
            case 6:
                base = try reader.unsigned(bytes)
                continue
            case 7:
                start = try reader.unsigned(bytes)
                end = try reader.unsigned(bytes)
            case 8:
                start = try reader.unsigned(bytes)
                end = start &+ (try reader.leb())
            default: throw reader.malformed()
            }
            let range = try Self.block(&reader, count: try reader.count())
            if address >= start, address < end { return range }
        }
    }

    private static func block(
        _ reader: inout DebugReader, count: Int
    ) throws(MalformedDebugInformation) -> Range<Int> {
        let start = reader.position
        try reader.skip(count)
        return start..<reader.position
    }
}
