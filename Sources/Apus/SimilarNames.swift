/// Finds what somebody meant who wrote a name that there is not.
@_spi(ApusCLI)
public enum SimilarNames {
    /// At most five of `candidates`, the most similar to `name` first: those that differ in few
    /// bytes, and those that `name` is a part of.
    public static func near(_ name: String, among candidates: some Sequence<String>) -> [String] {
        let wanted = Array(name.utf8.prefix(bytesCompared))
        // Of one byte nothing would be left to be similar.
        let mistakes = name.utf8.count < 2 ? 0 : max(name.utf8.count / 3, 1)
        var found: [(distance: Int, name: String)] = []
        for candidate in candidates {
            let distance = distance(wanted, Array(candidate.utf8.prefix(bytesCompared)))
            let isPart = name.utf8.count > 2 && candidate.contains(name)
            if distance <= mistakes || isPart { found.append((distance, candidate)) }
        }
        found.sort { ($0.distance, $0.name) < ($1.distance, $1.name) }
        return found.prefix(5).map(\.name)
    }

    /// Bytes behind these are not looked at, so that long names cost no more than others.
    private static var bytesCompared: Int { 100 }

    /// How many bytes have to be added, removed, replaced, or exchanged with their neighbour to
    /// make one of the other.
    private static func distance(_ a: [UInt8], _ b: [UInt8]) -> Int {
        var before = [Int](repeating: 0, count: b.count + 1)
        var row = Array(0...b.count)
        for (line, byte) in a.enumerated() {
            var next = [line + 1]
            for (column, other) in b.enumerated() {
                let replaced = row[column] + (byte == other ? 0 : 1)
                var least = min(replaced, next[column] + 1, row[column + 1] + 1)
                if line > 0, column > 0, byte == b[column - 1], a[line - 1] == other {
                    least = min(least, before[column - 1] + 1)
                }
                next.append(least)
            }
            (before, row) = (row, next)
        }
        return row[b.count]
    }
}
