internal import ApusCollections

extension DebugInformation {
    /// The lines of the code of `functions`, which are among those of unit `index`.
    mutating func lineProgram(ofUnit index: Int, for functions: [NativeFunction]) -> [UInt8] {
        let table = lines(ofUnit: index)
        var program = LineProgramWriter(files: paths(ofUnit: index))
        // Files have numbers from 1 on here.
        let shift = UInt32(1 - table.firstFile)
        for function in functions.sorted(by: { $0.start < $1.start }) {
            let rows = table.rows(in: function.body)
            var last: (UInt32, UInt32, UInt16)?
            func add(_ row: LineTable.Row, at address: UInt64) {
                program.row(
                    address, file: row.file &+ shift, line: row.line, column: UInt32(row.column))
            }
            // Debuggers take the second row of a function for the end of what it begins with.
            if let first = rows.first(where: { $0.line > 0 }) { add(first, at: function.start) }
            for place in function.places {
                let found = rows.partitioningIndex { $0.address > place.offset } - 1
                guard found >= rows.startIndex, rows[found].line > 0 else { continue }
                let row = rows[found]
                if let last, last == (row.line, row.file, row.column) { continue }
                add(row, at: place.address)
                last = (row.line, row.file, row.column)
            }
            program.endSequence(at: function.start + function.byteCount)
        }
        return program.bytes
    }

    /// Unit `index` as `translator` has it for machine code, whose lines are at `linesAt` of their
    /// section; nil if nothing can be made of it.
    mutating func translate(
        _ index: Int, with translator: inout UnitTranslator,
        _ abbreviations: inout AbbreviationWriter, linesAt: Int
    ) -> [UInt8]? {
        do throws(MalformedDebugInformation) {
            try translateEntries(index, &translator, &abbreviations, linesAt)
            return translator.finish()
        } catch {
            return nil
        }
    }

    private mutating func translateEntries(
        _ index: Int, _ translator: inout UnitTranslator,
        _ abbreviations: inout AbbreviationWriter, _ linesAt: Int
    ) throws(MalformedDebugInformation) {
        let unit = unit(index)
        var reader = DebugReader(sections.bytes, unit.entries)
        let table = try tables.table(at: unit.abbreviationsOffset, sections, &lookup)
        // The functions that open entries are in; entries of which nothing is wanted have none.
        var open: [(function: NativeFunction?, isSkipped: Bool)] = []
        while !reader.isAtEnd {
            try lookup.spend(at: reader.position)
            let offset = reader.position - sections[.information].lowerBound
            let code = try reader.leb()
            if code == 0 {
                guard let closed = open.popLast() else { return }
                if open.isEmpty { translator.addMemory(&abbreviations) }
                if !closed.isSkipped { translator.endChildren() }
                if open.isEmpty { return }
                continue
            }
            guard let shape = table[code], open.count < 512 else { throw reader.malformed() }
            let isSkipped = open.last?.isSkipped == true || Self.isSkipped(shape.tag)
            var entry = UnitTranslator.Entry(
                tag: shape.tag, hasChildren: shape.hasChildren, offset: offset)
            let function = try translateAttributes(
                &entry, &reader, table.attributes(of: shape), unit,
                open.last?.function, &translator)
            if open.isEmpty {
                entry.add(AttributeName.lineTable, Form.sectionOffset) { $0.word(linesAt) }
                translator.addUnitExtent(to: &entry)
            }
            if !isSkipped { translator.write(entry, &abbreviations) }
            if shape.hasChildren { open.append((function, isSkipped)) }
            if open.isEmpty { return }
        }
        throw reader.malformed()
    }

    /// What is said of calls is of no use without their places.
    private static func isSkipped(_ tag: UInt32) -> Bool {
        [EntryTag.callSite, EntryTag.callSiteParameter, EntryTag.oldCallSite].contains(tag)
    }

