internal import ApusABI
internal import ApusCollections

/// Where the counters of a module's blocks are (`BlockCounters`): pages of the module's address
/// space, which belong to its functions for good.
struct BlockCountersSpace {
    /// The counters of a function.
    struct Place {
        let address: UInt
        let count: Int
    }

    /// Functions with fewer counters share their pages.
    private static var pageBytes: Int { 16 << 10 }

    private var places: [UInt32: Place] = [:]
    private var next: UInt = 0
    private var end: UInt = 0

    /// The counters of `function`, if it has some.
    subscript(function: UInt32) -> Place? { places[function] }

    /// How many bytes of pages there have to be more, for `count` counters; nil: none.
    func pageBytes(for count: Int) -> Int? {
        let bytes = count * BlockCounters.counterBytes
        if UInt(bytes) <= end - next { return nil }
        return (bytes + Self.pageBytes - 1) / Self.pageBytes * Self.pageBytes
    }

    /// Adds pages, which are zeros.
    mutating func addPages(at start: UInt, bytes: Int) {
        next = start
        end = start &+ UInt(bytes)
    }

    /// Reserves `count` counters for `function`, which has none yet; there is room.
    mutating func reserve(_ count: Int, for function: UInt32) {
        places[function] = Place(address: next, count: count)
        next &+= UInt(count * BlockCounters.counterBytes)
    }

    /// Where the counter is that `relocation` leads to.
    func address(_ relocation: CodeRelocation) -> UInt? {
        guard let place = places[relocation.function], Int(relocation.counter) < place.count else {
            return nil
        }
        return place.address &+ UInt(relocation.counter) &* UInt(BlockCounters.counterBytes)
    }
}
