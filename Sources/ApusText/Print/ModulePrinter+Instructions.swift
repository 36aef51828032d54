internal import ApusCollections
internal import ApusFormat

/// Instructions, flat, one a line.
extension ModulePrinter {
    /// Prints the code of a function, its final `end` excepted.
    mutating func printCode(
        _ reader: inout ByteReader, function: UInt32, bodyStart: Int
    ) throws(ModuleError) {
        var scope = PrintedScope(function: function, labelNames: names.labels[function] ?? [:])
        let hints = hints[function] ?? [:]
        while true {
            let offset = reader.position
            let hint = hints[offset - bodyStart]
            if let legacy = LegacyInstruction(rawValue: try reader.peekByte()) {
                notePlace(offset)
                try printLegacy(legacy, &reader, &scope)
                continue
            }
            let (row, text) = try instruction(&reader, &scope)
            if row.operation == .end || row.operation == .else {
                notePlace(offset)
                // The last one is the parenthesis that closes the function.
                if row.operation == .end, scope.labels.isEmpty { break }
                try line(text, scope.labels.count + 1)
                if row.operation == .end { scope.labels.removeLast() }
                continue
            }
            let depth = scope.labels.count + (scope.isEntering ? 1 : 2)
            if let hint { try line("(@\(Annotation.Kind.branchHint.name) \"\\0\(hint)\")", depth) }
            notePlace(offset)
            try line(text, depth)
        }
        guard reader.isAtEnd else { throw malformed(reader, "section size mismatch") }
    }

    /// The next line is the instruction at `offset` of the module.
    private mutating func notePlace(_ offset: Int) {
        if keepsPlaces { places.append((output.count, offset)) }
    }

    /// A constant expression: one instruction in parentheses, or more without.
    func constant(_ reader: inout ByteReader) throws(ModuleError) -> String {
        var scope = PrintedScope(function: nil, labelNames: [:])
        var parts: [String] = []
        var length = 0
        while true {
            let (row, text) = try instruction(&reader, &scope)
            if row.operation == .end {
                if scope.labels.isEmpty { break }
                scope.labels.removeLast()
            }
            length += text.utf8.count + 1
            try checkLength(with: length)
            parts.append(text)
        }
        return parts.count == 1 ? "(\(parts[0]))" : parts.joined(separator: " ")
    }

    /// Reads an instruction and prints it.
    func instruction(
        _ reader: inout ByteReader, _ scope: inout PrintedScope
    ) throws(ModuleError) -> (Opcode, String) {
        let start = reader
        let byte = try reader.readByte()
        let isPrefix = byte >= 0xFB && byte < 0xFF
        let code = isPrefix ? Int(try reader.readUnsigned32()) : Int(byte)
        guard let row = Opcodes.opcode(prefix: isPrefix ? byte : 0, code: code) else {
            throw Opcodes.refusal(
                prefix: isPrefix ? byte : 0, code: UInt32(truncatingIfNeeded: code),
                at: start.position)
        }
        scope.isEntering = false
        let form = row.operation.immediates
        if form == .none { return (row, "\(row.name)") }
        if form == .blockType || form == .catchTable {
            return (row, try structured(row, &reader, &scope))
        }
        let text = try immediates(row, &reader, scope)
        return (row, text.isEmpty ? "\(row.name)" : "\(row.name) \(text)")
    }

    /// Exception handling as it was before it was standardised.
    private mutating func printLegacy(
        _ legacy: LegacyInstruction, _ reader: inout ByteReader, _ scope: inout PrintedScope
    ) throws(ModuleError) {
        _ = try reader.readByte()
        let depth = scope.labels.count + 1
        switch legacy {
        case .try:
            let type = try blockType(&reader)
            try line("try\(scope.enter())\(type)", depth + 1)
        case .catch:
            try line("catch \(names.tags.reference(try reader.readUnsigned32()))", depth)
        case .catchAll: try line("catch_all", depth)
        case .rethrow: try line("rethrow \(scope.label(try reader.readUnsigned32()))", depth + 1)
        case .delegate:
            // One that closes nothing is shown where it is.
            if !scope.labels.isEmpty { scope.labels.removeLast() }
            try line("delegate \(scope.label(try reader.readUnsigned32()))", depth)
        }
    }

    private func structured(
        _ row: Opcode, _ reader: inout ByteReader, _ scope: inout PrintedScope
    ) throws(ModuleError) -> String {
        var text = try blockType(&reader)
        if row.operation.immediates == .catchTable { text += try catches(&reader, scope) }
        return "\(row.name)\(scope.enter())\(text)"
    }

