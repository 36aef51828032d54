internal import ApusFormat

/// Bytes of a module in the making. Specification: 5 “Binary Format”.
///
/// Knows nothing of the format's own encoder, so that each checks the other.
struct BinaryWriter {
    private(set) var bytes: [UInt8] = []

    mutating func byte(_ byte: UInt8) { bytes.append(byte) }

    mutating func raw(_ more: [UInt8]) { bytes += more }

    mutating func unsigned(_ value: Int) {
        var rest = UInt64(value)
        while rest > 0x7F {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    mutating func signed(_ value: Int64) {
        var rest = value
        while rest < -64 || rest > 63 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest) & 0x7F)
    }

    mutating func word(_ value: UInt64, byteCount: Int) {
        for index in 0..<byteCount { bytes.append(UInt8(truncatingIfNeeded: value >> (8 * index))) }
    }

    mutating func name(_ text: String) {
        unsigned(text.utf8.count)
        bytes += text.utf8
    }

    mutating func type(_ type: ValueType) {
        switch type {
        case .funcref: byte(0x70)
        case .externref: byte(0x6F)
        default: byte(UInt8(truncatingIfNeeded: type.bits))
        }
    }

    mutating func types(_ types: [ValueType]) {
        unsigned(types.count)
        for each in types { type(each) }
    }

    mutating func limits(_ limits: SizeLimits) {
        byte(limits.maximum == nil ? 0 : 1)
        unsigned(Int(limits.minimum))
        if let maximum = limits.maximum { unsigned(Int(maximum)) }
    }

    mutating func tableType(_ table: TableType) {
        type(table.element)
        limits(table.limits)
    }

    mutating func globalType(_ global: GlobalType) {
        type(global.value)
        byte(global.isMutable ? 1 : 0)
    }

    /// A section that holds a list, if the list is not empty.
    mutating func section<Item>(
        _ identifier: UInt8, _ items: [Item], _ write: (inout BinaryWriter, Item) -> Void
    ) {
        guard !items.isEmpty else { return }
        var contents = BinaryWriter()
        contents.unsigned(items.count)
        for item in items { write(&contents, item) }
        section(identifier, contents)
    }

    mutating func section(_ identifier: UInt8, _ contents: BinaryWriter) {
        byte(identifier)
        unsigned(contents.bytes.count)
        raw(contents.bytes)
    }
}
