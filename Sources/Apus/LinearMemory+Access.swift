internal import ApusCollections
internal import ApusRuntime

// What the host reads and writes of a memory, whether it belongs to a store or to several. The
// bodies of public functions, which are generic in the same way: inlined there.
extension LinearMemory {
    /// `address` as an offset from the memory's start: an `Int32` is the guest's unsigned one.
    @inline(__always)
    static func offset(_ address: some FixedWidthInteger) -> UInt64 {
        if let address = address as? Int32 { return UInt64(UInt32(bitPattern: address)) }
        return UInt64(exactly: address) ?? .max
    }

    private func outOfBounds(_ address: UInt64, _ count: UInt64) -> MemoryError {
        .outOfBounds(address: address, count: count, size: UInt64(byteCount))
    }

    /// Why nothing was written.
    private func refusal(_ address: UInt64, _ count: UInt64) -> MemoryError {
        isLent && contains(address, count: count) ? .isLent : outOfBounds(address, count)
    }

    /// A copy of `count` bytes from `address` on.
    @inline(__always)
    func copy(
        at address: some FixedWidthInteger, count: some FixedWidthInteger
    ) throws(MemoryError) -> [UInt8] {
        let start = Self.offset(address)
        let length = Self.offset(count)
        guard contains(start, count: length),
            let bytes = read(Int(truncatingIfNeeded: length), at: start)
        else { throw outOfBounds(start, length) }
        return bytes
    }

    /// Copies `bytes` to `address`; if they do not all fit, nothing is written.
    @inline(__always)
    func replace(
        at address: some FixedWidthInteger, with bytes: Span<UInt8>
    ) throws(MemoryError) {
        let start = Self.offset(address)
        guard write(bytes, at: start) else {
            throw refusal(start, UInt64(bytes.count))
        }
    }

    /// The number at `address`, stored as WebAssembly stores it: little-endian, at any alignment.
    @inline(__always)
    func number<Number: FixedWidthInteger & BitwiseCopyable>(
        at address: some FixedWidthInteger
    ) throws(MemoryError) -> Number {
        let start = Self.offset(address)
        guard Number.isStandard else { return try otherNumber(at: start) }
        // SAFETY: any bits are a value of the standard library's integers.
        guard let value = unsafe load(Number.self, at: start) else {
            throw outOfBounds(start, UInt64(MemoryLayout<Number>.size))
        }
        return Number(littleEndian: value)
    }

    /// A number of a type of the embedder's. It is made of another number, not of the bytes: the
    /// type may have anything in it, also what the guest's bytes must never become.
    private func otherNumber<Number: FixedWidthInteger>(
        at start: UInt64
    ) throws(MemoryError) -> Number {
        switch Number.bitWidth {
        case 8: return Number(truncatingIfNeeded: try number(at: start) as UInt8)
        case 16: return Number(truncatingIfNeeded: try number(at: start) as UInt16)
        case 32: return Number(truncatingIfNeeded: try number(at: start) as UInt32)
        case 64: return Number(truncatingIfNeeded: try number(at: start) as UInt64)
        case 128: return Number(truncatingIfNeeded: try number(at: start) as UInt128)
        default:
            let bytes = try copy(at: start, count: Number.byteCount)
            return bytes.reversed().reduce(0) { $0 << 8 | Number(truncatingIfNeeded: $1) }
        }
    }

    /// Stores a number at `address` as WebAssembly does: little-endian, at any alignment.
    @inline(__always)
    func setNumber<Number: FixedWidthInteger & BitwiseCopyable>(
        at address: some FixedWidthInteger, to value: Number
    ) throws(MemoryError) {
        let start = Self.offset(address)
        guard Number.isStandard else { return try setOtherNumber(at: start, to: value) }
        guard store(value.littleEndian, at: start) else {
            throw refusal(start, UInt64(MemoryLayout<Number>.size))
        }
    }

    /// Stores the number, and nothing else that a type of the embedder's has in it.
    private func setOtherNumber<Number: FixedWidthInteger>(
        at start: UInt64, to value: Number
    ) throws(MemoryError) {
        switch Number.bitWidth {
        case 8: try setNumber(at: start, to: UInt8(truncatingIfNeeded: value))
        case 16: try setNumber(at: start, to: UInt16(truncatingIfNeeded: value))
        case 32: try setNumber(at: start, to: UInt32(truncatingIfNeeded: value))
        case 64: try setNumber(at: start, to: UInt64(truncatingIfNeeded: value))
        case 128: try setNumber(at: start, to: UInt128(truncatingIfNeeded: value))
        default:
            let count = UInt64(Number.byteCount)
            guard contains(start, count: count) else { throw outOfBounds(start, count) }
            let bytes = (0..<Number.byteCount).map { index in
                UInt8(truncatingIfNeeded: value >> (8 * index))
            }
            try replace(at: start, with: bytes.span)
        }
    }

    /// Ends the waits for what is at `address`, of at most `count`, and returns how many.
    func wake(
        at address: some FixedWidthInteger, count: Int
    ) throws(MemoryError) -> Int {
        let start = Self.offset(address)
        guard let woken = notify(at: start, most: UInt32(clamping: count)) else {
            throw outOfBounds(start, 4)
        }
        return Int(woken)
    }
}

extension FixedWidthInteger {
    /// Whether it is one of the standard library's, which are nothing but their bits.
    @inline(__always)
    fileprivate static var isStandard: Bool {
        Self.self == Int32.self || Self.self == UInt32.self || Self.self == Int64.self
            || Self.self == UInt64.self || Self.self == UInt8.self || Self.self == Int8.self
            || Self.self == UInt16.self || Self.self == Int16.self || Self.self == Int.self
            || Self.self == UInt.self || Self.self == UInt128.self || Self.self == Int128.self
    }

    /// How many bytes its bits take.
    fileprivate static var byteCount: Int { bitWidth / 8 + (bitWidth % 8 > 0 ? 1 : 0) }
}
