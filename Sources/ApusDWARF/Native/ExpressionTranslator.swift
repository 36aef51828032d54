internal import ApusCollections

/// Rewrites expressions that say where a variable is: those of WebAssembly speak of locals, globals
/// and addresses in memory, those of this machine of registers and addresses. Specification: DWARF
/// 5, 2.5, and “DWARF for WebAssembly”.
struct ExpressionTranslator {
    private let layout: NativeLayout

    private typealias Operation = ExpressionOperation

    init(_ layout: NativeLayout) { self.layout = layout }

    /// The address of the context, plus `offset`.
    private func context(_ offset: Int32) -> [UInt8] {
        var writer = DebugWriter()
        writer.byte(Operation.framePointer)
        writer.signedLeb(Int64(layout.contextSlot))
        writer.byte(Operation.load)
        writer.byte(Operation.plusConstant)
        writer.leb(UInt64(max(offset, 0)))
        return writer.bytes
    }

    /// Where memory 0 is.
    var memoryBase: [UInt8] { context(layout.memoryBase) + [Operation.load] }

    /// The same expression for this machine; nil if it cannot be said here. `locals` are those of
    /// the function around.
    func translate(
        _ expression: DebugReader, _ unit: UnitEncoding, locals: [Int32?], isFrameBase: Bool
    ) -> [UInt8]? {
        var reader = expression
        do throws(MalformedDebugInformation) {
            return try translate(&reader, unit, locals, isFrameBase)
        } catch {
            return nil
        }
    }

    private func translate(
        _ reader: inout DebugReader, _ unit: UnitEncoding, _ locals: [Int32?], _ isFrameBase: Bool
    ) throws(MalformedDebugInformation) -> [UInt8]? {
        var writer = DebugWriter()
        var isValue = false
        while !reader.isAtEnd {
            let operation = try reader.byte()
            isValue = false
            if operation == Operation.wasmLocation {
                guard let place = try address(&reader, locals) else { return nil }
                writer.append(place)
                // What is the value of a local or a global has its place. Otherwise that is the
                // variable's address.
                if reader.remaining == 1, peeksValue(reader), writer.count == place.count,
                    !isFrameBase
                {
                    return place
                }
                writer.append([Operation.loadBytes, UInt8(layout.pointerBytes)])
            } else if operation == Operation.value {
                // The debugger takes what a frame base comes to for an address as it is.
                if !isFrameBase { writer.byte(operation) }
                isValue = true
            } else if try !copy(operation, &reader, unit, &writer) {
                return nil
            }
        }
        if !isFrameBase, !isValue {
            writer.append(memoryBase)
            writer.byte(Operation.plus)
        }
        return writer.bytes
    }

    private func peeksValue(_ reader: DebugReader) -> Bool {
        var reader = reader
        return (try? reader.byte()) == Operation.value
    }

    /// The address of what a location names that WebAssembly has added.
    private func address(
        _ reader: inout DebugReader, _ locals: [Int32?]
    ) throws(MalformedDebugInformation) -> [UInt8]? {
        let kind = try reader.byte()
        switch kind {
        case 0:
            let index = try reader.count()
            guard locals.indices.contains(index), let slot = locals[index] else { return nil }
            var writer = DebugWriter()
            writer.byte(Operation.framePointer)
            writer.signedLeb(Int64(slot))
            return writer.bytes
        case 1, 3:
            let index = kind == 1 ? try reader.count() : Int(try reader.word())
            guard layout.globals.indices.contains(index), let offset = layout.globals[index] else {
                return nil
            }
            return context(offset)
        // The operand stack is nowhere.
        default: return nil
        }
    }

    /// Writes an operation that is the same here; false if it is not.
    private func copy(
        _ byte: UInt8, _ reader: inout DebugReader, _ unit: UnitEncoding,
        _ writer: inout DebugWriter
    ) throws(MalformedDebugInformation) -> Bool {
        switch byte {
        case Operation.address:
            writer.byte(Operation.unsignedConstant)
            writer.leb(try reader.unsigned(unit.addressBytes))
        case Operation.load:
            writer.append(memoryBase)
            writer.append([Operation.plus, Operation.loadBytes, UInt8(layout.pointerBytes)])
        case Operation.constants:
            let bytes = Operation.constant(byte).bytes
            writer.byte(byte)
            writer.number(try reader.unsigned(bytes), bytes: bytes)
        case Operation.unsignedConstant, Operation.plusConstant:
            writer.byte(byte)
            writer.leb(try reader.leb())
        case Operation.signedConstant, Operation.frameBase:
            writer.byte(byte)
            writer.signedLeb(try reader.signedLeb())
        default:
            guard Operation.literals.contains(byte) || Operation.isPlain(byte)
            else { return false }
            writer.byte(byte)
        }
        return true
    }
}
