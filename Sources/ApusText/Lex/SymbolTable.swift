internal import ApusCollections
internal import ApusFormat

/// Numbers the identifiers of a text, so that equal ones have the same number, its symbol.
struct SymbolTable: ~Copyable {
    struct Entry: BitwiseCopyable {
        var start: UInt32
        var count: UInt32
        var hash: UInt32
    }

    private var names = Arena<UInt8>(capacity: 256)
    private var entries = Arena<Entry>()
    /// Symbols by hash, `free` where there is none; the count is a power of two.
    private var slots = Arena<UInt32>(capacity: 64)
    private static var free: UInt32 { .max }
    /// Differs from text to text, so that nobody can choose names that collide.
    private let seed = UInt64.random(in: .min ... .max)

    init() { slots.append(repeating: Self.free, count: 64) }

    /// The number of symbols: they are 0, 1, 2, ….
    var count: Int { entries.count }

    /// The symbol of the bytes of `text` in `range`.
    mutating func intern(_ text: ByteWindow, _ range: Range<Int>) -> UInt32 {
        let hash = UInt32(truncatingIfNeeded: TextHash.hash(text, range, seed: seed) >> 32)
        var slot = Int(hash) & (slots.count &- 1)
        while slots[slot] != Self.free {
            let symbol = slots[slot]
            if entries[Int(symbol)].hash == hash, equals(symbol, text, range) { return symbol }
            slot = (slot &+ 1) & (slots.count &- 1)
        }
        let symbol = UInt32(truncatingIfNeeded: entries.count)
        entries.append(
            Entry(
                start: UInt32(truncatingIfNeeded: names.count),
                count: UInt32(truncatingIfNeeded: range.count), hash: hash))
        for index in range { names.append(text.byte(at: index)) }
        slots[slot] = symbol
        if entries.count &* 2 > slots.count { grow() }
        return symbol
    }

    private func equals(_ symbol: UInt32, _ text: ByteWindow, _ range: Range<Int>) -> Bool {
        let entry = entries[Int(symbol)]
        guard Int(entry.count) == range.count else { return false }
        for offset in 0..<range.count
        where names[Int(entry.start) &+ offset] != text.byte(at: range.lowerBound &+ offset) {
            return false
        }
        return true
    }

    private mutating func grow() {
        let count = slots.count &* 2
        slots.removeAll()
        slots.append(repeating: Self.free, count: count)
        for symbol in 0..<entries.count {
            var slot = Int(entries[symbol].hash) & (count &- 1)
            while slots[slot] != Self.free { slot = (slot &+ 1) & (count &- 1) }
            slots[slot] = UInt32(truncatingIfNeeded: symbol)
        }
    }

    /// Writes the name that `symbol` stands for, after its length.
    func write(_ symbol: UInt32, to writer: inout ByteWriter) {
        let entry = entries[Int(symbol)]
        writer.write(unsigned: entry.count)
        for index in 0..<Int(entry.count) { writer.write(names[Int(entry.start) &+ index]) }
    }

    /// The name that `symbol` stands for.
    func name(_ symbol: UInt32) -> String {
        let entry = entries[Int(symbol)]
        let bytes = (0..<Int(entry.count)).map { names[Int(entry.start) &+ $0] }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// Hashes words of a text.
enum TextHash {
    @inline(__always)
    static func hash(_ text: ByteWindow, _ range: Range<Int>, seed: UInt64) -> UInt64 {
        var hash = seed ^ UInt64(truncatingIfNeeded: range.count)
        var position = range.lowerBound
        while position < range.upperBound {
            var word = text.word(at: position)
            let left = range.upperBound &- position
            if left < 8 { word &= (1 &<< UInt64(left &* 8)) &- 1 }
            let product = (hash ^ word).multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
            hash = product.high ^ product.low
            position &+= 8
        }
        return hash &* 0x9E37_79B9_7F4A_7C15
    }
}
