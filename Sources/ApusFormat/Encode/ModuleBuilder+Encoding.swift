internal import ApusCollections

/// The sections of a module (5.5).
extension ModuleBuilder {
    /// The module in the binary format.
    public func encode() -> [UInt8] {
        var writer = ByteWriter()
        writer.write(word32: 0x6D73_6100)
        writer.write(word32: 1)
        write(.type, 0..<types.groupCount, to: &writer) { writeGroup($0, to: &$1) }
        write(.import, imports, to: &writer) { write($0, to: &$1) }
        write(.function, functions[importedFunctionCount...], to: &writer) {
            $1.write(unsigned: $0)
        }
        write(.table, tables.indices[importedTableCount...], to: &writer) {
            writeTable($0, to: &$1)
        }
        write(.memory, memories[importedMemoryCount...], to: &writer) { write($0, to: &$1) }
        write(.tag, tags[importedTagCount...], to: &writer) { writeTag($0, to: &$1) }
        write(.global, globals.indices[importedGlobalCount...], to: &writer) {
            write(globals[$0], to: &$1)
            write(globalInitializers[$0 - importedGlobalCount], to: &$1)
        }
        write(.export, exports, to: &writer) { write($0, to: &$1) }
        if let start {
            var contents = ByteWriter()
            contents.write(unsigned: start)
            write(.start, contents.bytes, to: &writer)
        }
        write(.element, elements, to: &writer) { write($0, to: &$1) }
        if hasDataCount, !data.isEmpty {
            var contents = ByteWriter()
            contents.write(count: data.count)
            write(.dataCount, contents.bytes, to: &writer)
        }
        write(.code, bodies, to: &writer) { $1.write(sized: $0) }
        write(.data, data, to: &writer) { write($0, to: &$1) }
        for section in customSections {
            var contents = ByteWriter()
            contents.write(name: section.name)
            contents.write(section.bytes)
            write(.custom, contents.bytes, to: &writer)
        }
        return writer.bytes
    }

    /// The module in the binary format, decoded again.
    public func build(features: FeatureSet = .standard) throws(ModuleError) -> DecodedModule {
        try ModuleDecoder.decode(ByteStorage(encode()), features: features)
    }

    private func write(_ section: Section, _ contents: [UInt8], to writer: inout ByteWriter) {
        writer.write(section.rawValue)
        writer.write(sized: contents)
    }

    /// A section that is a vector; none if the vector is empty.
    private func write<Items: Collection>(
        _ section: Section, _ items: Items, to writer: inout ByteWriter,
        _ writeItem: (Items.Element, inout ByteWriter) -> Void
    ) {
        if items.isEmpty { return }
        var contents = ByteWriter()
        contents.write(count: items.count)
        for item in items { writeItem(item, &contents) }
        write(section, contents.bytes, to: &writer)
    }

    // MARK: Types

    private func writeGroup(_ number: Int, to writer: inout ByteWriter) {
        let group = types.group(number)
        if group.count > 1 {
            writer.write(0x4E)
            writer.write(count: group.count)
        }
        for index in group { write(types[index], to: &writer) }
    }

    /// In the shortest form that says all.
    private func write(_ type: SubType, to writer: inout ByteWriter) {
        if !type.isFinal || type.supertype != nil {
            writer.write(type.isFinal ? 0x4F : 0x50)
            writer.write(count: type.supertype == nil ? 0 : 1)
            if let supertype = type.supertype { writer.write(unsigned: supertype) }
        }
        switch type.composite {
        case .function(let function):
            writer.write(0x60)
            for list in [function.parameters, function.results] {
                writer.write(count: list.count)
                for type in list { writer.write(type) }
            }
        case .structure(let fields):
            writer.write(0x5F)
            writer.write(count: fields.count)
            for field in fields { write(field, to: &writer) }
        case .array(let element):
            writer.write(0x5E)
            write(element, to: &writer)
        }
    }

    private func write(_ field: FieldType, to writer: inout ByteWriter) {
        writer.write(field.storage)
        writer.write(field.isMutable ? 1 : 0)
    }

    private func write(_ limits: SizeLimits, flags: UInt8, to writer: inout ByteWriter) {
        writer.write(limits.maximum == nil ? flags : flags | 1)
        writer.write(unsigned: limits.minimum)
        if let maximum = limits.maximum { writer.write(unsigned: maximum) }
    }

