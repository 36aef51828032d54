internal import ApusCollections

/// Prints functions as flat text: one instruction a line, with its offset in the module.
///
/// For people, in listings and messages. The code must have been validated; whatever it is,
/// printing ends.
public struct InstructionPrinter {
    private let module: DecodedModule
    private let names: ModuleNames

    public init(_ module: DecodedModule) {
        self.module = module
        names = ModuleNames(module)
    }

    /// The listing of function `index` (imported functions count), which the module must define.
    public func listing(_ index: Int) -> String {
        let name = names.function(index).map { " $\($0)" } ?? ""
        var text = "func \(index)\(name) \(module.functionType(index))\n"
        let body = module.bodies[index - module.importedFunctionCount]
        var reader = InstructionReader(module.bytes, from: Int(body.start), to: Int(body.end))
        for _ in 0..<reader.readIndex() where reader.position < Int(body.end) {
            let count = reader.readIndex()
            text += "  local \(reader.readValueType()) × \(count)\n"
        }
        var depth = 1
        while reader.position < Int(body.end) {
            let offset = reader.position
            guard let (line, shift) = readLine(&reader, depth) else { break }
            if shift == .closes || shift == .divides { depth = max(depth - 1, 1) }
            let address = Self.hexadecimal(offset, digits: 6)
            text += "  \(address)  \(String(repeating: "  ", count: depth - 1))\(line)\n"
            if shift == .opens || shift == .divides { depth += 1 }
        }
        return text
    }

    private enum Shift { case none, opens, closes, divides }

    /// Reads an instruction and prints it; nil if there is no such instruction.
    private func readLine(
        _ reader: inout InstructionReader, _ depth: Int
    ) -> (line: String, shift: Shift)? {
        let byte = reader.readByte()
        let isPrefix = byte != 0 && Opcodes.prefixes.contains(byte)
        let code = isPrefix ? Int(reader.readIndex()) : Int(byte)
        guard let row = Opcodes.opcode(prefix: isPrefix ? byte : 0, code: code) else { return nil }
        let immediates = self.immediates(row.operation, &reader)
        let line = immediates.isEmpty ? "\(row.name)" : "\(row.name) \(immediates)"
        let form = row.operation.immediates
        if form == .blockType || form == .catchTable { return (line, .opens) }
        if row.operation == .else { return (line, .divides) }
        return (line, row.operation == .end && depth > 1 ? .closes : .none)
    }

    static func hexadecimal(_ value: Int, digits: Int) -> String {
        let text = String(value, radix: 16)
        return String(repeating: "0", count: max(digits - text.count, 0)) + text
    }

    // MARK: Immediates

    private func immediates(_ operation: Operation, _ reader: inout InstructionReader) -> String {
        switch operation.immediates {
        case .none: return ""
        case .blockType: return Self.text(reader.readBlockType())
        case .label, .type, .table, .element, .data, .memory, .tag, .local, .global:
            return optional(operation, reader.readIndex())
        case .function:
            let index = reader.readIndex()
            return names.function(Int(index)).map { "\(index) $\($0)" } ?? "\(index)"
        case .typeAndTable, .tableAndTable, .elementAndTable, .memoryAndMemory, .dataAndMemory,
            .typeAndField, .typeAndCount, .typeAndData, .typeAndElement, .typeAndType:
            let first = reader.readIndex()
            return "\(first) \(reader.readIndex())"
        case .labelTable: return readLabels(&reader)
        case .valueTypes:
            var types: [String] = []
            for _ in 0..<min(reader.readIndex(), 1_000) {
                types.append(reader.readValueType().description)
            }
            return "(result \(types.joined(separator: " ")))"
        case .memoryArgument: return Self.text(reader.readMemoryArgument(), operation)
        case .memoryArgumentAndLane:
            let argument = Self.text(reader.readMemoryArgument(), operation)
            return argument.isEmpty ? "\(reader.readByte())" : "\(argument) \(reader.readByte())"
        case .lane: return "\(reader.readByte())"
        case .bytes16:
            let bytes = (0..<16).map { _ in reader.readByte() }
            if case .vectorConst = operation { return "i8x16 " + Self.list(bytes) }
            return Self.list(bytes)
        case .i32: return "\(reader.readSigned32())"
        case .i64: return "\(reader.readSigned64())"
        case .f32: return Self.text(Float(bitPattern: reader.readFloat32Bits()))
        case .f64: return Self.text(Double(bitPattern: reader.readFloat64Bits()))
        case .heapType: return reader.readHeapType().description
        case .castBranch:
            let flags = reader.readByte()
            let label = reader.readIndex()
            let source = ValueType.reference(reader.readHeapType(), nullable: flags & 1 != 0)
            let target = ValueType.reference(reader.readHeapType(), nullable: flags & 2 != 0)
            return "\(label) \(source) \(target)"
        case .catchTable: return readCatches(&reader)
        case .zeroByte:
            _ = reader.readByte()
            return ""
        }
    }

