internal import ApusCollections
internal import ApusFormat

/// Branch hints, which are written before their instructions if they can be.
extension ModulePrinter {
    /// The hints that `part` holds, by function and by offset in its body; nil if they could not
    /// be written again as they are.
    func readHints(_ part: ByteReader) -> [UInt32: [Int: UInt8]]? {
        var reader = part
        var hints: [UInt32: [Int: UInt8]] = [:]
        do throws(ModuleError) {
            var nextFunction: UInt64 = 0
            for _ in 0..<(try reader.readUnsigned32()) {
                let function = try reader.readUnsigned32()
                guard function >= nextFunction else { return nil }
                nextFunction = UInt64(function) + 1
                guard let ofFunction = try Self.readHints(&reader) else { return nil }
                hints[function] = ofFunction
            }
        } catch {
            return nil
        }
        return reader.isAtEnd && !hints.isEmpty ? hints : nil
    }

    private static func readHints(
        _ reader: inout ByteReader
    ) throws(ModuleError) -> [Int: UInt8]? {
        var hints: [Int: UInt8] = [:]
        var nextOffset = 0
        for _ in 0..<(try reader.readUnsigned32()) {
            let offset = Int(try reader.readUnsigned32())
            let size = try reader.readByte()
            let value = try reader.readByte()
            guard offset >= nextOffset, size == 1, value < 2 else { return nil }
            nextOffset = offset + 1
            hints[offset] = value
        }
        return hints.isEmpty ? nil : hints
    }

    /// Whether each of `hints` is of an instruction in `code` that takes one. Imports have been
    /// printed.
    func areWritable(_ hints: [UInt32: [Int: UInt8]], in code: ByteReader) -> Bool {
        var reader = code
        var functions = 0
        do throws(ModuleError) {
            for place in 0..<(try reader.readUnsigned32()) {
                let body = try reader.readPart(try reader.readUnsigned32())
                guard let ofFunction = hints[counts.functions &+ place] else { continue }
                guard try areWritable(ofFunction, inBody: body) else { return false }
                functions += 1
            }
        } catch {
            return false
        }
        return functions == hints.count
    }

    private func areWritable(
        _ hints: [Int: UInt8], inBody body: ByteReader
    ) throws(ModuleError) -> Bool {
        var reader = body
        for _ in 0..<(try reader.readUnsigned32()) {
            _ = try reader.readUnsigned32()
            _ = try valueType(&reader)
        }
        var scope = PrintedScope(function: nil, labelNames: [:])
        var count = 0
        while !reader.isAtEnd {
            let offset = reader.position - body.position
            let operation = try readOperation(&reader, &scope)
            if operation == .if || operation == .brIf, hints[offset] != nil { count += 1 }
        }
        return count == hints.count
    }

    /// Reads an instruction; nil if it is a legacy one.
    private func readOperation(
        _ reader: inout ByteReader, _ scope: inout PrintedScope
    ) throws(ModuleError) -> Operation? {
        guard let legacy = LegacyInstruction(rawValue: try reader.peekByte()) else {
            return try instruction(&reader, &scope).0.operation
        }
        _ = try reader.readByte()
        switch legacy {
        case .try: _ = try blockType(&reader)
        case .catch, .rethrow, .delegate: _ = try reader.readUnsigned32()
        case .catchAll: break
        }
        return nil
    }
}
