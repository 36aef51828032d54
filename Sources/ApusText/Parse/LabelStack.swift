internal import ApusCollections

/// The labels around an instruction. Specification: 6.5.1 “Labels”.
struct LabelStack: ~Copyable {
    struct Entry: BitwiseCopyable {
        var symbol: UInt32
        /// What the symbol stood for before.
        var hidden: UInt32
    }

    private var entries = Arena<Entry>()
    /// The innermost entry that each symbol names, `none` if there is none.
    private var bound = Arena<UInt32>()
    static var none: UInt32 { .max }
    /// How many labels the function has had, its own not counted.
    private(set) var total: UInt32 = 0

    init() {}

    /// Forgets everything.
    mutating func reset(symbolCount: Int) {
        begin()
        if bound.count < symbolCount {
            bound.append(repeating: Self.none, count: symbolCount - bound.count)
        }
    }

    /// Begins another function: there is its own label only.
    mutating func begin() {
        while !entries.isEmpty { pop() }
        entries.append(Entry(symbol: Self.none, hidden: Self.none))
        total = 0
    }

    /// Enters a block whose label is `symbol`, or has none.
    mutating func push(_ symbol: UInt32) {
        var hidden = Self.none
        if symbol != Self.none {
            hidden = bound[Int(symbol)]
            bound[Int(symbol)] = UInt32(truncatingIfNeeded: entries.count)
        }
        entries.append(Entry(symbol: symbol, hidden: hidden))
        total &+= 1
    }

    /// Leaves the innermost block.
    mutating func pop() {
        let entry = entries.removeLast()
        if entry.symbol != Self.none { bound[Int(entry.symbol)] = entry.hidden }
    }

    /// How many blocks lie between here and the innermost label `symbol`.
    func depth(_ symbol: UInt32) -> UInt32? {
        let entry = bound[Int(symbol)]
        guard entry != Self.none else { return nil }
        return UInt32(truncatingIfNeeded: entries.count &- 1) &- entry
    }
}
