/// Things to be done for several owners, who take turns: however much one of them has to be done,
/// others wait for no more than a turn of it.
struct TurnQueue<Owner: AnyObject & Sendable, Item: Sendable>: Sendable {
    private struct Line: Sendable {
        let owner: Owner
        var items = Fifo<Item>()
    }

    /// Each owner who has something, or had until his last turn.
    private var lines: [ObjectIdentifier: Line] = [:]
    /// The same in the order of their turns.
    private var order = Fifo<ObjectIdentifier>()

    /// Adds something behind all that `owner` has.
    mutating func add(_ item: Item, for owner: Owner) {
        let name = ObjectIdentifier(owner)
        if lines[name] == nil {
            lines[name] = Line(owner: owner)
            order.append(name)
        }
        lines[name]?.items.append(item)
    }

    /// Takes what comes next: of `present`, whose turn goes on, if he has more, else of who has
    /// waited for longest.
    mutating func take(stayingWith present: Owner?) -> (owner: Owner, item: Item)? {
        if let present, let item = lines[ObjectIdentifier(present)]?.items.take() {
            return (present, item)
        }
        while let name = order.take() {
            if let owner = lines[name]?.owner, let item = lines[name]?.items.take() {
                order.append(name)
                return (owner, item)
            }
            lines[name] = nil
        }
        return nil
    }
}

/// What comes in first goes out first.
private struct Fifo<Element: Sendable>: Sendable {
    private var elements: [Element] = []
    /// The first one that nobody has taken.
    private var next = 0
    private static var takenLimit: Int { 64 }

    mutating func append(_ element: Element) { elements.append(element) }

    mutating func take() -> Element? {
        guard next < elements.count else { return nil }
        let element = elements[next]
        next += 1
        // What has been taken goes, with what it names, also where there is always more.
        if next >= Self.takenLimit || next == elements.count {
            elements.removeFirst(next)
            next = 0
        }
        return element
    }
}
