internal import ApusCollections

/// Reads the code of one function before anything is known about it.
///
/// It may run past the body's end by one instruction, into bytes that are there (the rest of the
/// module, or the zero padding); the validator asks `isPastEnd` after each instruction.
struct CodeReader {
    private let bytes: ByteWindow
    var position: Int
    let end: Int

    init(_ bytes: ByteStorage, from start: Int, to end: Int) {
        self.bytes = ByteWindow(bytes)
        position = start
        self.end = end
    }

    @inline(__always)
    func peekByte() -> UInt8 { bytes.byte(at: position) }

    /// The byte at `distance` from here.
    @inline(__always)
    func peekByte(_ distance: Int) -> UInt8 { bytes.byte(at: position &+ distance) }

    /// Eight bytes at `distance` from here.
    @inline(__always)
    func peekWord(_ distance: Int) -> UInt64 { bytes.word(at: position &+ distance) }

    var isPastEnd: Bool { @inline(__always) get { position > end } }

    @inline(__always)
    mutating func readByte() -> UInt8 {
        let byte = bytes.byte(at: position)
        position &+= 1
        return byte
    }

    func malformed(_ message: String) -> ModuleError {
        ModuleError(.malformed, at: position, message)
    }

    @inline(__always)
    mutating func readUnsigned32() throws(ModuleError) -> UInt32 {
        let first = bytes.byte(at: position)
        if first < 0x80 {
            position &+= 1
            return UInt32(first)
        }
        return try readLongUnsigned32()
    }

    /// The number of an instruction after its prefix; those below 256, which are nearly all, in
    /// their shortest form at once.
    @inline(__always)
    mutating func readCode() throws(ModuleError) -> UInt32 {
        let first = bytes.byte(at: position)
        if first < 0x80 {
            position &+= 1
            return UInt32(first)
        }
        if bytes.byte(at: position &+ 1) == 1 {
            position &+= 2
            return UInt32(first)
        }
        return try readLongUnsigned32()
    }

    /// The offset of a memory argument: 64 bits wide, whatever the memory (5.4.6).
    @inline(__always)
    mutating func readOffset() throws(ModuleError) -> UInt64 {
        let first = bytes.byte(at: position)
        if first < 0x80 {
            position &+= 1
            return UInt64(first)
        }
        return try readLongOffset()
    }

    @inline(never)
    private mutating func readLongOffset() throws(ModuleError) -> UInt64 {
        if let short = shortNumber(bits: 64) {
            position &+= short.byteCount
            return short.value
        }
        var result: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            guard position < end else { throw unexpectedEnd() }
            let byte = readByte()
            if shift == 63 {
                if byte & 0x80 != 0 { throw malformed("integer representation too long") }
                if byte > 1 { throw malformed("integer too large") }
            }
            result |= UInt64(byte & 0x7F) &<< shift
            if byte & 0x80 == 0 { return result }
            shift &+= 7
        }
    }

    @inline(never)
    private mutating func readLongUnsigned32() throws(ModuleError) -> UInt32 {
        if let short = shortNumber(bits: 32), let value = UInt32(exactly: short.value) {
            position &+= short.byteCount
            return value
        }
        var result: UInt32 = 0
        var shift: UInt32 = 0
        while true {
            guard position < end else { throw unexpectedEnd() }
            let byte = readByte()
            if shift == 28 {
                if byte & 0x80 != 0 { throw malformed("integer representation too long") }
                if byte & 0x70 != 0 { throw malformed("integer too large") }
            }
            result |= UInt32(byte & 0x7F) &<< shift
            if byte & 0x80 == 0 { return result }
            shift &+= 7
        }
    }

    /// Skips a signed LEB128 number of `bits` bits after checking it.
    @inline(__always)
    mutating func skipSigned(bits: UInt32) throws(ModuleError) {
        if bytes.byte(at: position) < 0x80 {
            position &+= 1
            return
        }
        _ = try readLongSigned(bits: bits)
    }

    @inline(__always)
    mutating func readSigned33() throws(ModuleError) -> Int64 {
        let first = bytes.byte(at: position)
        if first < 0x80 {
            position &+= 1
            return Int64(Int8(bitPattern: first &<< 1)) &>> 1
        }
        return try readLongSigned(bits: 33)
    }

    @inline(never)
    private mutating func readLongSigned(bits: UInt32) throws(ModuleError) -> Int64 {
        if let short = shortNumber(bits: bits) {
            let value = short.signed
            let sign = value &>> Int64(bits &- 1)
            if sign == 0 || sign == -1 {
                position &+= short.byteCount
                return value
            }
        }
        var result: Int64 = 0
        var shift: UInt32 = 0
        while true {
            guard position < end else { throw unexpectedEnd() }
            let byte = readByte()
            result |= Int64(byte & 0x7F) &<< Int64(shift)
            shift &+= 7
            if shift >= bits {
                if byte & 0x80 != 0 { throw malformed("integer representation too long") }
                // The bits beyond the number's must repeat its sign.
                let used = bits &- (shift &- 7)
                let top = Int8(bitPattern: byte &<< 1) &>> 1
                let sign = top &>> Int8(truncatingIfNeeded: used &- 1)
                if sign != 0, sign != -1 { throw malformed("integer too large") }
            }
            if byte & 0x80 == 0 {
                if shift < 64, byte & 0x40 != 0 { result |= -1 &<< Int64(shift) }
                return result
            }
        }
    }

    /// The number here, if it ends in the body and in eight bytes, of which one of `bits` bits may
    /// have all. Bits beyond those are still to be looked at.
    @inline(__always)
    private func shortNumber(bits: UInt32) -> LEB128.Short? {
        let short = LEB128.Short(bytes.word(at: position))
        guard short.hasEnded, short.bits < Int(bits) &+ 7, position &+ short.byteCount <= end
        else { return nil }
        return short
    }

    func unexpectedEnd() -> ModuleError {
        ModuleError(.malformed, at: end, "unexpected end of section or function")
    }
}
