extension RandomAccessCollection where Index == Int {
    /// Of elements that `predicate` holds for from some place on, that place; the end if it holds
    /// for none.
    @inlinable
    public func partitioningIndex(where predicate: (Element) -> Bool) -> Int {
        var low = startIndex
        var high = endIndex
        while low < high {
            let middle = low &+ (high &- low) / 2
            if predicate(self[middle]) { high = middle } else { low = middle &+ 1 }
        }
        return low
    }
}
