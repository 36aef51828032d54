internal import ApusCollections
internal import ApusFormat

/// The types that a module defines, as far as the parser needs them: the parameters and results of
/// function types, and the fields' names of structures.
struct TypeTable: ~Copyable {
    struct Entry: BitwiseCopyable {
        /// Whether it is a function type.
        var isFunction: Bool
        /// Where in `values` its parameters begin; the results follow.
        var start: Int
        var parameterCount: Int
        var resultCount: Int
        /// The next entry with the same hash, -1 if there is none.
        var next: Int
    }

    private var entries = Arena<Entry>()
    private var values = Arena<ValueType>()
    /// The first plain function type for each hash.
    private var byHash: [Int: Int] = [:]
    /// Index of a field by type and symbol.
    private var fields: [UInt64: UInt32] = [:]

    mutating func reset() {
        entries.removeAll()
        values.removeAll()
        // Without their room: emptying that takes its time, for each module of a script.
        byHash = [:]
        fields = [:]
    }

    var count: Int { entries.count }

    /// Adds a structure or array.
    mutating func addOther() {
        entries.append(
            Entry(isFunction: false, start: 0, parameterCount: 0, resultCount: 0, next: -1))
    }

    /// Adds a function type. If it `isPlain`, alone in its group, final and without supertype, type
    /// uses without an index may mean it.
    mutating func addFunction(
        _ parameters: borrowing Arena<ValueType>, _ results: borrowing Arena<ValueType>,
        isPlain: Bool
    ) {
        var next = -1
        if isPlain, find(parameters, results) == nil {
            let hash = Self.hash(parameters, results)
            next = byHash[hash] ?? -1
            byHash[hash] = entries.count
        }
        entries.append(
            Entry(
                isFunction: true, start: values.count, parameterCount: parameters.count,
                resultCount: results.count, next: next))
        values.append(contentsOf: parameters)
        values.append(contentsOf: results)
    }

    private static func hash(
        _ parameters: borrowing Arena<ValueType>, _ results: borrowing Arena<ValueType>
    ) -> Int {
        var hasher = Hasher()
        hasher.combine(parameters.count)
        for index in 0..<parameters.count { hasher.combine(parameters[index].bits) }
        for index in 0..<results.count { hasher.combine(results[index].bits) }
        return hasher.finalize()
    }

    /// The plain function type with these parameters and results.
    func find(
        _ parameters: borrowing Arena<ValueType>, _ results: borrowing Arena<ValueType>
    ) -> UInt32? {
        var index = byHash[Self.hash(parameters, results)] ?? -1
        while index >= 0 {
            if matches(index, parameters, results) { return UInt32(truncatingIfNeeded: index) }
            index = entries[index].next
        }
        return nil
    }

    /// Whether type `index` is a function type with these parameters and results.
    func matches(
        _ index: Int, _ parameters: borrowing Arena<ValueType>,
        _ results: borrowing Arena<ValueType>
    ) -> Bool {
        let entry = entries[index]
        guard entry.isFunction, entry.parameterCount == parameters.count,
            entry.resultCount == results.count
        else { return false }
        for offset in 0..<parameters.count
        where values[entry.start &+ offset] != parameters[offset] { return false }
        let second = entry.start &+ parameters.count
        for offset in 0..<results.count where values[second &+ offset] != results[offset] {
            return false
        }
        return true
    }

    /// How many parameters the function type `index` has; nil if there is no such function type.
    func parameterCount(_ index: UInt32) -> Int? {
        guard Int(index) < entries.count, entries[Int(index)].isFunction else { return nil }
        return entries[Int(index)].parameterCount
    }

    // MARK: Fields

    /// Names field `index` of the type that is added next. False if there is another of that name.
    mutating func nameField(_ symbol: UInt32, _ index: UInt32) -> Bool {
        fields.updateValue(index, forKey: UInt64(entries.count) << 32 | UInt64(symbol)) == nil
    }

    /// The field of `type` that is named `symbol`.
    func field(_ symbol: UInt32, of type: UInt32) -> UInt32? {
        fields[UInt64(type) << 32 | UInt64(symbol)]
    }
}
