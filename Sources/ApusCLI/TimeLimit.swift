internal import ArgumentParser

/// A duration as the command line has it: numbers with units, `50ms`, `2s`, `1.5m`, `1m30s`; a
/// number alone is in seconds.
struct TimeLimit: ExpressibleByArgument {
    let duration: Duration
    /// As it was written.
    let text: String

    init?(argument: String) {
        guard let duration = Self.parse(argument) else { return nil }
        self.duration = duration
        text = argument
    }

    private static func parse(_ text: String) -> Duration? {
        var rest = Substring(text)
        var total = Duration.zero
        repeat {
            let digits = rest.prefix { "0123456789.".contains($0) }
            let unit = rest.dropFirst(digits.count).prefix { !"0123456789.".contains($0) }
            guard let number = Double(digits), number < 1e9 else { return nil }
            rest = rest.dropFirst(digits.count + unit.count)
            switch unit {
            case "ns": total += .nanoseconds(number)
            case "us", "µs", "μs": total += .microseconds(number)
            case "ms": total += .milliseconds(number)
            case "s": total += .seconds(number)
            case "" where rest.isEmpty && total == .zero && digits.count == text.count:
                total += .seconds(number)
            case "m", "min": total += .seconds(number * 60)
            case "h": total += .seconds(number * 3600)
            case "d": total += .seconds(number * 86400)
            default: return nil
            }
        } while !rest.isEmpty
        return total
    }
}

extension Duration {
    fileprivate static func nanoseconds(_ number: Double) -> Duration {
        .microseconds(number / 1000)
    }
}
