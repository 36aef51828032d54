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
        #expect(none.isEmpty)
    }

    @Test func numbersAreReadWithinTheBytes() {
        let bytes: [UInt8] = [1, 2, 3, 4, 5, 6, 7, 8, 9]
        #expect(bytes.span.word32(at: 0) == 0x0403_0201)
        #expect(bytes.span.word32(at: 5) == 0x0908_0706)
        #expect(bytes.span.word64(at: 1) == 0x0908_0706_0504_0302)
        for place in [-1, 2, 6, 9, .max] { #expect(bytes.span.word64(at: place) == 0) }
        #expect(bytes.span.word32(at: 6) == 0)
        #expect(bytes.span.isEqual(to: bytes.span))
        #expect(!bytes.span.isEqual(to: bytes.span.extracting(first: 8)))
        #expect(![UInt8](repeating: 0, count: 9).span.isEqual(to: bytes.span))
    }

    /// A part is read where it is, and only if zeros come after it, which readers look at.
    @Test func partsNeedPadding() {
        let zeros = [UInt8](repeating: 0, count: 16)
        let whole = ByteStorage([1, 2, 3] + zeros + [4])
        #expect(ByteStorage(0..<3, of: whole)?.span.isEqual(to: [1, 2, 3].span) == true)
        #expect(ByteStorage(0..<2, of: whole) == nil)
        #expect(ByteStorage(0..<4, of: whole) == nil)
        #expect(ByteStorage(0..<20, of: whole)?.count == 20)
        #expect(ByteStorage(0..<21, of: whole) == nil)
        #expect(ByteStorage(-1..<3, of: whole) == nil)
        // The part keeps the whole.
        let part = ByteStorage(1..<3, of: ByteStorage([1, 2, 3]))
        #expect(part?.span.isEqual(to: [2, 3].span) == true)
        #expect(part.map { ByteWindow($0).word(at: 0) } == 0x0302)
    }
}
