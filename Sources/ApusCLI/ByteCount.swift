internal import ArgumentParser

/// A number of bytes as the command line has it: `65536`, `64KiB`, `1.5GiB`, `10MB`.
struct ByteCount: ExpressibleByArgument {
    let bytes: UInt64

    init?(argument: String) {
        let digits = argument.prefix { "0123456789.".contains($0) }
        guard let number = Double(digits), number.isFinite else { return nil }
        let unit: Double
        switch argument.dropFirst(digits.count) {
        case "", "B": unit = 1
        case "KB", "kB": unit = 1e3
        case "MB": unit = 1e6
        case "GB": unit = 1e9
        case "KiB", "K": unit = 1024
        case "MiB", "M": unit = 1024 * 1024
        case "GiB", "G": unit = 1024 * 1024 * 1024
        default: return nil
        }
        guard let bytes = UInt64(exactly: (number * unit).rounded()) else { return nil }
        self.bytes = bytes
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
