/// Numbers of variable length (5.2.2), seven bits to a byte, lowest first.
enum LEB128 {
    /// A number of at most eight bytes, taken out of the eight bytes that it is among without
    /// looking at one after the other.
    struct Short: BitwiseCopyable {
        /// How many bytes it has; nine if it has not ended yet.
        let byteCount: Int
        /// Its bits, the sign not extended.
        let value: UInt64

        @inline(__always) var hasEnded: Bool { byteCount <= 8 }

        /// How many bits that may count.
        @inline(__always) var bits: Int { byteCount &* 7 }

        /// What it is with its sign extended.
        @inline(__always)
        var signed: Int64 {
            let unused = Int64(64 &- bits)
            return (Int64(bitPattern: value) &<< unused) &>> unused
        }

        /// The number that begins in the lowest byte of `word`.
        @inline(__always)
        init(_ word: UInt64) {
            let ends = ~word & 0x8080_8080_8080_8080
            byteCount = ends.trailingZeroBitCount / 8 &+ 1
            // The bits up to the first end, then pairs of septets, of pairs and of fours.
            var bits = word & (ends ^ (ends &- 1)) & 0x7F7F_7F7F_7F7F_7F7F
            bits = bits & 0x007F_007F_007F_007F | (bits & 0x7F00_7F00_7F00_7F00) &>> 1
            bits = bits & 0x0000_3FFF_0000_3FFF | (bits & 0x3FFF_0000_3FFF_0000) &>> 2
            value = bits & 0x0FFF_FFFF | (bits &>> 32) &<< 28
        }
    }
}