    func blockType(_ reader: inout ByteReader) throws(ModuleError) -> String {
        var text = ""
        let code = try reader.peekByte()
        if code == 0x40 {
            _ = try reader.readByte()
        } else if code & 0xC0 == 0x40 {
            text = " (result \(try valueType(&reader)))"
        } else {
            let index = try reader.readSigned33()
            guard index >= 0 else { throw malformed(reader, "malformed block type") }
            text = " (type \(reference(toType: UInt32(truncatingIfNeeded: index))))"
        }
        return text
    }

    private func catches(
        _ reader: inout ByteReader, _ scope: PrintedScope
    ) throws(ModuleError) -> String {
        let kinds = ["catch", "catch_ref", "catch_all", "catch_all_ref"]
        var text = ""
        for _ in 0..<(try reader.readUnsigned32()) {
            let start = reader
            let kind = Int(try reader.readByte())
            guard kinds.indices.contains(kind) else {
                throw malformed(start, "malformed catch clause")
            }
            text += " (\(kinds[kind])"
            if kind < 2 { text += " " + names.tags.reference(try reader.readUnsigned32()) }
            text += " \(scope.label(try reader.readUnsigned32())))"
            try checkLength(with: text.utf8.count)
        }
        return text
    }

    private func immediates(
        _ row: Opcode, _ reader: inout ByteReader, _ scope: PrintedScope
    ) throws(ModuleError) -> String {
        switch row.operation.immediates {
        case .none, .blockType, .catchTable: return ""
        case .zeroByte:
            _ = try reader.readByte()
            return ""
        case .label: return scope.label(try reader.readUnsigned32())
        case .labelTable:
            var labels: [String] = []
            var length = 0
            for _ in 0..<(try reader.readUnsigned32()) {
                let label = scope.label(try reader.readUnsigned32())
                length += label.utf8.count + 1
                try checkLength(with: length)
                labels.append(label)
            }
            labels.append(scope.label(try reader.readUnsigned32()))
            return labels.joined(separator: " ")
        case .function: return names.functions.reference(try reader.readUnsigned32())
        case .type: return reference(toType: try reader.readUnsigned32())
        case .local:
            let index = try reader.readUnsigned32()
            guard let function = scope.function else { return "\(index)" }
            return names.locals[function]?.reference(index) ?? "\(index)"
        case .global: return names.globals.reference(try reader.readUnsigned32())
        case .tag: return names.tags.reference(try reader.readUnsigned32())
        case .element: return names.elements.reference(try reader.readUnsigned32())
        case .data: return names.data.reference(try reader.readUnsigned32())
        case .table: return Self.unlessZero(try reader.readUnsigned32(), names.tables)
        case .memory: return Self.unlessZero(try reader.readUnsigned32(), names.memories)
        case .valueTypes: return "(result \(try valueTypes(&reader).joined(separator: " ")))"
        case .heapType: return try testedType(row, &reader)
        case .i32: return "\(try reader.readSigned32())"
        case .i64: return "\(try reader.readSigned64())"
        case .f32: return PrintedText.float(UInt64(try reader.readWord32()), .single)
        case .f64: return PrintedText.float(try reader.readWord64(), .double)
        case .lane: return "\(try reader.readByte())"
        case .bytes16: return try bytes(row, &reader)
        case .memoryArgument: return try memoryArgument(row, &reader)
        case .memoryArgumentAndLane:
            let argument = try memoryArgument(row, &reader)
            let lane = try reader.readByte()
            return argument.isEmpty ? "\(lane)" : "\(argument) \(lane)"
        case .castBranch: return try castBranch(&reader, scope)
        case .typeAndTable, .tableAndTable, .elementAndTable, .memoryAndMemory, .dataAndMemory,
            .typeAndField, .typeAndCount, .typeAndData, .typeAndElement, .typeAndType:
            return try pair(row, &reader)
        }
    }

    private static func unlessZero(_ index: UInt32, _ names: PrintedNames) -> String {
        index == 0 ? "" : names.reference(index)
    }

