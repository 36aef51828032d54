internal import ApusText

/// What a file is that is no module, as far as its first bytes tell.
enum ForeignFormat {
    /// The starts of files that are mistaken for modules now and then, and what they are.
    private static let signatures: [(start: [UInt8], name: String)] = [
        ([0x7F, 0x45, 0x4C, 0x46], "an ELF file (a native program or library)"),
        ([0xCF, 0xFA, 0xED, 0xFE], "a Mach-O file (a native program or library)"),
        ([0xCE, 0xFA, 0xED, 0xFE], "a Mach-O file (a native program or library)"),
        ([0xCA, 0xFE, 0xBA, 0xBE], "a Mach-O file for several processors, or a Java class"),
        (Array("MZ".utf8), "a Windows program or library"),
        (Array("!<arch>\n".utf8), "an archive of object files (a static library)"),
        ([0x42, 0x43, 0xC0, 0xDE], "LLVM bitcode"),
        (Array("#!".utf8), "a script"),
        ([0x1F, 0x8B], "compressed with gzip"),
        ([0x28, 0xB5, 0x2F, 0xFD], "compressed with zstd"),
        ([0xFD, 0x37, 0x7A, 0x58, 0x5A], "compressed with xz"),
        (Array("PK\u{3}\u{4}".utf8), "a zip archive"),
    ]

    /// Why `bytes`, which do not start as a module in binary form does, cannot be one in text form
    /// either; nil if they may be one.
    static func refusal(of bytes: Span<UInt8>) -> String? {
        if bytes.count == 0 { return "it is empty" }
        for (start, name) in signatures where begins(bytes, with: start) {
            return "it is \(name), not a WebAssembly module"
        }
        var isAtStart = true
        for index in 0..<min(bytes.count, bytesSearched) {
            let byte = bytes[index]
            if byte == 0 || isAtStart && !mayBegin(byte) {
                return "it is no WebAssembly module, neither in binary nor in text form"
            }
            isAtStart = isAtStart && spaces.contains(byte)
        }
        return nil
    }

    private static let spaces = Array(" \t\n\r".utf8)
    /// The first byte of a mark that some editors put before texts, which is told of by itself.
    private static let byteOrderMark: UInt8 = 0xEF

    /// Whether a text's first byte may be `byte`.
    private static func mayBegin(_ byte: UInt8) -> Bool {
        spaces.contains(byte) || byte == byteOrderMark || (0x20..<0x7F).contains(byte)
    }

    /// A text has no zeros; what is none has one soon.
    private static var bytesSearched: Int { 1024 }

    private static func begins(_ bytes: Span<UInt8>, with start: [UInt8]) -> Bool {
        guard bytes.count >= start.count else { return false }
        for index in start.indices where bytes[index] != start[index] { return false }
        return true
    }
}
