import Testing

/// Every public symbol says what it is.
@Suite struct DocumentationTests {
    /// Members whose meaning the standard library gives, and cases, which read as their names.
    private static var selfEvident: some RegexComponent {
        /\binit\(rawValue|\binit\(\)|\brawValue\b|\bdescription\b|\bfunc (==|<|hash)|\bcase\b/
    }

    @Test(arguments: [
        "Apus", "ApusWASI", "ApusSandbox", "ApusMacros", "ApusObservability",
    ])
    func productsAreDocumented(product: String) {
        let files = SourceTree.sources.filter { $0.path.hasPrefix("Sources/\(product)/") }
        #expect(!files.isEmpty)
        Ratchet.check("documentation", files, Self.undocumented)
    }

    @Test func typesAndFunctionsOfInnerFloorsAreDocumented() {
        Ratchet.check("documentation", SourceTree.sources) { file in
            Self.undocumented(file).filter {
                $0.contains(/\b(struct|enum|class|actor|protocol|func) \w/)
            }
        }
    }

    private static func undocumented(_ file: SourceFile) -> [String] {
        var missing: [String] = []
        for (number, line) in file.code.enumerated() {
            guard line.mentions("public ") else { continue }
            let declaration = line.trimmingPrefix(/\s*(@\w+(\([^)]*\))?\s+)*/)
            guard declaration.hasPrefix("public "), !declaration.contains(/^public\s+import\b/),
                !declaration.contains(selfEvident), !isDocumented(file, number),
                !isDeclaredInC(file, number)
            else { continue }
            if let name = memberName(declaration), requirements.contains(name) { continue }
            missing.append("\(number + 1): \(declaration)")
        }
        return missing
    }

    /// Names of members that a protocol of ours has documented: who conforms need not repeat it.
    private static let requirements: Set<String> = {
        var names: Set<String> = []
        for file in SourceTree.sources {
            var isInside = false
            for (number, line) in file.code.enumerated() {
                if line.hasPrefix("public protocol ") { isInside = true }
                if line == "}" { isInside = false }
                guard isInside, let name = memberName(line), isDocumented(file, number)
                else { continue }
                names.insert(name)
            }
        }
        return names
    }()

    private static func memberName(_ line: some StringProtocol) -> String? {
        guard let match = String(line).firstMatch(of: /\b(func|var) (\w+)/) else { return nil }
        return String(match.output.2)
    }

    /// Whether what is declared on line `number` implements a declaration of a header, which is
    /// documented there.
    private static func isDeclaredInC(_ file: SourceFile, _ number: Int) -> Bool {
        number > 0 && file.lines[number - 1] == "@c @implementation"
    }

    /// Whether a documentation comment stands above line `number` and its attributes.
    private static func isDocumented(_ file: SourceFile, _ number: Int) -> Bool {
        var above = number
        while above > 0 {
            above -= 1
            let line = file.lines[above].trimmingPrefix(/\s*/)
            if line.hasPrefix("///") { return true }
            guard line.hasPrefix("@") || line.hasPrefix("// SAFETY:") || line.hasPrefix("#if")
            else { return false }
        }
        return false
    }
}
