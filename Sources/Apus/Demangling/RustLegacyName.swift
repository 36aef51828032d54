internal import ApusCollections

/// Rust's older names, which look like those of C++: `_ZN4core9panicking5panic17h0123456789abcdefE`
/// is `core::panicking::panic`.
enum RustLegacyName {
    /// The path that `bytes` stand for; nil if they are no such name.
    static func demangled(_ bytes: [UInt8]) -> String? {
        guard bytes.starts(with: "_ZN".utf8) else { return nil }
        var reader = MangledReader(bytes, at: 3)
        var path: [ArraySlice<UInt8>] = []
        do {
            while !reader.skip("E") { path.append(try reader.piece(reader.number())) }
        } catch {
            return nil
        }
        // What comes behind was added by later passes: ".llvm.123".
        guard reader.next == nil || reader.next == UInt8(ascii: ".") else { return nil }
        guard let hash = path.popLast(), isHash(hash), !path.isEmpty else { return nil }
        return path.map(unescaped).joined(separator: "::")
    }

    /// Whether a path's last part is the hash that marks a name as Rust's.
    private static func isHash(_ part: ArraySlice<UInt8>) -> Bool {
        part.count == 17 && part.first == UInt8(ascii: "h")
            && part.dropFirst().allSatisfy { Character(Unicode.Scalar($0)).isHexDigit }
    }

    private static let escapes: [String: String] = [
        "SP": "@", "BP": "*", "RF": "&", "LT": "<", "GT": ">", "LP": "(", "RP": ")", "C": ",",
    ]

    /// One part of a path with its escapes replaced: `$LT$`, `$u20$`, and `..`.
    private static func unescaped(_ part: ArraySlice<UInt8>) -> String {
        var rest = part
        // A part may not begin with the dollar of an escape.
        if rest.starts(with: "_$".utf8) { rest = rest.dropFirst() }
        var text = ""
        while let byte = rest.first {
            if byte == UInt8(ascii: "$"),
                let end = rest.dropFirst().firstIndex(of: byte),
                let replacement = replacement(
                    String(decoding: rest[..<end].dropFirst(), as: UTF8.self))
            {
                text += replacement
                rest = rest[(end + 1)...]
            } else if rest.starts(with: "..".utf8) {
                text += "::"
                rest = rest.dropFirst(2)
            } else {
                let end = rest.dropFirst().firstIndex { $0 == 0x24 || $0 == 0x2E } ?? rest.endIndex
                text += String(decoding: rest[..<end], as: UTF8.self)
                rest = rest[end...]
            }
        }
        return text
    }

    private static func replacement(_ escape: String) -> String? {
        if let text = escapes[escape] { return text }
        guard escape.first == "u", let value = UInt32(escape.dropFirst(), radix: 16) else {
            return nil
        }
        return Unicode.Scalar(value).map { String(Character($0)) }
    }
}
