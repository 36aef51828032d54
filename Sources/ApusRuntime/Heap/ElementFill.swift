/// Elements of arrays that are all the same.
enum ElementFill {
    // SAFETY: callers have `count` elements of `bytes` bytes, 1, 2, 4, 8 or 16, from `start` on,
    // aligned to 8: objects are to 16 bytes, and their headers have 8.
    /// Writes the lowest `bytes` bytes of `bits` to each of `count` elements, one piece after the
    /// other, until `mayGoOn` says no. Returns whether all are written.
    ///
    /// Unsafe: there must be so many elements at `start`.
    @unsafe @inline(__always) @discardableResult
    static func fill(
        _ start: UnsafeMutableRawPointer, _ count: Int, of bytes: Int,
        _ bits: (low: UInt64, high: UInt64), mayGoOn: () -> Bool
    ) -> Bool {
        Pieces.forEach(in: count, of: Pieces.elements, mayGoOn: mayGoOn) { offset, length in
            let place = unsafe start + offset &* bytes
            let low = bits.low
            switch bytes {
            case 1: unsafe repeated(place, UInt8(truncatingIfNeeded: low), length)
            case 2: unsafe repeated(place, UInt16(truncatingIfNeeded: low), length)
            case 4: unsafe repeated(place, UInt32(truncatingIfNeeded: low), length)
            case 8: unsafe repeated(place, low, length)
            default:
                let vector = SIMD2(low, bits.high)
                for element in 0..<length {
                    unsafe (place + 16 &* element).storeBytes(
                        of: vector, as: SIMD2<UInt64>.self)
                }
            }
        }
    }

    // SAFETY: `fill` has `count` elements there.
    @inline(__always)
    private static func repeated<Element: BitwiseCopyable>(
        _ place: UnsafeMutableRawPointer, _ value: Element, _ count: Int
    ) {
        unsafe place.initializeMemory(as: Element.self, repeating: value, count: count)
    }
}
