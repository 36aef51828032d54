/// What the system hands over as bytes (arguments, variables, paths), as strings, and back without
/// loss when the bytes are not UTF-8.
///
/// A byte that is not part of UTF-8 becomes one of the last 128 scalars there are, which are for
/// private use; should text hold such scalars itself, their bytes are treated likewise.
enum HostText {
    private static let escapeBase: UInt32 = 0x10FF00
    private static let escapes: ClosedRange<UInt32> = 0x10FF80...0x10FFFF

    /// `bytes` as a string that `bytes(_:)` takes back.
    static func string(_ bytes: [UInt8]) -> String {
        if let text = String(validating: bytes, as: UTF8.self),
            !text.unicodeScalars.contains(
                where: { escapes.contains($0.value) })
        {
            return text
        }
        var text = ""
        var rest = bytes[...]
        while let first = rest.first {
            let count = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4
            let scalar = String(validating: rest.prefix(count), as: UTF8.self)?.unicodeScalars
            if let scalar = scalar?.first, !escapes.contains(scalar.value) {
                text.unicodeScalars.append(scalar)
                rest = rest.dropFirst(count)
            } else {
                if let escape = Unicode.Scalar(escapeBase + UInt32(first)) {
                    text.unicodeScalars.append(escape)
                }
                rest = rest.dropFirst()
            }
        }
        return text
    }

    /// The bytes that `text` stands for.
    static func bytes(_ text: some StringProtocol) -> [UInt8] {
        var bytes: [UInt8] = []
        for scalar in text.unicodeScalars {
            if escapes.contains(scalar.value) {
                bytes.append(UInt8(truncatingIfNeeded: scalar.value))
            } else {
                bytes.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
            }
        }
        return bytes
    }

    /// `text` as it can be shown: with a replacement character for each byte that is not UTF-8.
    static func shown(_ text: String) -> String {
        String(decoding: bytes(text), as: UTF8.self)
    }

    /// Whether `text` stands for bytes that are not its own UTF-8.
    static func isEscaped(_ text: String) -> Bool {
        text.unicodeScalars.contains { escapes.contains($0.value) }
    }
}
