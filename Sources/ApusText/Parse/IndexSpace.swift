internal import ApusCollections
internal import ApusFormat

/// What the identifiers of one kind of thing stand for. Specification: 6.6.1 “Indices”.
struct IndexSpace: ~Copyable {
    /// A name for the name section.
    struct Name: BitwiseCopyable {
        var index: UInt32
        var symbol: UInt32
    }

    /// What the things are called in messages.
    let what: String
    /// How many things there are.
    private(set) var count: UInt32 = 0
    /// The index that each symbol stands for, `none` if nothing.
    private var indices = Arena<UInt32>()
    /// Symbols that stand for something.
    private var bound = Arena<UInt32>()
    /// In ascending order of indices.
    private(set) var names = Arena<Name>()
    private static var none: UInt32 { .max }

    init(_ what: String) { self.what = what }

    /// Forgets everything.
    mutating func reset(symbolCount: Int) {
        for index in 0..<bound.count { indices[Int(bound[index])] = Self.none }
        bound.removeAll()
        names.removeAll()
        count = 0
        if indices.count < symbolCount {
            indices.append(repeating: Self.none, count: symbolCount - indices.count)
        }
    }

    /// Adds a thing, named `symbol` in the text and `name` in the name section. False if there is
    /// another of that name.
    mutating func add(_ symbol: UInt32?, name: UInt32? = nil) -> Bool {
        let index = count
        count &+= 1
        if let name = name ?? symbol { names.append(Name(index: index, symbol: name)) }
        guard let symbol else { return true }
        guard indices[Int(symbol)] == Self.none else { return false }
        indices[Int(symbol)] = index
        bound.append(symbol)
        return true
    }

    /// Adds as many things without names.
    mutating func addUnnamed(_ number: Int) { count &+= UInt32(truncatingIfNeeded: number) }

    /// What `symbol` stands for.
    func index(_ symbol: UInt32) -> UInt32? {
        let index = indices[Int(symbol)]
        return index == Self.none ? nil : index
    }
}
