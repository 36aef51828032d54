/// The instances of a store, each of which refers to the one before it: nothing is allocated for
/// the list, and the last that has come is the first that goes.
struct InstanceList: Sequence {
    private var newest: InstanceState?

    mutating func append(_ instance: InstanceState) {
        instance.older = newest.take()
        newest = instance
    }

    /// Takes out the one that has come last. A list with any left must not go: they would go one
    /// within the other.
    mutating func popLast() -> InstanceState? {
        guard let last = newest.take() else { return nil }
        newest = last.older.take()
        return last
    }

    /// From the newest on.
    struct Iterator: IteratorProtocol {
        fileprivate var rest: InstanceState?

        mutating func next() -> InstanceState? {
            let present = rest
            rest = present?.older
            return present
        }
    }

    /// Calls `body` with each of them, and counts no references.
    func forEach(_ body: (InstanceState) -> Void) {
        // SAFETY: the list keeps its instances, and nobody changes it meanwhile.
        var next = unsafe newest.map(Unmanaged.passUnretained)
        while let instance = unsafe next {
            unsafe next = instance._withUnsafeGuaranteedRef { instance in
                body(instance)
                return unsafe instance.older.map(Unmanaged.passUnretained)
            }
        }
    }

    func makeIterator() -> Iterator { Iterator(rest: newest) }
}
