import ApusAssembler
import Foundation
import Testing

/// Instructions with their bytes, compared with the lines of a file in `Golden`, which
/// `verify-golden` has checked against another assembler. `GOLDEN=update` writes the file anew.
struct Listing: ~Copyable {
    private var buffer = CodeBuffer()
    private var lines: [String] = []

    init(useAVX: Bool = true, useAVX512: Bool = false) {
        buffer.useAVX = useAVX
        buffer.useAVX512 = useAVX512
    }

    /// Adds the instruction that `emit` emits; `text` is what it should be, in Intel's syntax.
    mutating func add(_ text: String, _ emit: (inout CodeBuffer) -> Void) {
        buffer.removeAll()
        emit(&buffer)
        let failed = buffer.hasFailed
        #expect(!failed, "\(text)")
        lines.append(buffer.hex + "\t" + text)
    }

    consuming func check(_ name: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("Golden/\(name).txt")
        let text = lines.joined(separator: "\n") + "\n"
        if ProcessInfo.processInfo.environment["GOLDEN"] == "update" {
            try text.write(to: file, atomically: true, encoding: .utf8)
            return
        }
        let golden = try String(contentsOf: file, encoding: .utf8)
        guard text != golden else { return }
        let expected = golden.split(separator: "\n")
        #expect(lines.count == expected.count, sourceLocation: sourceLocation)
        for (line, golden) in zip(lines, expected) {
            #expect(line == golden, sourceLocation: sourceLocation)
        }
    }
}

extension CodeBuffer {
    /// The bytes as hexadecimal digits.
    var hex: String {
        borrowing get {
            let digits = Array("0123456789abcdef")
            var text = ""
            let bytes = span
            for index in bytes.indices {
                text.append(digits[Int(bytes[index] >> 4)])
                text.append(digits[Int(bytes[index] & 15)])
            }
            return text
        }
    }
}
