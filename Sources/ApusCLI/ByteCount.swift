internal import ArgumentParser

/// A number of bytes as the command line has it: `65536`, `64KiB`, `1.5GiB`, `10MB`, `1g`.
struct ByteCount: ExpressibleByArgument {
    let bytes: UInt64
    /// As it was written.
    let text: String

    init?(argument: String) {
        let digits = argument.prefix { "0123456789.".contains($0) }
        let unit: UInt64
        // A letter alone stands for a power of 1024, as it does elsewhere.
        switch argument.dropFirst(digits.count).lowercased() {
        case "", "b": unit = 1
        case "kb": unit = 1000
        case "mb": unit = 1_000_000
        case "gb": unit = 1_000_000_000
        case "tb": unit = 1_000_000_000_000
        case "k", "ki", "kib": unit = 1 << 10
        case "m", "mi", "mib": unit = 1 << 20
        case "g", "gi", "gib": unit = 1 << 30
        case "t", "ti", "tib": unit = 1 << 40
        default: return nil
        }
        guard let bytes = Self.product(digits, unit) else { return nil }
        self.bytes = bytes
        text = argument
    }

    /// `number` times `unit`, which is exact for whole numbers; nil if there is no such number.
    private static func product(_ number: Substring, _ unit: UInt64) -> UInt64? {
        if let whole = UInt64(number) {
            let (bytes, overflow) = whole.multipliedReportingOverflow(by: unit)
            return overflow ? nil : bytes
        }
        guard let number = Double(number), number.isFinite else { return nil }
        return UInt64(exactly: (number * Double(unit)).rounded())
    }

    /// `bytes` for people: in the largest binary unit of which there is one.
    static func text(_ bytes: UInt64) -> String {
        var amount = Double(bytes)
        var unit = "bytes"
        for larger in ["KiB", "MiB", "GiB", "TiB"] where amount >= 1024 {
            amount /= 1024
            unit = larger
        }
        if unit == "bytes" { return "\(bytes) bytes" }
        return BenchReport.text(amount, decimals: 1) + " " + unit
    }
}