    private func write(_ type: TableType, to writer: inout ByteWriter) {
        writer.write(type.element)
        write(type.limits, flags: type.is64 ? 4 : 0, to: &writer)
    }

    private func write(_ type: MemoryType, to writer: inout ByteWriter) {
        let flags: UInt8 =
            (type.is64 ? 4 : 0) | (type.isShared ? 2 : 0) | (type.pageSizeLog2 == 16 ? 0 : 8)
        write(type.limits, flags: flags, to: &writer)
        if type.pageSizeLog2 != 16 { writer.write(unsigned: UInt32(type.pageSizeLog2)) }
    }

    private func write(_ type: GlobalType, to writer: inout ByteWriter) {
        writer.write(type.value)
        writer.write(type.isMutable ? 1 : 0)
    }

    // MARK: Definitions

    private func write(_ item: Import, to writer: inout ByteWriter) {
        writer.write(name: item.module)
        writer.write(name: item.name)
        switch item.type {
        case .function(let index):
            writer.write(0)
            writer.write(unsigned: index)
        case .table(let type):
            writer.write(1)
            write(type, to: &writer)
        case .memory(let type):
            writer.write(2)
            write(type, to: &writer)
        case .global(let type):
            writer.write(3)
            write(type, to: &writer)
        case .tag(let index):
            writer.write(4)
            writeTag(index, to: &writer)
        }
    }

    private func writeTag(_ type: UInt32, to writer: inout ByteWriter) {
        writer.write(0)
        writer.write(unsigned: type)
    }

    private func writeTable(_ index: Int, to writer: inout ByteWriter) {
        let initializer = tableInitializers[index - importedTableCount]
        if initializer != nil { writer.write([0x40, 0x00]) }
        write(tables[index], to: &writer)
        if let initializer { write(initializer, to: &writer) }
    }

    private func write(_ item: Export, to writer: inout ByteWriter) {
        writer.write(name: item.name)
        let (kind, index): (UInt8, UInt32) =
            switch item.item {
            case .function(let index): (0, index)
            case .table(let index): (1, index)
            case .memory(let index): (2, index)
            case .global(let index): (3, index)
            case .tag(let index): (4, index)
            }
        writer.write(kind)
        writer.write(unsigned: index)
    }

    private func write(_ expression: ConstantExpression, to writer: inout ByteWriter) {
        var encoder = InstructionEncoder()
        encoder.emit(expression)
        encoder.emit(.end)
        writer.write(encoder.bytes)
    }

    // MARK: Segments

    /// In the shortest of the eight forms that says all: see `ModuleDecoder`.
    private func write(_ segment: ElementSegment, to writer: inout ByteWriter) {
        var flags: UInt32 = 0
        if case .expressions = segment.initializers { flags = 4 }
        switch segment.mode {
        case .active(let table, let offset):
            if table != 0 || (flags == 4 && segment.type != .funcref) { flags |= 2 }
            writer.write(unsigned: flags)
            if flags & 2 != 0 { writer.write(unsigned: table) }
            write(offset, to: &writer)
        case .passive:
            flags |= 1
            writer.write(unsigned: flags)
        case .declarative:
            flags |= 3
            writer.write(unsigned: flags)
        }
        switch segment.initializers {
        case .functions(let indices):
            if flags != 0 { writer.write(0) }
            writer.write(count: indices.count)
            for index in indices { writer.write(unsigned: index) }
        case .expressions(let expressions):
            if flags != 4 { writer.write(segment.type) }
            writer.write(count: expressions.count)
            for expression in expressions { write(expression, to: &writer) }
        }
    }

    private func write(_ segment: Data, to writer: inout ByteWriter) {
        switch segment.mode {
        case .passive: writer.write(1)
        case .active(let memory, let offset):
            if memory == 0 {
                writer.write(0)
            } else {
                writer.write(2)
                writer.write(unsigned: memory)
            }
            write(offset, to: &writer)
        }
        writer.write(sized: segment.bytes)
    }
}

extension ByteStorage {
    /// A copy of the bytes in `range`, which must lie inside.
    func array(_ range: Range<Int>) -> [UInt8] {
        let part = span.extracting(range)
        return part.indices.map { part[$0] }
    }
}
