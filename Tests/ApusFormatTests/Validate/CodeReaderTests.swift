import ApusCollections
import Testing

@testable import ApusFormat

/// Numbers are read at once where they are short, a byte at a time where they are not: both have to
/// say the same of each, and of what is wrong with it.
@Suite struct CodeReaderTests {
    private func reader(_ bytes: [UInt8], end: Int? = nil) -> CodeReader {
        // Something that looks like more of the number lies behind it.
        let storage = ByteStorage(bytes + [UInt8](repeating: 0x81, count: 12))
        return CodeReader(storage, from: 0, to: end ?? bytes.count)
    }

    /// Encodings of each length and each last byte, before which all bits are those of `middle`.
    private func encodings(_ body: ([UInt8]) throws -> Void) rethrows {
        for middle in [0x80, 0xFF, 0xD5] as [UInt8] {
            for count in 1...11 {
                for last in 0..<UInt8(0x80) {
                    try body([UInt8](repeating: middle, count: count - 1) + [last])
                }
            }
        }
    }

    /// What a number of `bits` bits is (5.2.2), nil if these bytes are none.
    private func value(_ bytes: [UInt8], bits: Int, isSigned: Bool) -> Int64? {
        guard bytes.count <= (bits + 6) / 7 else { return nil }
        let whole = bytes.enumerated().reduce(Int128(0)) { sum, next in
            sum | Int128(next.element & 0x7F) << Int128(7 * next.offset)
        }
        if !isSigned {
            return whole >> Int128(bits) == 0 ? Int64(truncatingIfNeeded: whole) : nil
        }
        let unused = Int128(128 - 7 * bytes.count)
        let extended = (whole << unused) >> unused
        let top = extended >> Int128(bits - 1)
        return top == 0 || top == -1 ? Int64(truncatingIfNeeded: extended) : nil
    }

    @Test func unsignedNumbers() {
        encodings { bytes in
            var reader = reader(bytes)
            let expected = value(bytes, bits: 32, isSigned: false)
            let found = try? reader.readUnsigned32()
            #expect(found.map(Int64.init) == expected, "\(bytes)")
            if expected != nil { #expect(reader.position == bytes.count) }
        }
    }

    @Test func offsets() {
        encodings { bytes in
            var reader = reader(bytes)
            let expected = value(bytes, bits: 64, isSigned: false)
            let found = try? reader.readOffset()
            #expect(found.map { Int64(bitPattern: $0) } == expected, "\(bytes)")
            if expected != nil { #expect(reader.position == bytes.count) }
        }
    }

    @Test(arguments: [32, 64] as [UInt32])
    func signedNumbersThatAreSkipped(bits: UInt32) {
        encodings { bytes in
            var reader = reader(bytes)
            let isNumber = value(bytes, bits: Int(bits), isSigned: true) != nil
            #expect(((try? reader.skipSigned(bits: bits)) != nil) == isNumber, "\(bytes)")
            if isNumber { #expect(reader.position == bytes.count) }
        }
    }

    @Test func signedNumbers() {
        encodings { bytes in
            var reader = reader(bytes)
            let expected = value(bytes, bits: 33, isSigned: true)
            #expect((try? reader.readSigned33()) == expected, "\(bytes)")
            if expected != nil { #expect(reader.position == bytes.count) }
        }
    }

    @Test(arguments: 2...5)
    func numbersEndInTheirBody(count: Int) {
        let bytes = [UInt8](repeating: 0x80, count: count - 1) + [0]
        for end in 1..<count {
            var reader = reader(bytes, end: end)
            #expect(throws: ModuleError.self) { try reader.readUnsigned32() }
            reader = self.reader(bytes, end: end)
            #expect(throws: ModuleError.self) { try reader.skipSigned(bits: 64) }
        }
        var reader = reader(bytes)
        #expect((try? reader.readUnsigned32()) == 0)
    }
}
