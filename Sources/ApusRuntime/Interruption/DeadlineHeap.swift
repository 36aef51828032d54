/// When which interrupter is to be looked at, the earliest first; each has one entry at most.
///
/// A binary heap, whose members know their places. Not for use from several threads at once.
struct DeadlineHeap {
    fileprivate struct Entry {
        var time: UInt64
        var interrupter: Interrupter?
    }

    /// Room for entries.
    struct Room {
        fileprivate var entries: [Entry]

        init(for count: Int) {
            entries = Array(repeating: Entry(time: .max, interrupter: nil), count: count)
        }
    }

    /// The first `count` are in use.
    private var entries: [Entry] = []
    private(set) var count = 0

    /// When the first is to be looked at.
    var first: UInt64? { count > 0 ? entries[0].time : nil }
    var interrupters: [Interrupter] { entries.prefix(count).compactMap(\.interrupter) }
    /// How many entries there is room for.
    var capacity: Int { entries.count }

    /// Whether `interrupter` can be inserted.
    func hasRoom(for interrupter: Interrupter) -> Bool {
        interrupter.place >= 0 || count < capacity
    }

    /// Moves to `room` if there is more, and leaves there what it has had: so whoever has a lock
    /// neither gets memory nor gives any back.
    mutating func move(to room: inout Room) {
        if room.entries.count <= capacity { return }
        for place in 0..<count { Swift.swap(&room.entries[place], &entries[place]) }
        Swift.swap(&room.entries, &entries)
    }

    /// Has `interrupter`, for which there is room, looked at when `time` has come, or earlier if
    /// that was so already.
    mutating func insert(_ interrupter: Interrupter, at time: UInt64) {
        let place = interrupter.place
        if place >= 0 {
            if entries[place].time <= time { return }
            entries[place].time = time
            rise(from: place)
            return
        }
        entries[count] = Entry(time: time, interrupter: interrupter)
        interrupter.place = count
        count += 1
        rise(from: count - 1)
    }

    /// Takes out the first if its time has come.
    mutating func popFirst(notAfter now: UInt64) -> Interrupter? {
        guard let first, first <= now, let interrupter = entries[0].interrupter else { return nil }
        remove(interrupter)
        return interrupter
    }

    /// Takes out `interrupter`, if it is there.
    mutating func remove(_ interrupter: Interrupter) {
        let place = interrupter.place
        guard place >= 0, place < count, entries[place].interrupter === interrupter else { return }
        count -= 1
        swap(place, count)
        entries[count] = Entry(time: .max, interrupter: nil)
        interrupter.place = -1
        guard place < count else { return }
        rise(from: place)
        sink(from: place)
    }

    // MARK: Order

    private mutating func swap(_ left: Int, _ right: Int) {
        entries.swapAt(left, right)
        entries[left].interrupter?.place = left
        entries[right].interrupter?.place = right
    }

    private mutating func rise(from place: Int) {
        var place = place
        while place > 0, entries[(place - 1) / 2].time > entries[place].time {
            swap(place, (place - 1) / 2)
            place = (place - 1) / 2
        }
    }

    private mutating func sink(from place: Int) {
        var place = place
        while true {
            var least = place
            for child in [2 * place + 1, 2 * place + 2] where child < count {
                if entries[child].time < entries[least].time { least = child }
            }
            if least == place { return }
            swap(place, least)
            place = least
        }
    }
}
