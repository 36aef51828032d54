internal import ApusCollections

// Made by `FunctionValidator`; part of `BodyAnalysis`, which compilers start from.

/// The locals of a function, at the cost of those that its code uses: a few bytes can declare
/// 50 000, so nothing is done for each of them.
///
/// A local is used if reachable code reads or writes it. Its type and weight are at hand then; of
/// others nothing is kept but the run that declares them.
public struct LocalTable: ~Copyable {
    /// How many there are, parameters first.
    public private(set) var count = 0
    private var parameterStart = 0
    private var parameterCount = 0
    private var runs = Arena<Run>(capacity: 16)
    /// Of each local, 0 if it is not used: between functions all are.
    private var weights = Arena<UInt32>(capacity: 256)
    /// Of each local that is used.
    private var types = Arena<ValueType>(capacity: 256)
    /// A bit for each local that is used, and the first and the last word that has one.
    private var used = Arena<UInt64>(capacity: 8)
    private var firstWord = Int.max
    private var lastWord = -1

    /// Declared locals of one type, up to the one with the number `end`.
    struct Run: BitwiseCopyable {
        var end: UInt32
        var type: ValueType
    }

    init() {}

    // MARK: Declaring

    /// Forgets all locals; then come the parameters, whose types begin at `start` of those that
    /// `use` is given.
    mutating func begin(parameters parameterCount: Int, from start: Int) {
        var local = nextUsed(0)
        while local < count {
            weights[local] = 0
            local = nextUsed(local &+ 1)
        }
        var word = firstWord
        while word <= lastWord {
            used[word] = 0
            word &+= 1
        }
        firstWord = .max
        lastWord = -1
        runs.removeAll()
        self.parameterCount = parameterCount
        parameterStart = start
        count = parameterCount
    }

    /// Declares `number` locals of `type`.
    mutating func declare(_ number: Int, _ type: ValueType) {
        if number == 0 { return }
        count &+= number
        runs.append(Run(end: UInt32(truncatingIfNeeded: count), type: type))
    }

    /// All are declared: makes room for what is to be known of them.
    mutating func finish() {
        let missing = count &- weights.count
        if missing <= 0 { return }
        weights.append(repeating: 0, count: missing)
        types.append(repeating: .bottom, count: missing)
        let words = (count &+ 63) / 64 &- used.count
        if words > 0 { used.append(repeating: 0, count: words) }
    }

    // MARK: Using

    /// The type of `local`, which counts as used from now on unless `weight` is 0.
    @inline(__always)
    mutating func use(
        _ local: Int, weight: UInt32, parameters: borrowing Arena<ValueType>
    ) -> ValueType {
        let before = weights[local]
        if before == 0 { return beginUse(local, weight, parameters) }
        weights[local] = before.saturatingAdd(weight)
        return types[local]
    }

    @inline(never)
    private mutating func beginUse(
        _ local: Int, _ weight: UInt32, _ parameters: borrowing Arena<ValueType>
    ) -> ValueType {
        let type =
            local < parameterCount ? parameters[parameterStart &+ local] : declaredType(local)
        if weight == 0 { return type }
        weights[local] = weight
        types[local] = type
        let word = local / 64
        used[word] |= 1 &<< UInt64(local & 63)
        firstWord = min(firstWord, word)
        lastWord = max(lastWord, word)
        return type
    }

    func declaredType(_ local: Int) -> ValueType {
        var low = 0
        var high = runs.count &- 1
        while low < high {
            let middle = (low &+ high) / 2
            if local < Int(runs[middle].end) { high = middle } else { low = middle &+ 1 }
        }
        return runs[low].type
    }

    // MARK: Asking

    /// The type of a local that is used.
    public func type(_ local: Int) -> ValueType { types[local] }

    /// How often a local is read or written, each time counted as 8^(loops around it), loops capped
    /// at 4; saturating. Code that cannot be reached counts nothing.
    public func weight(_ local: Int) -> UInt32 { weights[local] }

    /// The first local from `local` on that is used; `count` if there is none.
    public func nextUsed(_ local: Int) -> Int {
        var word = max(local / 64, firstWord)
        if word > lastWord { return count }
        var bits = used[word]
        if word == local / 64 { bits &= ~0 &<< UInt64(local & 63) }
        while bits == 0 {
            word &+= 1
            if word > lastWord { return count }
            bits = used[word]
        }
        return word &* 64 &+ bits.trailingZeroBitCount
    }

    /// One past the last local that is used.
    public var usedEnd: Int {
        if lastWord < 0 { return 0 }
        return lastWord &* 64 &+ 64 &- used[lastWord].leadingZeroBitCount
    }
}
