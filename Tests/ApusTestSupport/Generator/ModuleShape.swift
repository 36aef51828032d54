internal import ApusFormat

/// What a generated module declares: all that its function bodies can refer to.
struct ModuleShape {
    var types: [FunctionType] = []
    /// Type index of each function, imported ones first.
    var functions: [Int] = []
    var importedFunctionCount: Int { importedFunctions.count }
    /// Where the imported functions, tables and globals, which come first, and the memory are from.
    var importedFunctions: [Source] = []
    var tables: [TableType] = []
    var importedTables: [Source] = []
    var memory: MemoryType?
    var importedMemory: Source?
    var globals: [GlobalType] = []
    var importedGlobals: [Source] = []
    /// Initial values of the module's own globals.
    var initialValues: [UInt64] = []
    /// The global that counts down what may still be executed, if the module has one.
    var fuelGlobal: Int?
    var elements: [Element] = []
    var data: [Data] = []
    var start: Int?

    struct Source {
        var module: String
        var name: String
    }

    struct Element {
        var mode: Mode
        /// Table of an active segment.
        var table = 0
        var offset = 0
        /// Functions; nil is null.
        var items: [Int?] = []
        /// Whether the segment is written as expressions (and may contain null).
        var usesExpressions = false
    }

    struct Data {
        var mode: Mode
        var offset = 0
        var contents: [UInt8] = []
    }

    enum Mode { case active, passive, declarative }

    func type(of function: Int) -> FunctionType { types[functions[function]] }

    /// The module's bytes, with these function bodies (sizes not included).
    func encode(_ bodies: [[UInt8]]) -> [UInt8] {
        var writer = BinaryWriter()
        writer.raw([0x00, 0x61, 0x73, 0x6D, 1, 0, 0, 0])
        writer.section(1, types) { writer, type in
            writer.byte(0x60)
            writer.types(type.parameters)
            writer.types(type.results)
        }
        encodeImports(into: &writer)
        writer.section(3, Array(functions[importedFunctionCount...])) { $0.unsigned($1) }
        writer.section(4, Array(tables[importedTables.count...])) { $0.tableType($1) }
        let ownMemory = importedMemory == nil ? memory : nil
        writer.section(5, ownMemory.map { [$0] } ?? []) { $0.limits($1.limits) }
        encodeGlobals(into: &writer)
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

    private func encodeImports(into writer: inout BinaryWriter) {
        var imports: [(source: Source, type: ExternalType)] = []
        for (source, type) in zip(importedFunctions, functions) {
            imports.append((source, .function(typeIndex: UInt32(type))))
        }
        imports += zip(importedTables, tables).map { ($0, .table($1)) }
        if let importedMemory, let memory { imports.append((importedMemory, .memory(memory))) }
        imports += zip(importedGlobals, globals).map { ($0, .global($1)) }
        writer.section(2, imports) { writer, item in
            writer.name(item.source.module)
            writer.name(item.source.name)
            switch item.type {
            case .function(let index):
                writer.byte(0)
                writer.unsigned(Int(index))
            case .table(let type):
                writer.byte(1)
                writer.tableType(type)
            case .memory(let type):
                writer.byte(2)
                writer.limits(type.limits)
            case .global(let type):
                writer.byte(3)
                writer.globalType(type)
            }
        }
    }

    private func encodeGlobals(into writer: inout BinaryWriter) {
        let own = globals[importedGlobals.count...]
        writer.section(6, Array(zip(own, initialValues))) { writer, global in
            let (type, bits) = global
            writer.globalType(type)
            switch type.value {
            case .i32:
                writer.byte(0x41)
                writer.signed(Int64(Int32(truncatingIfNeeded: bits)))
            case .i64:
                writer.byte(0x42)
                writer.signed(Int64(bitPattern: bits))
            case .f32:
                writer.byte(0x43)
                writer.word(bits, byteCount: 4)
            case .f64:
                writer.byte(0x44)
                writer.word(bits, byteCount: 8)
            default:
                writer.byte(0xD0)
                writer.type(type.value)
            }
            writer.byte(0x0B)
        }
    }

    private func encodeExports(into writer: inout BinaryWriter) {
        var exports: [(name: String, kind: UInt8, index: Int)] = []
        exports += functions.indices.dropFirst(importedFunctionCount).map { ("f\($0)", 0, $0) }
        exports += tables.indices.map { ("t\($0)", 1, $0) }
        if memory != nil { exports.append(("memory", 2, 0)) }
        exports += globals.indices.map { ("g\($0)", 3, $0) }
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
        if element.mode == .active { offset(&writer, element.offset) }
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
        writer.byte(segment.mode == .active ? 0 : 1)
        if segment.mode == .active { offset(&writer, segment.offset) }
        writer.unsigned(segment.contents.count)
        writer.raw(segment.contents)
    }

    private func offset(_ writer: inout BinaryWriter, _ offset: Int) {
        writer.byte(0x41)
        writer.signed(Int64(Int32(truncatingIfNeeded: offset)))
        writer.byte(0x0B)
    }
}
