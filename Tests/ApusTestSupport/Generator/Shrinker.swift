/// Makes the decisions behind a failing case fewer and smaller.
public struct Shrinker {
    /// Cases to try at most.
    public var budget = 2000

    public init() {}

    /// The simplest record it finds, starting from `record`, for which `fails` holds. `fails` gets
    /// candidates and tells whether what they generate still shows the failure.
    public mutating func shrink(
        _ record: [UInt32], while fails: ([UInt32]) -> Bool
    ) -> [UInt32] {
        var best = record
        var improved = true
        while improved && budget > 0 {
            improved = false
            var length = max(best.count / 2, 1)
            while length >= 1 {
                if pass(&best, length, fails) { improved = true }
                length /= 2
            }
        }
        return best
    }

    /// Tries to cut out, then to zero, each stretch of `length` decisions, from the end.
    private mutating func pass(
        _ best: inout [UInt32], _ length: Int, _ fails: ([UInt32]) -> Bool
    ) -> Bool {
        var improved = false
        var start = best.count - length
        while start >= 0 && budget > 0 {
            let range = start..<min(start + length, best.count)
            var shorter = best
            shorter.removeSubrange(range)
            if attempt(shorter, fails) {
                best = shorter
                improved = true
            } else if best[range].contains(where: { $0 != 0 }) {
                var plainer = best
                plainer.replaceSubrange(range, with: repeatElement(0, count: range.count))
                if attempt(plainer, fails) {
                    best = plainer
                    improved = true
                }
            }
            start -= length
        }
        return improved
    }

    private mutating func attempt(_ candidate: [UInt32], _ fails: ([UInt32]) -> Bool) -> Bool {
        budget -= 1
        return fails(candidate)
    }
}
