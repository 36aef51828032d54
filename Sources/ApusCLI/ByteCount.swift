internal import ArgumentParser

/// A number of bytes as the command line has it: `65536`, `64KiB`, `1.5GiB`, `10MB`, `1g`.
struct ByteCount: ExpressibleByArgument {
    let bytes: UInt64
    /// As it was written.
    let text: String

    init?(argument: String) {
        let digits = argument.prefix { "0123456789.".contains($0) }
        guard let number = Double(digits), number.isFinite else { return nil }
        let unit: Double
        // A letter alone stands for a power of 1024, as it does elsewhere.
        switch argument.dropFirst(digits.count).lowercased() {
        case "", "b": unit = 1
        case "kb": unit = 1e3
        case "mb": unit = 1e6
        case "gb": unit = 1e9
        case "tb": unit = 1e12
        case "k", "ki", "kib": unit = 0x1p10
        case "m", "mi", "mib": unit = 0x1p20
        case "g", "gi", "gib": unit = 0x1p30
        case "t", "ti", "tib": unit = 0x1p40
        default: return nil
        }
        guard let bytes = UInt64(exactly: (number * unit).rounded()) else { return nil }
        self.bytes = bytes
        text = argument
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
