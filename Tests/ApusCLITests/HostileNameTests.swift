import Testing

/// Names that modules choose reach nobody raw, whatever form a listing has.
struct HostileNameTests {
    /// Clears a terminal in both ways, reverses what follows, begins a line.
    private static let hostile = #"\u{1b}[2J\u{9b}2J\u{202e}\u{2066}\u{7f}\n\r\u{e000}x"#

    private static let files: [String: [UInt8]] = [
        "hot.wat": Array(
            """
            (module $"\(hostile)"
              (func $"work\(hostile)" (export "e\(hostile)") (param i32) (result i32)
                (i32.add (local.get 0) (local.get 0)))
              (func $"main\(hostile)" (export "_start") (local i32)
                (loop $l
                  (drop (call 0 (local.get 0)))
                  (local.set 0 (i32.add (local.get 0) (i32.const 1)))
                  (br_if $l (i32.lt_u (local.get 0) (i32.const 1000))))))
            """.utf8),
        "invalid.wat": Array("(module (func $\"\(hostile)\" drop))".utf8),
    ]

    /// Nothing in it but what is seen, and line feeds.
    private static func isPlain(_ text: String) -> Bool {
        text.unicodeScalars.allSatisfy { scalar in
            if scalar == "\n" { return true }
            return switch scalar.properties.generalCategory {
            case .control, .format, .privateUse, .lineSeparator, .paragraphSeparator: false
            default: true
            }
        }
    }

    @Test(arguments: [
        ["inspect", "--json", "hot.wat"], ["inspect", "hot.wat"],
        ["validate", "--json", "invalid.wat"],
        ["run", "--stats", "--tier-after", "10", "hot.wat"],
        ["run", "--stats", "--json", "--tier-after", "10", "hot.wat"],
        ["cover", "--output", "-", "hot.wat"],
        ["cover", "--format", "json", "--output", "/dev/stdout", "hot.wat"],
        ["cover", "--format", "lcov", "--output", "/dev/stdout", "hot.wat"],
    ])
    func reachNobody(arguments: [String]) throws {
        try Command.withFolder(Self.files) { folder in
            let outcome = try Command.run(arguments, in: folder)
            let text = outcome.output + outcome.errorOutput
            #expect(text.contains("u{9b}") || text.contains("u009b"), "\(text)")
            #expect(Self.isPlain(text), "\(text.debugDescription)")
        }
    }
}
