internal import ApusCollections

/// Writes the binary format's small parts. Specification: 5.2 “Values”.
public struct ByteWriter: Sendable {
    /// What has been written.
    public private(set) var bytes: [UInt8] = []

    public init() {}

    public var count: Int { bytes.count }

    /// Forgets all bytes after the first `count`, and keeps the room they had.
    public mutating func truncate(to count: Int) {
        let excess = bytes.count - count
        if excess > 0 { bytes.removeLast(excess) }
    }

    /// One byte.
    public mutating func write(_ byte: UInt8) { bytes.append(byte) }

    /// Bytes as they are.
    public mutating func write(_ more: [UInt8]) { bytes.append(contentsOf: more) }

    /// What `other` has from its byte `start` on.
    public mutating func write(_ other: ByteWriter, from start: Int = 0) {
        for index in start..<max(start, other.bytes.count) { bytes.append(other.bytes[index]) }
    }

    /// An unsigned LEB128 number in as few bytes as it takes.
    public mutating func write(unsigned value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }

    /// An unsigned LEB128 number in as few bytes as it takes.
    public mutating func write(unsigned value: UInt32) { write(unsigned: UInt64(value)) }

    /// An unsigned LEB128 number. `count` must not be negative.
    public mutating func write(count: Int) { write(unsigned: UInt64(count)) }

    /// A signed LEB128 number in as few bytes as it takes.
    public mutating func write(signed value: Int64) {
        var rest = value
        while rest < -0x40 || rest >= 0x40 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest) & 0x7F)
    }

    /// Four bytes, the lowest first.
    public mutating func write(word32 value: UInt32) {
        for shift in stride(from: 0, to: 32, by: 8) {
            bytes.append(UInt8(truncatingIfNeeded: value >> UInt32(shift)))
        }
    }

    /// Eight bytes, the lowest first.
    public mutating func write(word64 value: UInt64) {
        for shift in stride(from: 0, to: 64, by: 8) {
            bytes.append(UInt8(truncatingIfNeeded: value >> UInt64(shift)))
        }
    }

    /// A name: its length in bytes, then UTF-8. Specification: 5.2.4.
    public mutating func write(name: String) {
        let text = Array(name.utf8)
        write(count: text.count)
        write(text)
    }

    /// Specification: 5.3.3.
    public mutating func write(_ type: HeapType) {
        if let index = type.typeIndex {
            write(signed: Int64(index))
        } else {
            write(UInt8(truncatingIfNeeded: type.bits))
        }
    }

    /// Specification: 5.3.5. Nullable abstract references are written in one byte.
    public mutating func write(_ type: ValueType) {
        if !type.isReference {
            write(UInt8(truncatingIfNeeded: type.bits))
        } else if type.isNullable, type.heapType.typeIndex == nil {
            write(type.heapType)
        } else {
            write(UInt8(truncatingIfNeeded: type.bits))
            write(type.heapType)
        }
    }

    /// Bytes after their count.
    public mutating func write(sized contents: [UInt8]) {
        write(count: contents.count)
        write(contents)
    }
}
