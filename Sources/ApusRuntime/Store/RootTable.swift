/// References that the host holds, by number.
struct RootTable {
    private var words: [UInt64] = []
    private var free: [Int] = []

    /// Keeps `word` under the number that is returned.
    mutating func insert(_ word: UInt64) -> Int {
        if let number = free.popLast() {
            words[number] = word
            return number
        }
        words.append(word)
        return words.count - 1
    }

    /// What is kept under `number`, which must be in use.
    subscript(number: Int) -> UInt64 { words[number] }

    /// Forgets what is kept under `number`.
    mutating func remove(_ number: Int) {
        words[number] = 0
        free.append(number)
    }

    /// How many are kept.
    var count: Int { words.count - free.count }

    /// Calls `visit` with all that are kept.
    func forEach(_ visit: (UInt64) -> Void) {
        for word in words { visit(word) }
    }
}