    /// An index; that of the first memory goes without saying.
    private func optional(_ operation: Operation, _ index: UInt32) -> String {
        operation.immediates == .memory && index == 0 ? "" : "\(index)"
    }

    private func readLabels(_ reader: inout InstructionReader) -> String {
        var labels: [String] = []
        for _ in 0..<min(reader.readIndex(), UInt32(clamping: module.bytes.count)) {
            labels.append("\(reader.readIndex())")
        }
        labels.append("\(reader.readIndex())")
        return labels.joined(separator: " ")
    }

    private func readCatches(_ reader: inout InstructionReader) -> String {
        var text = Self.text(reader.readBlockType())
        for _ in 0..<min(reader.readIndex(), UInt32(clamping: module.bytes.count)) {
            let kind = reader.readByte()
            let name = kind < 2 ? "catch" : "catch_all"
            let suffix = kind & 1 != 0 ? "_ref" : ""
            let tag = kind < 2 ? " \(reader.readIndex())" : ""
            text += " (\(name)\(suffix)\(tag) \(reader.readIndex()))"
        }
        return text
    }

    private static func list(_ bytes: [UInt8]) -> String {
        bytes.map { "\($0)" }.joined(separator: " ")
    }

    private static func text(_ type: BlockType) -> String {
        if let index = type.typeIndex { return "(type \(index))" }
        return type.singleResult.map { "(result \($0))" } ?? ""
    }

    /// Offset and alignment, unless they are what the instruction has by itself.
    private static func text(_ argument: MemoryArgument, _ operation: Operation) -> String {
        var parts: [String] = []
        if argument.memory != 0 { parts.append("\(argument.memory)") }
        if argument.offset != 0 { parts.append("offset=\(argument.offset)") }
        if argument.alignment != UInt32(operation.naturalAlignment), argument.alignment < 64 {
            parts.append("align=\(UInt64(1) << UInt64(argument.alignment))")
        }
        return parts.joined(separator: " ")
    }

    private static func text(_ value: Float) -> String {
        guard value.isNaN else { return value.isInfinite ? infinity(value < 0) : "\(value)" }
        let payload = value.bitPattern & 0x7F_FFFF
        return notANumber(value.sign == .minus, UInt64(payload))
    }

    private static func text(_ value: Double) -> String {
        guard value.isNaN else { return value.isInfinite ? infinity(value < 0) : "\(value)" }
        return notANumber(value.sign == .minus, value.bitPattern & 0xF_FFFF_FFFF_FFFF)
    }

    private static func infinity(_ isNegative: Bool) -> String { isNegative ? "-inf" : "inf" }

    private static func notANumber(_ isNegative: Bool, _ payload: UInt64) -> String {
        (isNegative ? "-nan:0x" : "nan:0x") + String(payload, radix: 16)
    }
}
