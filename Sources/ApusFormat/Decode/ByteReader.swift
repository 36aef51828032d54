public import ApusCollections

/// Reads the binary format's small parts from bytes that nobody has checked.
///
/// Specification: 5.2 “Values”. Every method throws `ModuleError` with the offset at fault.
public struct ByteReader {
    let bytes: ByteWindow
    /// Offset in the module of the next byte to be read; never more than `end`.
    public private(set) var position: Int
    /// Offset where the present section (or other enclosing range) ends.
    public private(set) var end: Int

    public init(_ storage: ByteStorage, _ range: Range<Int>) {
        bytes = ByteWindow(storage)
        position = min(range.lowerBound, bytes.count)
        end = min(range.upperBound, bytes.count)
    }

    public init(_ storage: ByteStorage) { self.init(storage, 0..<storage.count) }

    public var remaining: Int { end &- position }
    public var isAtEnd: Bool { position >= end }

    /// A reader of the next `count` bytes, which this one skips.
    public mutating func readPart(_ count: UInt32) throws(ModuleError) -> ByteReader {
        guard Int(count) <= remaining else { throw malformed("length out of bounds") }
        var part = self
        part.end = position &+ Int(count)
        position = part.end
        return part
    }

    /// The offsets of the next `count` bytes, which are skipped.
    public mutating func readBytes(_ count: Int) throws(ModuleError) -> Range<Int> {
        guard count <= remaining else { throw unexpectedEnd() }
        let start = position
        position &+= count
        return start..<position
    }

    mutating func skipRest() -> Range<Int> {
        let start = position
        position = end
        return start..<end
    }

    // MARK: Numbers

    /// The next byte.
    @inline(__always)
    public mutating func readByte() throws(ModuleError) -> UInt8 {
        guard position < end else { throw unexpectedEnd() }
        let byte = bytes.byte(at: position)
        position &+= 1
        return byte
    }

    /// The next byte, which stays the next one.
    public func peekByte() throws(ModuleError) -> UInt8 {
        guard position < end else { throw unexpectedEnd() }
        return bytes.byte(at: position)
    }

    /// Four bytes, the lowest first.
    public mutating func readWord32() throws(ModuleError) -> UInt32 {
        let start = try readBytes(4).lowerBound
        return UInt32(truncatingIfNeeded: bytes.word(at: start))
    }

    /// Eight bytes, the lowest first.
    public mutating func readWord64() throws(ModuleError) -> UInt64 {
        let start = try readBytes(8).lowerBound
        return bytes.word(at: start)
    }

    /// An unsigned LEB128 number of at most 32 bits.
    @inline(__always)
    public mutating func readUnsigned32() throws(ModuleError) -> UInt32 {
        if position < end {
            let byte = bytes.byte(at: position)
            if byte < 0x80 {
                position &+= 1
                return UInt32(byte)
            }
        }
        return UInt32(truncatingIfNeeded: try readUnsigned(bits: 32))
    }

    /// An unsigned LEB128 number of at most 64 bits.
    public mutating func readUnsigned64() throws(ModuleError) -> UInt64 {
        try readUnsigned(bits: 64)
    }

    /// A signed LEB128 number of at most 32 bits.
    public mutating func readSigned32() throws(ModuleError) -> Int32 {
        Int32(truncatingIfNeeded: try readSigned(bits: 32))
    }

    /// A signed LEB128 number of at most 33 bits: a block type or a heap type.
    public mutating func readSigned33() throws(ModuleError) -> Int64 { try readSigned(bits: 33) }

    /// A signed LEB128 number of at most 64 bits.
    public mutating func readSigned64() throws(ModuleError) -> Int64 { try readSigned(bits: 64) }

    @inline(never)
    private mutating func readUnsigned(bits: UInt64) throws(ModuleError) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        let start = position
        while true {
            let byte = try readByte()
            let left = bits &- shift
            if left < 8, byte & 0x80 != 0 { throw tooLong(start) }
            if left < 7, UInt64(byte) >> left != 0 { throw tooLarge(start) }
            value |= UInt64(byte & 0x7F) &<< shift
            if byte < 0x80 { return value }
            shift &+= 7
        }
    }

    @inline(never)
    private mutating func readSigned(bits: Int64) throws(ModuleError) -> Int64 {
        var value: Int64 = 0
        var shift: Int64 = 0
        let start = position
        while true {
            let byte = try readByte()
            let left = bits &- shift
            if left < 8, byte & 0x80 != 0 { throw tooLong(start) }
            if left < 7 {
                // The bits beyond the number's own must repeat its sign.
                let excess = Int8(bitPattern: byte &<< 1) &>> Int8(left)
                if excess != 0, excess != -1 { throw tooLarge(start) }
            }
            value |= Int64(byte & 0x7F) &<< shift
            shift &+= 7
            if byte < 0x80 {
                if shift < 64, byte & 0x40 != 0 { value |= -1 &<< shift }
                return value
            }
        }
    }

    // MARK: Names (5.2.4)

    /// A name: its length in bytes, then UTF-8.
    public mutating func readName() throws(ModuleError) -> String {
        let count = try readUnsigned32()
        guard Int(count) <= remaining else { throw malformed("length out of bounds") }
        let start = position
        position &+= Int(count)
        guard let name = bytes.storage.string(start..<position) else {
            throw ModuleError(.malformed, at: start, "malformed UTF-8 encoding")
        }
        return name
    }

    // MARK: Errors

    func malformed(_ message: String) -> ModuleError {
        ModuleError(.malformed, at: position, message)
    }

    @inline(never)
    func unexpectedEnd() -> ModuleError {
        let inside = end < bytes.count || position > 8
        return ModuleError(
            .malformed, at: end,
            inside ? "unexpected end of section or function" : "unexpected end")
    }

    private func tooLong(_ start: Int) -> ModuleError {
        ModuleError(.malformed, at: start, "integer representation too long")
    }

    private func tooLarge(_ start: Int) -> ModuleError {
        ModuleError(.malformed, at: start, "integer too large")
    }
}

extension ByteStorage {
    /// The bytes in `range`, which must lie inside, as text; nil unless they are UTF-8.
    func string(_ range: Range<Int>) -> String? {
        guard let text = try? UTF8Span(validating: span.extracting(range)) else { return nil }
        return String(copying: text)
    }
}