    /// Adds the attributes of an entry; the function that it is, or is in.
    private mutating func translateAttributes(
        _ entry: inout UnitTranslator.Entry, _ reader: inout DebugReader,
        _ attributes: ArraySlice<Abbreviations.Attribute>, _ unit: CompilationUnit,
        _ around: NativeFunction?, _ translator: inout UnitTranslator
    ) throws(MalformedDebugInformation) -> NativeFunction? {
        var locations: [(name: UInt32, expression: Range<Int>)] = []
        var others: [(attribute: Abbreviations.Attribute, value: AttributeValue)] = []
        let shift = fileNumberShift(of: unit)
        let extent = try reader.readValues(of: attributes, unit.encoding, &lookup) {
            attribute, value in
            switch attribute.name {
            case AttributeName.location, AttributeName.frameBase:
                if case .block(let expression) = value {
                    locations.append((attribute.name, expression))
                }
            case AttributeName.declarationFile, AttributeName.callFile:
                guard let number = value.number else { return }
                entry.add(attribute.name, Form.unsignedData) { $0.leb(UInt64(number) + shift) }
            default: others.append((attribute, value))
            }
        }
        for (attribute, value) in others { translate(attribute, value, unit, &entry) }
        var function = around
        if extent.isKnown {
            let ranges = try extent.ranges(of: unit, sections, &lookup)
            if entry.tag == EntryTag.subprogram {
                function = ranges.first.flatMap { translator.function(at: $0) }
            }
            // Each place of the function is compared with each range.
            let comparisons = (function?.places.count ?? 0) * ranges.count
            try lookup.spend(comparisons / 64, at: reader.position)
            translator.addExtent(ranges, in: function, to: &entry)
        }
        for (name, expression) in locations {
            translator.addLocation(
                name, DebugReader(sections.bytes, expression), unit.encoding, in: function,
                to: &entry)
        }
        return function
    }

    /// What has to be added to numbers of files, which begin with 1 here.
    private func fileNumberShift(of unit: CompilationUnit) -> UInt64 {
        unit.encoding.version >= 5 ? 1 : 0
    }

    private mutating func translate(
        _ attribute: Abbreviations.Attribute, _ value: AttributeValue, _ unit: CompilationUnit,
        _ entry: inout UnitTranslator.Entry
    ) {
        // Places in sections that are not there, and of code.
        let unwanted = [
            AttributeName.sibling, AttributeName.lineTable, AttributeName.entryAddress,
            AttributeName.addressBase, AttributeName.stringOffsetsBase,
            AttributeName.rangeListsBase,
        ]
        if unwanted.contains(attribute.name) { return }
        switch value {
        case .constant(let constant): Self.add(attribute, constant, &entry)
        case .text, .stringOffset, .lineStringOffset, .stringIndex:
            let text = text(value, of: unit) ?? ""
            entry.add(attribute.name, Form.string) { $0.text(text) }
        case .reference(let offset):
            let place = sections[.information].lowerBound + offset
            // Other units are elsewhere.
            guard unit.entries.contains(place) else { return }
            entry.addReference(attribute.name, to: offset)
        case .block(let block):
            guard attribute.name == AttributeName.constantValue else { return }
            let bytes = block.map { sections.bytes.span[$0] }
            entry.add(attribute.name, Form.block) { writer in
                writer.leb(UInt64(bytes.count))
                writer.append(bytes)
            }
        case .address, .addressIndex, .sectionOffset, .rangeListIndex, .locationListIndex, .other:
            return
        }
    }

    private static func add(
        _ attribute: Abbreviations.Attribute, _ constant: UInt64,
        _ entry: inout UnitTranslator.Entry
    ) {
        let bytes: Int
        switch attribute.form {
        case Form.flagPresent: return entry.add(attribute.name, Form.flagPresent)
        case Form.data1, Form.flag: bytes = 1
        case Form.data2: bytes = 2
        case Form.data4: bytes = 4
        case Form.data8: bytes = 8
        case Form.unsignedData:
            return entry.add(attribute.name, Form.unsignedData) { $0.leb(constant) }
        default:
            return entry.add(attribute.name, Form.signedData) { writer in
                writer.signedLeb(Int64(bitPattern: constant))
            }
        }
        entry.add(attribute.name, attribute.form) { $0.number(constant, bytes: bytes) }
    }
}
