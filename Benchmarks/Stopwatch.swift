/// Times pieces of work.
enum Stopwatch {
    /// Seconds that `work` takes: the least of several runs, of which there are at least three,
    /// and as many as fit into a fifth of a second.
    static func least(_ work: () throws -> Void) rethrows -> Double {
        let start = ContinuousClock.now
        var least = Double.infinity
        var runs = 0
        while runs < 3 || start.duration(to: .now) < .milliseconds(200) {
            let begin = ContinuousClock.now
            try work()
            least = min(least, seconds(begin.duration(to: .now)))
            runs += 1
        }
        return least
    }

    /// The median of the seconds that each of `count` runs of `work` reports.
    static func median(of count: Int, _ work: () throws -> Double) rethrows -> Double {
        var times: [Double] = []
        for _ in 0..<count { times.append(try work()) }
        return times.sorted()[count / 2]
    }

    static func seconds(_ duration: Duration) -> Double {
        let parts = duration.components
        return Double(parts.seconds) + Double(parts.attoseconds) * 1e-18
    }
}
