import Testing

/// The offences that exist: `ratchet.txt` lists how many of each kind each file may have. The
/// list is there to shrink; nothing is to be added to it.
enum Ratchet {
    private static let allowances: [String: Int] = {
        var allowances: [String: Int] = [:]
        for line in SourceFile("Tests/TidyTests/ratchet.txt")?.lines ?? [] {
            let words = line.split(separator: " ")
            guard words.count == 3, let count = Int(words[2]) else { continue }
            allowances["\(words[0]) \(words[1])"] = count
        }
        return allowances
    }()

    /// The files that the list names.
    static var files: Set<String> {
        Set(allowances.keys.compactMap { $0.split(separator: " ").last.map(String.init) })
    }

    static func allowance(_ rule: String, _ file: SourceFile) -> Int {
        allowances["\(rule) \(file.path)"] ?? 0
    }

    /// The offences of `files` against `rule`, of those files that have more than the list allows.
    static func check(
        _ rule: String, _ files: [SourceFile], _ offences: (SourceFile) -> [String],
        at location: SourceLocation = #_sourceLocation
    ) {
        let excess = files.flatMap { file in
            let found = offences(file)
            return found.count > allowance(rule, file) ? found.map { "\(file.path):\($0)" } : []
        }
        expectNone(excess, at: location)
    }
}

/// Expects that nothing has been found, and otherwise lists it.
func expectNone(_ offences: [String], at location: SourceLocation = #_sourceLocation) {
    if offences.isEmpty { return }
    let list = offences.joined(separator: "\n")
    Issue.record("\(offences.count) found\n\(list)", sourceLocation: location)
}
