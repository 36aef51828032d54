internal import CApusHost

/// Where a guest's random bytes come from.
enum RandomBytes {
    case system
    /// A generator whose sequence follows from its seed alone (splitmix64): not for secrets.
    case seeded(state: UInt64)

    /// Bytes made without looking whether the guest is to stop.
    private static var pieceBytes: Int { 1 << 18 }

    /// Fills `count` bytes of guest memory. Throws `intr` when the guest is to stop.
    mutating func fill(_ memory: GuestMemory, at address: UInt32, _ count: Int) throws(Errno) {
        try memory.check(address, count)
        var done = 0
        repeat {
            let length = min(count - done, Self.pieceBytes)
            // SAFETY: `buffer` checks the piece, which is used at once.
            try unsafe fill(memory.buffer(at: address &+ UInt32(truncatingIfNeeded: done), length))
            done += length
            try Syscalls.mayGoOn()
        } while done < count
    }

    // SAFETY: `buffer` is checked guest memory.
    private mutating func fill(_ buffer: UnsafeMutableRawBufferPointer) throws(Errno) {
        switch self {
        case .system: try unsafe Self.fillFromSystem(buffer)
        case .seeded(var state):
            var word: UInt64 = 0
            for index in buffer.indices {
                if index & 7 == 0 { word = Self.next(&state) }
                unsafe buffer[index] = UInt8(truncatingIfNeeded: word)
                word >>= 8
            }
            self = .seeded(state: state)
        }
    }

    private static func next(_ state: inout UInt64) -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    // SAFETY: `buffer` is checked guest memory; each call fills within what is left of it.
    private static func fillFromSystem(_ buffer: UnsafeMutableRawBufferPointer) throws(Errno) {
        guard let start = buffer.baseAddress else { return }
        var filled = 0
        while filled < buffer.count {
            let count = unsafe apus_random_bytes(start + filled, UInt64(buffer.count - filled))
            if count >= 0 {
                filled += Int(count)
            } else {
                let error = Errno(host: Int32(truncatingIfNeeded: -count))
                if error != .intr { throw error }
            }
        }
    }
}
