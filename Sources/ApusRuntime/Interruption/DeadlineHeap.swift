/// When which interrupter is to be looked at, the earliest first; each has one entry at most.
///
/// A binary heap, whose members know their places. Not for use from several threads at once.
struct DeadlineHeap {
    private struct Entry {
        var time: UInt64
        var interrupter: Interrupter
    }

    private var entries: [Entry] = []

    /// When the first is to be looked at.
    var first: UInt64? { entries.first?.time }
    var count: Int { entries.count }
    var interrupters: [Interrupter] { entries.map(\.interrupter) }

    /// Has `interrupter` looked at when `time` has come, or earlier if that was so already.
    mutating func insert(_ interrupter: Interrupter, at time: UInt64) {
        let place = interrupter.place
        if place >= 0 {
            if entries[place].time <= time { return }
            entries[place].time = time
            rise(from: place)
            return
        }
        entries.append(Entry(time: time, interrupter: interrupter))
        interrupter.place = entries.count - 1
        rise(from: entries.count - 1)
    }

    /// Takes out the first if its time has come.
    mutating func popFirst(notAfter now: UInt64) -> Interrupter? {
        guard let first = entries.first, first.time <= now else { return nil }
        remove(first.interrupter)
        return first.interrupter
    }

    /// Takes out `interrupter`, if it is there.
    mutating func remove(_ interrupter: Interrupter) {
        let place = interrupter.place
        guard entries.indices.contains(place), entries[place].interrupter === interrupter else {
            return
        }
        swap(place, entries.count - 1)
        entries.removeLast()
        interrupter.place = -1
        guard place < entries.count else { return }
        rise(from: place)
        sink(from: place)
    }

    // MARK: Order

    private mutating func swap(_ left: Int, _ right: Int) {
        entries.swapAt(left, right)
        entries[left].interrupter.place = left
        entries[right].interrupter.place = right
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
            for child in [2 * place + 1, 2 * place + 2] where child < entries.count {
                if entries[child].time < entries[least].time { least = child }
            }
            if least == place { return }
            swap(place, least)
            place = least
        }
    }
}
