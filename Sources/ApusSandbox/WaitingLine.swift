/// Those who wait for something, in the order in which they came. Who gives up leaves the line from
/// its middle, in no more time than others from its front.
struct WaitingLine<Waiter> {
    private var waiters: [UInt64: Waiter] = [:]
    /// Their numbers from `front` on, and those of some that have left.
    private var order: [UInt64] = []
    private var front = 0

    var isEmpty: Bool { waiters.isEmpty }

    /// How many places there are, of those who wait and of those who have left.
    var placeCount: Int { order.count }

    /// The waiter whom this number stands for from now on waits behind all others.
    mutating func append(_ waiter: Waiter, number: UInt64) {
        waiters[number] = waiter
        order.append(number)
    }

    /// Takes out the one with this number, if it is there.
    mutating func remove(_ number: UInt64) -> Waiter? {
        guard let waiter = waiters.removeValue(forKey: number) else { return nil }
        closeGaps()
        return waiter
    }

    /// Takes out the first one.
    mutating func removeFirst() -> Waiter? {
        while front < order.count {
            let number = order[front]
            front += 1
            guard let waiter = waiters.removeValue(forKey: number) else { continue }
            closeGaps()
            return waiter
        }
        return nil
    }

    /// Forgets those who have left, when they are as many as those who wait: so it is done once for
    /// many.
    private mutating func closeGaps() {
        if order.count <= 2 * waiters.count + 16 { return }
        order.removeFirst(front)
        order.removeAll { waiters[$0] == nil }
        front = 0
    }
}
