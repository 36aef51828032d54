import ApusCollections
import Testing

@Suite struct ChecksumTests {
    @Test func everyByteAndEveryLengthCounts() {
        var bytes = (0..<200).map { UInt8(truncatingIfNeeded: $0 &* 37) }
        for length in [0, 1, 7, 8, 9, 31, 32, 33, 63, 64, 100, 200] {
            let whole = Checksum(of: bytes.span.extracting(first: length))
            for place in 0..<length {
                for change: UInt8 in [1, 0x80, 0xFF] {
                    bytes[place] ^= change
                    #expect(Checksum(of: bytes.span.extracting(first: length)) != whole)
                    bytes[place] ^= change
                }
            }
            #expect(Checksum(of: bytes.span.extracting(first: length)) == whole)
        }
        // Zeros are bytes, too.
        let zeros = [UInt8](repeating: 0, count: 100)
        let checksums = (0...100).map { Checksum(of: zeros.span.extracting(first: $0)) }
        #expect(Set(checksums).count == 101)
        #expect(Set(checksums.map(\.low)).count == 101)
        #expect(Set(checksums.map(\.high)).count == 101)
    }

    /// The same bytes give the same elsewhere and on another day.
    @Test func itIsWrittenInHexadecimalDigits() {
        #expect(Checksum(low: 0xAB, high: 1).hexadecimal == "000000000000000100000000000000ab")
        let bytes = Array("WebAssembly, as machine code, for the next time".utf8)
        var shifted: [UInt8] = [0] + bytes
        #expect(
            Checksum(of: shifted.span.extracting(1..<shifted.count)) == Checksum(of: bytes.span))
        shifted.append(0)
        #expect(Checksum(of: shifted.span) != Checksum(of: bytes.span))
    }
}
