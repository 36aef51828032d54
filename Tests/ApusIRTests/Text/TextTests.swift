import ApusIR
import Testing

/// The printer and the parser against each other, and the parser against what is no function.
@Suite struct TextTests {
    @Test(arguments: ["operators.ir", "loop.ir"])
    func whatIsPrintedIsReadBack(name: String) throws {
        let text = try Golden.text(name)
        let function = try Function(text: text)
        var verifier = Verifier()
        #expect(verifier.verify(function) == [])
        #expect(function.text() == text)
    }

    @Test func everyOperatorIsInTheListing() throws {
        let text = try Golden.text("operators.ir")
        for `operator` in Operator.allCases where `operator` != .parameter {
            let name = `operator`.row.name.description
            let occurs = text.split(whereSeparator: { " .\n".contains($0) }).contains { $0 == name }
            #expect(occurs, "\(name)")
        }
    }

    @Test func offsetsAreKept() throws {
        let text = """
            function (i32) -> (i32)
            block0(v0: i32):
              v1: i32 = divideSigned v0, v0 @7
              return (v1)

            """
        #expect(try Function(text: text).text(offsets: true) == text)
        #expect(try Function(text: text).text() == text.replacing(" @7", with: ""))
    }

    @Test(arguments: [
        ("", 1, "a function has at least one block"),
        ("funktion () -> ()", 1, "function is expected, not funktion"),
        ("function () -> (i33)", 1, "unknown type i33"),
        ("function () -> ()\nreturn ()", 2, "an instruction stands in a block"),
        ("function () -> ()\nblock1():", 2, "block0 is expected here"),
        ("function () -> ()\nblock0():\n retrun ()", 3, "unknown operator"),
        ("function () -> ()\nblock0():\n return () v1", 3, "nothing more is expected"),
        ("function () -> ()\nblock0():\n v0: i32 = add v0", 3, ", is expected, not the end"),
        ("function () -> ()\nblock0():\n v0: i32 = compare.same v0, v0", 3, "unknown word same"),
        (
            "function () -> ()\nblock0():\n v0: i32 = load v0, v0, 0", 3,
            "width and kind of place expected"
        ),
        ("function () -> ()\nblock0(v0: i32):\n v0: i32 = context", 3, "v0 is defined twice"),
        ("function () -> ()\nblock0(v99999999: i32):", 2, "v99999999 is too large a number"),
        (
            "function () -> ()\nblock0():\n v0: i32 = constant x", 3,
            "a constant is expected, not x"
        ),
        (
            "function () -> ()\nblock0():\n v0: v128 = vectorConstant 0x1", 3,
            "0x and 32 digits are expected"
        ),
        ("function () -> ()\n constant 5\nblock0():", 2, "a constant has a result"),
        ("function () -> ()\nblock0():\n trap.", 3, "a number is expected"),
        (
            "function () -> ()\nblock0():\n tryCall 1(), block1(), [caught block2()]", 3,
            "catch or catchAll is expected, not caught"
        ),
        (
            "function () -> ()\nblock0():\n v0: i32 = context\n tryCall 1(), block1(v0), []", 4,
            ") is expected, not v0"
        ),
    ])
    func whatIsWrongIsSaid(text: String, line: Int, message: String) {
        do {
            _ = try Function(text: text)
            Issue.record("no error, but \(message) was expected")
        } catch {
            #expect(error.line == line)
            #expect(error.message == message)
        }
    }

    /// Whatever the text is, reading and verifying it ends; what passes prints and reads again.
    @Test func damagedTextDoesNoHarm() throws {
        var random = SystemRandomNumberGenerator()
        let lines = try Golden.text("operators.ir").split(separator: "\n").map(String.init)
        var verifier = Verifier()
        for _ in 0..<60 {
            var damaged = lines
            for _ in 0...Int.random(in: 0..<3, using: &random) {
                let place = Int.random(in: damaged.indices, using: &random)
                var words = damaged[place].split(separator: " ").map(String.init)
                let word = Int.random(in: words.indices, using: &random)
                let other = damaged.randomElement(using: &random)?.split(separator: " ")
                    .randomElement(using: &random)
                words[word] = other.map(String.init) ?? "v1"
                damaged[place] = words.joined(separator: " ")
            }
            guard let function = try? Function(text: damaged.joined(separator: "\n")),
                verifier.verify(function).isEmpty
            else { continue }
            let text = function.text()
            #expect(try Function(text: text).text() == text)
        }
    }
}
