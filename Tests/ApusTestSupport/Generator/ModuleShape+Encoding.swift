internal import ApusFormat

extension ModuleShape {
    /// The module's bytes, with these function bodies (sizes not included).
    func encode(_ bodies: [[UInt8]]) -> [UInt8] {
        var writer = BinaryWriter(aggregateCount: aggregates.count)
        writer.raw([0x00, 0x61, 0x73, 0x6D, 1, 0, 0, 0])
        encodeTypes(into: &writer)
        encodeImports(into: &writer)
        writer.section(3, Array(functions[importedFunctionCount...])) {
            $0.unsigned($0.typeIndex($1))
        }
        encodeTables(into: &writer)
        writer.section(5, Array(memories[importedMemories.count...])) { $0.memoryType($1) }
        writer.section(13, Array(tags[importedTags.count...])) { $0.tag($1) }
        writer.section(6, Array(zip(globals[importedGlobals.count...], initializers))) {
            let (type, initializer) = $1
            $0.globalType(type)
            $0.raw(initializer + [0x0B])
        }
        encodeExports(into: &writer)
        if let start {
            var contents = BinaryWriter()
            contents.unsigned(start)
            writer.section(8, contents)
        }
        writer.section(9, elements, encode)
        if !data.isEmpty {
            var count = BinaryWriter()
            count.unsigned(data.count)
            writer.section(12, count)
        }
        writer.section(10, bodies) { writer, body in
            writer.unsigned(body.count)
            writer.raw(body)
        }
        writer.section(11, data, encode)
        return writer.bytes
    }

    /// Structures and arrays together, then function types, each alone.
    private func encodeTypes(into writer: inout BinaryWriter) {
        let groups = aggregates.isEmpty ? [] : [aggregates]
        writer.section(1, groups + types.map { [SubType(.function($0))] }) { writer, group in
            if group.count > 1 {
                writer.byte(0x4E)
                writer.unsigned(group.count)
            }
            for type in group { writer.subType(type) }
        }
    }

    private func encodeImports(into writer: inout BinaryWriter) {
        var imports: [(source: Source, type: ExternalType)] = []
        for (source, type) in zip(importedFunctions, functions) {
            imports.append((source, .function(typeIndex: UInt32(type))))
        }
        imports += zip(importedTables, tables).map { ($0, .table($1)) }
        imports += zip(importedMemories, memories).map { ($0, .memory($1)) }
        imports += zip(importedGlobals, globals).map { ($0, .global($1)) }
        imports += zip(importedTags, tags).map { ($0, .tag(typeIndex: UInt32($1))) }
        writer.section(2, imports) { writer, item in
            writer.name(item.source.module)
            writer.name(item.source.name)
            switch item.type {
            case .function(let index):
                writer.byte(0)
                writer.unsigned(writer.typeIndex(Int(index)))
            case .table(let type):
                writer.byte(1)
                writer.tableType(type)
            case .memory(let type):
                writer.byte(2)
                writer.memoryType(type)
            case .global(let type):
                writer.byte(3)
                writer.globalType(type)
            case .tag(let index):
                writer.byte(4)
                writer.tag(Int(index))
            }
        }
    }

    private func encodeTables(into writer: inout BinaryWriter) {
        let own = tables[importedTables.count...]
        writer.section(4, Array(zip(own, tableInitializers))) { writer, table in
            let (type, function) = table
            if let function {
                writer.raw([0x40, 0])
                writer.tableType(type)
                writer.byte(0xD2)
                writer.unsigned(function)
                writer.byte(0x0B)
            } else {
                writer.tableType(type)
            }
        }
    }

    private func encodeExports(into writer: inout BinaryWriter) {
        var exports: [(name: String, kind: UInt8, index: Int)] = []
        exports += functions.indices.dropFirst(importedFunctionCount).map { ("f\($0)", 0, $0) }
        exports += tables.indices.map { ("t\($0)", 1, $0) }
        exports += memories.indices.map { ("m\($0)", 2, $0) }
        exports += globals.indices.map { ("g\($0)", 3, $0) }
        exports += tags.indices.map { ("e\($0)", 4, $0) }
        writer.section(7, exports) { writer, export in
            writer.name(export.name)
            writer.byte(export.kind)
            writer.unsigned(export.index)
        }
    }

    private func encode(_ writer: inout BinaryWriter, _ element: Element) {
        let form: Int =
            switch element.mode {
            case .active: element.table == 0 ? 0 : 2
            case .passive: 1
            case .declarative: 3
            }
        writer.unsigned(form + (element.usesExpressions ? 4 : 0))
        if form == 2 { writer.unsigned(element.table) }
        if element.mode == .active {
            writer.address(element.offset, is64: tables[element.table].is64)
            writer.byte(0x0B)
        }
        if form != 0 { writer.byte(element.usesExpressions ? 0x70 : 0) }
        writer.unsigned(element.items.count)
        for item in element.items {
            if !element.usesExpressions {
                writer.unsigned(item ?? 0)
            } else if let item {
                writer.byte(0xD2)
                writer.unsigned(item)
                writer.byte(0x0B)
            } else {
                writer.raw([0xD0, 0x70, 0x0B])
            }
        }
    }

    private func encode(_ writer: inout BinaryWriter, _ segment: Data) {
        let form = segment.mode == .active ? segment.memory == 0 ? 0 : 2 : 1
        writer.unsigned(form)
        if form == 2 { writer.unsigned(segment.memory) }
        if segment.mode == .active {
            writer.address(segment.offset, is64: memories[segment.memory].is64)
            writer.byte(0x0B)
        }
        writer.unsigned(segment.contents.count)
        writer.raw(segment.contents)
    }
}
