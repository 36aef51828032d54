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
            throw outOfBounds(start, UInt64(bytes.count))
        }
    }

    /// The number at `address`, stored as WebAssembly stores it: little-endian, at any alignment.
    @inline(__always)
    func number<Number: FixedWidthInteger & BitwiseCopyable>(
        at address: some FixedWidthInteger
    ) throws(MemoryError) -> Number {
        let start = Self.offset(address)
        guard let value = load(Number.self, at: start) else {
            throw outOfBounds(start, UInt64(MemoryLayout<Number>.size))
        }
        return Number(littleEndian: value)
    }

    /// Stores a number at `address` as WebAssembly does: little-endian, at any alignment.
    @inline(__always)
    func setNumber<Number: FixedWidthInteger & BitwiseCopyable>(
        at address: some FixedWidthInteger, to value: Number
    ) throws(MemoryError) {
        let start = Self.offset(address)
        guard store(value.littleEndian, at: start) else {
            throw outOfBounds(start, UInt64(MemoryLayout<Number>.size))
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
