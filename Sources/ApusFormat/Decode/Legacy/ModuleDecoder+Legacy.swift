internal import ApusCollections

/// Exception handling as it was before it was standardised, rewritten: whoever reads bodies after
/// the decoder sees `try_table` and nothing else.
extension ModuleDecoder {
    /// Replaces the bodies that have legacy instructions. The new ones lie behind the module's own
    /// bytes.
    mutating func rewriteLegacyBodies() throws(ModuleError) {
        let types = LegacyTypes(parts.types, tags: parts.tags, limit: limits.types)
        var behind: [UInt8] = []
        for index in parts.bodies.indices {
            let start = parts.bytes.count + behind.count
            guard let body = try rewrite(index, types, &behind) else { continue }
            let end = start + body.count
            guard body.count <= limits.functionBytes, end <= UInt32.max else {
                throw ModuleError(
                    .limit, at: Int(parts.bodies[index].start),
                    "function body too large without legacy exception handling")
            }
            behind += body
            parts.bodies[index] = FunctionBody(
                start: UInt32(truncatingIfNeeded: start), end: UInt32(truncatingIfNeeded: end))
        }
        if behind.isEmpty { return }
        parts.ownTypeCount = parts.types.count
        parts.types = types.types
        let old = parts.bytes
        parts.bytes = ByteStorage(count: old.count + behind.count) { bytes in
            for place in 0..<old.count { bytes.append(old.span[place]) }
            for byte in behind { bytes.append(byte) }
        }
    }

    /// Body `index` without legacy instructions; nil if it has none, or cannot be read.
    private mutating func rewrite(
        _ index: Int, _ types: LegacyTypes, _ behind: inout [UInt8]
    ) throws(ModuleError) -> [UInt8]? {
        let body = parts.bodies[index]
        let bytes = parts.bytes
        guard let header = LegacyHeader(bytes, body) else { return nil }
        let (start, end) = (header.codeStart, Int(body.end))
        guard let tries = try LegacyTries.find(in: bytes, from: start, to: end) else { return nil }
        types.offset = Int(body.start)
        let function = parts.importedFunctionCount + index
        guard function < parts.functions.count else { return nil }
        let type = Int(parts.functions[function])
        guard type < types.types.count, types.types.kind(type) == .function else { return nil }
        let parameters = types.types.function(type).parameters.count
        var rewriter = LegacyRewriter(
            bytes, tries, locals: parameters + header.localCount, types)
        let (code, locals) = try rewriter.rewrite(from: start, to: end)
        var writer = ByteWriter()
        writer.write(count: header.groupCount + (locals > 0 ? 1 : 0))
        writer.write(header.groups.map { bytes.span[$0] })
        if locals > 0 {
            writer.write(count: locals)
            writer.write(ValueType.exnref)
        }
        let base = UInt32(
            truncatingIfNeeded: bytes.count + behind.count + writer.bytes.count)
        parts.origins.append(
            CodeOrigin(
                start: UInt32(truncatingIfNeeded: bytes.count + behind.count),
                source: body.start))
        parts.origins += rewriter.origins.map {
            CodeOrigin(start: base &+ $0.start, source: $0.source)
        }
        parts.origins.append(
            CodeOrigin(start: base &+ UInt32(truncatingIfNeeded: code.count), source: body.end))
        writer.write(code)
        return writer.bytes
    }
}

/// What a body declares before its code.
private struct LegacyHeader {
    var groupCount = 0
    var localCount = 0
    /// Where the declarations lie, without their number.
    var groups = 0..<0
    var codeStart = 0

    /// Nil if it cannot be read.
    init?(_ bytes: ByteStorage, _ body: FunctionBody) {
        var reader = ByteReader(bytes, Int(body.start)..<Int(body.end))
        do throws(ModuleError) {
            groupCount = Int(try reader.readUnsigned32())
            let start = reader.position
            for _ in 0..<groupCount {
                localCount += Int(try reader.readUnsigned32())
                let code = try reader.readByte()
                if code == 0x63 || code == 0x64 { while try reader.readByte() >= 0x80 {} }
            }
            groups = start..<reader.position
            codeStart = reader.position
        } catch {
            return nil
        }
    }
}
