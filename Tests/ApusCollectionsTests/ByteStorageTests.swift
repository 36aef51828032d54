import Testing

@testable import ApusCollections

/// Bytes that do not move, and what reads them with one check.
@Suite struct ByteStorageTests {
    private func bytes(_ storage: ByteStorage) -> [UInt8] {
        let span = storage.span
        return span.indices.map { span[$0] }
    }

    @Test(arguments: [0, 1, 7, 8, 9, 4096]) func keepsWhatItIsGiven(count: Int) {
        let given = (0..<count).map { UInt8(truncatingIfNeeded: $0 * 7 + 1) }
        let storage = ByteStorage(given)
        #expect(storage.count == count)
        #expect(bytes(storage) == given)
        let filled = ByteStorage(count: count) { bytes in
            for byte in given { bytes.append(byte) }
        }
        #expect(bytes(filled) == given)
        let half = ByteStorage(count: count) { bytes in
            for byte in given.prefix(count / 2) { bytes.append(byte) }
        }
        let zeros = [UInt8](repeating: 0, count: count - count / 2)
        #expect(bytes(half) == given.prefix(count / 2) + zeros)
        let empty = ByteStorage(count: count) { _ in }
        #expect(bytes(empty) == [UInt8](repeating: 0, count: count))
    }

    @Test func whoFailsToFillFails() {
        struct Failure: Error {}
        #expect(throws: Failure.self) { _ = try ByteStorage(count: 3) { _ in throw Failure() } }
    }

    /// Bytes and words at each offset, and beyond both ends, where there are zeroes.
    @Test(arguments: [0, 1, 7, 8, 9, 40]) func windowsReadAnywhere(count: Int) {
        let given = (0..<count).map { UInt8(truncatingIfNeeded: $0 * 13 + 5) }
        let window = ByteWindow(ByteStorage(given))
        func byte(_ offset: Int) -> UInt8 {
            offset >= 0 && offset < count ? given[offset] : 0
        }
        #expect(window.count == count)
        for offset in Array(-9...count + 9) + [Int.min, Int.max] {
            #expect(window.byte(at: offset) == byte(offset))
            var word: UInt64 = 0
            // A word begins where there is a byte.
            if offset >= 0 && offset < count {
                for place in 0..<8 { word |= UInt64(byte(offset + place)) << UInt64(8 * place) }
            }
            #expect(window.word(at: offset) == word)
        }
    }

    @Test func addressesAreOfWhatIsThere() async {
        let storage = ByteStorage([1, 2, 3])
        #expect(unsafe storage.address(at: 1..<3).pointee == 2)
        _ = unsafe storage.address(at: 3..<3)
        await #expect(processExitsWith: .failure) {
            _ = unsafe ByteStorage([1, 2, 3]).address(at: 2..<4)
        }
    }

    @Test func constantTablesHaveAllBytes() {
        let table = ConstantTable { UInt16($0) * 3 }
        for index in UInt8.min...UInt8.max { #expect(table[index] == UInt16(index) * 3) }
    }
}
