// Consumes: bodies that FunctionValidator has accepted. Used by: every compiler.

public import ApusCollections

/// Reads the instructions of validated code, one after the other.
///
/// It checks nothing about them. Whatever the bytes are, it reads no others: beyond the end of the
/// bytes it finds zeroes, and beyond the end of the code `next` finds `end`.
public struct InstructionReader: Sendable {
    @usableFromInline let bytes: ByteWindow
    @usableFromInline let operations = Opcodes.coreOperations
    /// Offset in the module of the next byte to be read.
    public var position: Int
    @usableFromInline var end: Int

    /// A reader of the code from `from` up to, not including, `to`.
    public init(_ storage: ByteStorage, from: Int, to: Int) {
        bytes = ByteWindow(storage)
        position = from
        end = to
    }

    /// Goes on with the code from `from` up to, not including, `to`.
    @inline(__always)
    public mutating func move(from: Int, to: Int) {
        position = from
        end = to
    }

    /// Reads an opcode. What it means is all that is left: its immediates come next.
    @inlinable @inline(__always)
    public mutating func next() -> Operation {
        let byte = readByte()
        if byte >= 0xFB { return nextPrefixed(byte) }
        if position > end { return .end }
        return operations[byte]
    }

    @usableFromInline @inline(never)
    mutating func nextPrefixed(_ prefix: UInt8) -> Operation {
        let code = readIndex()
        if position > end { return .end }
        let (rows, index) = ValidationRow.find(prefix: prefix, code: code)
        return rows[index].operation
    }

    // MARK: Bytes

    /// The next byte, which stays the next one.
    @inline(__always)
    public func peekByte() -> UInt8 { bytes.byte(at: position) }

    /// The byte `ahead` bytes after the next one.
    @inline(__always)
    public func peekByte(ahead: Int) -> UInt8 { bytes.byte(at: position &+ ahead) }

    /// The next byte.
    @inlinable @inline(__always)
    public mutating func readByte() -> UInt8 {
        let byte = bytes.byte(at: position)
        position &+= 1
        return byte
    }

    /// The bits of a 32-bit float.
    @inline(__always)
    public mutating func readFloat32Bits() -> UInt32 {
        let word = bytes.word(at: position)
        position &+= 4
        return UInt32(truncatingIfNeeded: word)
    }

    /// The bits of a 64-bit float.
    @inline(__always)
    public mutating func readFloat64Bits() -> UInt64 {
        let word = bytes.word(at: position)
        position &+= 8
        return word
    }

    // MARK: LEB128 numbers (5.2.2)

    /// An unsigned number of at most 32 bits.
    @inlinable @inline(__always)
    public mutating func readIndex() -> UInt32 {
        let byte = bytes.byte(at: position)
        if byte < 0x80 {
            position &+= 1
            return UInt32(byte)
        }
        return UInt32(truncatingIfNeeded: readLongUnsigned(maximumBytes: 5))
    }

    /// A signed number of at most 32 bits.
    @inlinable @inline(__always)
    public mutating func readSigned32() -> Int32 {
        let byte = bytes.byte(at: position)
        if byte < 0x80 {
            position &+= 1
            return Int32(Int8(bitPattern: byte &<< 1) &>> 1)
        }
        return Int32(truncatingIfNeeded: readLongSigned(maximumBytes: 5))
    }

    /// A signed number of at most 64 bits.
    @inline(__always)
    public mutating func readSigned64() -> Int64 {
        let byte = bytes.byte(at: position)
        if byte < 0x80 {
            position &+= 1
            return Int64(Int8(bitPattern: byte &<< 1) &>> 1)
        }
        return readLongSigned(maximumBytes: 10)
    }

    @usableFromInline @inline(never)
    mutating func readLongUnsigned(maximumBytes: Int) -> UInt64 {
        let short = LEB128.Short(bytes.word(at: position))
        if short.hasEnded {
            position &+= short.byteCount
            return short.value
        }
        var value: UInt64 = 0
        var shift: UInt64 = 0
        for _ in 0..<maximumBytes {
            let byte = readByte()
            value |= UInt64(byte & 0x7F) &<< shift
            if byte < 0x80 { break }
            shift &+= 7
        }
        return value
    }

    @usableFromInline @inline(never)
    mutating func readLongSigned(maximumBytes: Int) -> Int64 {
        let short = LEB128.Short(bytes.word(at: position))
        if short.hasEnded {
            position &+= short.byteCount
            return short.signed
        }
        var value: Int64 = 0
        var shift: Int64 = 0
        for _ in 0..<maximumBytes {
            let byte = readByte()
            value |= Int64(byte & 0x7F) &<< shift
            shift &+= 7
            if byte < 0x80 {
                if shift < 64, byte & 0x40 != 0 { value |= -1 &<< shift }
                break
            }
        }
        return value
    }

    // MARK: Immediates

    /// What a load or store has besides its operands. Specification: 5.4.6.
    @inlinable @inline(__always)
    public mutating func readMemoryArgument() -> MemoryArgument {
        let word = bytes.word(at: position)
        // Both numbers in one byte each and memory 0: nearly all there are.
        if word & 0x80C0 == 0 {
            position &+= 2
            return MemoryArgument(
                alignment: UInt32(word & 0x3F), memory: 0, offset: (word &>> 8) & 0x7F)
        }
        return readLongMemoryArgument()
    }

    @usableFromInline @inline(never)
    mutating func readLongMemoryArgument() -> MemoryArgument {
        let flags = readIndex()
        let memory = flags & 0x40 != 0 ? readIndex() : 0
        return MemoryArgument(
            alignment: flags & ~0x40, memory: memory, offset: readLongUnsigned(maximumBytes: 10))
    }

    /// The type of a structured instruction. Specification: 5.4.1.
    @inline(__always)
    public mutating func readBlockType() -> BlockType {
        if peekByte() == 0x40 {
            position &+= 1
            return .empty
        }
        return readLongBlockType()
    }

    @inline(never)
    private mutating func readLongBlockType() -> BlockType {
        // One byte with the sign bit set is a value type; everything else is a type index.
        if peekByte() & 0xC0 == 0x40 { return .result(readValueType()) }
        return .type(UInt32(truncatingIfNeeded: readLongSigned(maximumBytes: 5)))
    }

    /// Specification: 5.3.5.
    public mutating func readValueType() -> ValueType {
        let byte = readByte()
        switch byte {
        case 0x63, 0x64: return .reference(readHeapType(), nullable: byte == 0x63)
        case 0x69...0x74: return .reference(.abstract(UInt32(byte)), nullable: true)
        default: return ValueType(bits: UInt32(byte))
        }
    }

    /// Specification: 5.3.3.
    public mutating func readHeapType() -> HeapType {
        let byte = peekByte()
        if byte & 0xC0 == 0x40 {
            position &+= 1
            return .abstract(UInt32(byte))
        }
        return HeapType(typeIndex: UInt32(truncatingIfNeeded: readLongSigned(maximumBytes: 5)))
    }
}
