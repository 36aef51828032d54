import ApusCollections
import Testing

@Suite struct BytesTests {
    private struct Pair: BitwiseCopyable {
        var first: UInt32
        var second: UInt32
    }

    @Test func arenasAreCopiedAsBytes() {
        var arena = Arena<Pair>(capacity: 1)
        for number: UInt32 in 0..<5 { arena.append(Pair(first: number, second: number << 24)) }
        #expect(arena.byteCount == 40)
        let copy = Arena<Pair>(copying: arena.bytes)
        #expect(copy.count == 5)
        #expect(copy[4].first == 4 && copy[4].second == 4 << 24)
        let cut = Arena<Pair>(copying: arena.bytes.extracting(first: 23))
        #expect(cut.count == 2)
        let none = Arena<Pair>(copying: arena.bytes.extracting(first: 7))
        #expect(none.count == 0)
    }

    @Test func numbersAreReadWithinTheBytes() {
        let bytes: [UInt8] = [1, 2, 3, 4, 5, 6, 7, 8, 9]
        #expect(bytes.span.word32(at: 0) == 0x0403_0201)
        #expect(bytes.span.word32(at: 5) == 0x0908_0706)
        #expect(bytes.span.word64(at: 1) == 0x0908_0706_0504_0302)
        for place in [-1, 2, 6, 9, .max] { #expect(bytes.span.word64(at: place) == 0) }
        #expect(bytes.span.word32(at: 6) == 0)
    }

    private static func isEqual(_ some: [UInt8], _ others: [UInt8]) -> Bool {
        some.span.isEqual(to: others.span)
    }

    @Test func bytesAreCompared() {
        #expect(Self.isEqual([], []))
        #expect(Self.isEqual([1, 2, 3], [1, 2, 3]))
        for others in [[], [1, 2], [1, 2, 4], [0, 2, 3], [1, 2, 3, 0]] as [[UInt8]] {
            #expect(!Self.isEqual([1, 2, 3], others))
        }
    }

    private static func part(_ range: Range<Int>, of bytes: ByteStorage) -> [UInt8]? {
        ByteStorage(range, of: bytes).map { part in
            part.span.indices.map { part.span[$0] }
        }
    }

    /// A part is read where it is, and only if zeros come after it, which readers look at.
    @Test func partsNeedPadding() {
        let zeros = [UInt8](repeating: 0, count: 16)
        let whole = ByteStorage([1, 2, 3] + zeros + [4])
        #expect(Self.part(0..<3, of: whole) == [1, 2, 3])
        #expect(Self.part(0..<2, of: whole) == nil)
        #expect(Self.part(0..<4, of: whole) == nil)
        #expect(Self.part(0..<20, of: whole)?.count == 20)
        #expect(Self.part(0..<21, of: whole) == nil)
        #expect(Self.part(-1..<3, of: whole) == nil)
        // The part keeps the whole.
        let part = ByteStorage(1..<3, of: ByteStorage([1, 2, 3]))
        #expect(part.map { ByteWindow($0).word(at: 0) } == 0x0302)
    }
}