    private func pair(_ row: Opcode, _ reader: inout ByteReader) throws(ModuleError) -> String {
        let first = try reader.readUnsigned32()
        let second = try reader.readUnsigned32()
        let isPlain = first == 0 && second == 0
        switch row.operation.immediates {
        case .typeAndTable:
            let table = second == 0 ? "" : names.tables.reference(second) + " "
            return "\(table)(type \(reference(toType: first)))"
        case .tableAndTable:
            let tables = names.tables
            return isPlain ? "" : "\(tables.reference(first)) \(tables.reference(second))"
        case .memoryAndMemory:
            let memories = names.memories
            return isPlain ? "" : "\(memories.reference(first)) \(memories.reference(second))"
        case .elementAndTable:
            let table = second == 0 ? "" : names.tables.reference(second) + " "
            return table + names.elements.reference(first)
        case .dataAndMemory:
            let memory = second == 0 ? "" : names.memories.reference(second) + " "
            return memory + names.data.reference(first)
        case .typeAndField:
            let field = names.fields[first]?.reference(second) ?? "\(second)"
            return "\(reference(toType: first)) \(field)"
        case .typeAndData: return "\(reference(toType: first)) \(names.data.reference(second))"
        case .typeAndElement:
            return "\(reference(toType: first)) \(names.elements.reference(second))"
        case .typeAndType: return "\(reference(toType: first)) \(reference(toType: second))"
        default: return "\(reference(toType: first)) \(second)"
        }
    }

    /// The heap type of `ref.null`, or the reference type of `ref.test` and `ref.cast`.
    private func testedType(
        _ row: Opcode, _ reader: inout ByteReader
    ) throws(ModuleError) -> String {
        let heap = try heapType(&reader)
        if row.operation == .refNull { return heap }
        let isNullable =
            row.operation == .refTest(nullable: true) || row.operation == .refCast(nullable: true)
        return isNullable ? "(ref null \(heap))" : "(ref \(heap))"
    }

    private func castBranch(
        _ reader: inout ByteReader, _ scope: PrintedScope
    ) throws(ModuleError) -> String {
        let start = reader
        let flags = try reader.readByte()
        guard flags < 4 else { throw malformed(start, "malformed br_on_cast flags") }
        let label = scope.label(try reader.readUnsigned32())
        let source = try heapType(&reader)
        let target = try heapType(&reader)
        return "\(label) (ref \(flags & 1 != 0 ? "null " : "")\(source))"
            + " (ref \(flags & 2 != 0 ? "null " : "")\(target))"
    }

    private func memoryArgument(
        _ row: Opcode, _ reader: inout ByteReader
    ) throws(ModuleError) -> String {
        let start = reader
        let flags = try reader.readUnsigned32()
        guard flags < 0x80 else { throw malformed(start, "malformed memop flags") }
        let memory = flags & 0x40 != 0 ? try reader.readUnsigned32() : 0
        let offset = try reader.readUnsigned64()
        var parts: [String] = []
        if memory != 0 { parts.append(names.memories.reference(memory)) }
        if offset != 0 { parts.append("offset=\(offset)") }
        let alignment = flags & 0x3F
        if alignment != UInt32(row.operation.naturalAlignment) {
            parts.append("align=\(UInt64(1) << UInt64(alignment))")
        }
        return parts.joined(separator: " ")
    }

    private func bytes(_ row: Opcode, _ reader: inout ByteReader) throws(ModuleError) -> String {
        let range = try reader.readBytes(16)
        if row.operation == .vectorShuffle {
            return range.map { "\(window.byte(at: $0))" }.joined(separator: " ")
        }
        let lanes = (0..<4).map { lane in
            let word = UInt32(truncatingIfNeeded: window.word(at: range.lowerBound + 4 * lane))
            let digits = String(word, radix: 16)
            return "0x" + String(repeating: "0", count: 8 - digits.count) + digits
        }
        return "i32x4 " + lanes.joined(separator: " ")
    }
}

/// The labels around an instruction while it is printed.
struct PrintedScope {
    var function: UInt32?
    let labelNames: [UInt32: String]
    /// Names of the open blocks, outermost first.
    var labels: [String?] = []
    private var labelCount: UInt32 = 0
    /// Whether the last instruction has begun a block.
    var isEntering = false

    init(function: UInt32?, labelNames: [UInt32: String]) {
        self.function = function
        self.labelNames = labelNames
    }

    /// Begins a block. What follows its keyword: nothing, or its name after a space.
    mutating func enter() -> String {
        let name = labelNames[labelCount]
        labelCount &+= 1
        isEntering = true
        guard let name else {
            labels.append(nil)
            return ""
        }
        guard PrintedText.canIdentify(name) else {
            labels.append(nil)
            return " (@name \(PrintedText.string(name)))"
        }
        let identifier = PrintedText.identifier(name)
        labels.append(identifier)
        return " " + identifier
    }

    /// The label `depth` blocks out: by name if that means this one.
    func label(_ depth: UInt32) -> String {
        guard Int(depth) < labels.count, depth < 16 else { return "\(depth)" }
        let inner = labels.suffix(Int(depth) + 1)
        guard let name = inner.first ?? nil, !inner.dropFirst().contains(name) else {
            return "\(depth)"
        }
        return name
    }
}
