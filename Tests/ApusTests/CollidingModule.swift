/// Makes modules with the checksum of another one, as somebody would who wants to deceive a cache.
/// It knows how `Checksum` goes from one word to the next, and goes back.
enum CollidingModule {
    private static let factor: UInt64 = 0x9FB2_1C65_1E98_DF25

    private static func step(_ lane: UInt64, _ word: UInt64) -> UInt64 {
        let product = (lane ^ word) &* factor
        return product << 29 | product >> 35
    }

    /// The word that leads from `lane` to `wanted`.
    private static func word(from lane: UInt64, to wanted: UInt64) -> UInt64 {
        var inverse: UInt64 = 1
        for _ in 0..<6 { inverse = inverse &* (2 &- factor &* inverse) }
        return (wanted >> 29 | wanted << 35) &* inverse ^ lane
    }

    /// What is known after all of `bytes`.
    private static func lanes(_ bytes: [UInt8]) -> [UInt64] {
        var lanes: [UInt64] = [
            0x9E37_79B9_7F4A_7C15, 0xC2B2_AE3D_27D4_EB4F, 0x1656_67B1_9E37_79F9,
            0x27D4_EB2F_1656_67C5,
        ]
        var offset = 0
        while offset < bytes.count {
            let isWhole = offset + 32 <= bytes.count
            for index in 0..<4 {
                let start = offset + index * 8
                let piece = isWhole || index == 0 ? bytes[start...].prefix(8) : []
                let word = piece.reversed().reduce(0 as UInt64) { $0 << 8 | UInt64($1) }
                lanes[index] = step(lanes[index], word)
            }
            offset += isWhole ? 32 : 8
        }
        return lanes
    }

    /// `module` with a custom section at its end that gives it the checksum of `other`.
    static func of(_ module: [UInt8], like other: [UInt8]) -> [UInt8] {
        let padding = 31 - (module.count + 7) % 32
        let size = 2 + padding + 32
        var bytes = module + [0, UInt8(size & 0x7F | 0x80), UInt8(size >> 7 | 0x80), 0x80, 0x80, 0]
        bytes += [1, UInt8(ascii: "x")] + [UInt8](repeating: 0, count: padding)
        var wanted = lanes(other)
        // The length comes last.
        wanted[0] ^= UInt64(other.count ^ (bytes.count + 32))
        for (lane, wanted) in zip(lanes(bytes), wanted) {
            let word = word(from: lane, to: wanted)
            bytes += (0..<8).map { UInt8(truncatingIfNeeded: word >> ($0 * 8)) }
        }
        return bytes
    }
}
