/// How many values somebody looks at who goes from `value` wherever mirrors lead, as `dump` and the
/// testing library do; `limit` if there are that many or more.
public func reflectedParts(of value: Any, limit: Int = 10_000) -> Int {
    var waiting: [Any] = [value]
    var count = 0
    while let next = waiting.popLast(), count < limit {
        count += 1
        waiting.append(contentsOf: Mirror(reflecting: next).children.map(\.value))
    }
    return count
}
