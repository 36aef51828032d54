import Testing

/// What may be used where. That targets import only lower floors is checked by the build
/// (`--explicit-target-dependency-import-check`).
@Suite struct FloorTests {
    @Test func noFoundationBelowTheCommand() {
        let apple = /\bimport\s+(\w+\s+)?(Foundation|FoundationEssentials|Dispatch)\b/
        let offenders = SourceTree.sources.filter { file in
            !file.path.hasPrefix("Sources/ApusCLI/")
                && file.code.contains { $0.mentions("import") && $0.contains(apple) }
        }
        expectNone(offenders.map(\.path))
    }

    @Test func argumentParserOnlyInTheCommand() {
        let offenders = SourceTree.sources.filter { file in
            !file.path.hasPrefix("Sources/ApusCLI/")
                && file.code.contains { $0.mentions("import ArgumentParser") }
        }
        expectNone(offenders.map(\.path))
    }

    /// `Mutex` ends child processes of a fork when a thread has to wait for it, and the thread
    /// sanitizer does not see that one has waited.
    @Test func locksAreTheHousesOwn() {
        let offenders = SourceTree.sources.filter { file in
            file.code.contains { $0.mentions("Mutex") && $0.contains(/\bMutex[<(]/) }
        }
        expectNone(offenders.map(\.path))
    }

    /// Only the public API sees compilers and the runtime; the two never see each other.
    @Test func compilersAndRuntimeMeetOnlyInTheAPI() {
        let inner = /\bimport\s+(\w+\s+)?(ApusBaseline|ApusOptimizer|ApusTrampolines|ApusRuntime)\b/
        let offenders = SourceTree.sources.filter { file in
            !file.path.hasPrefix("Sources/Apus/")
                && file.code.contains { $0.mentions("import") && $0.contains(inner) }
        }
        expectNone(offenders.map(\.path))
    }

    /// A switch over `Operation` names every case, so that a new one shows all places to write.
    @Test func switchesOverOperationAreExhaustive() {
        Ratchet.check("default", SourceTree.sources, Self.defaultsOverOperation)
    }

    private static func defaultsOverOperation(_ file: SourceFile) -> [String] {
        var offences: [String] = []
        for (number, line) in file.code.enumerated() {
            guard line.mentions("switch"), line.contains(/\bswitch\s+(\w+\.)*operation\s*\{/)
            else { continue }
            let indentation = line.prefix { $0 == " " }
            for (offset, inner) in file.code[number...].dropFirst().enumerated() {
                if inner.hasPrefix(indentation + "default:") {
                    offences.append("\(number + offset + 2): default in a switch over Operation")
                }
                if inner == indentation + "}" { break }
            }
        }
        return offences
    }

    /// Input must never reach these; a guest would stop the host.
    @Test func nothingStopsTheProcess() {
        let stop = /\b(fatalError|preconditionFailure|assertionFailure)\s*\(|\btry!|\bas!/
        Ratchet.check("stop", SourceTree.sources) { file in
            file.code.enumerated().filter { Self.mayStop($0.element) && $0.element.contains(stop) }
                .map { "\($0.offset + 1): \($0.element)" }
        }
    }

    private static func mayStop(_ line: String) -> Bool {
        line.mentions("fatalError") || line.mentions("Failure(") || line.mentions("Failure (")
            || line.mentions("try!") || line.mentions("as!")
    }

    /// A drawer's name says nothing about what is in it.
    @Test func noDrawers() {
        let drawer = /(?i)(util|helper|misc\b|common|\bstuff)/
        let offenders = SourceTree.files.filter { $0.path.contains(drawer) }
        expectNone(offenders.map(\.path))
    }

    @Test func nothingIsLeftForLater() {
        let marks = ["TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK"]
        Ratchet.check("later", SourceTree.files) { file in
            file.lines.enumerated().filter { _, line in
                (line.mentions("DO") || line.mentions("ME") || line.mentions("XX")
                    || line.mentions("CK"))
                    && line.split { !$0.isLetter }.contains { marks.contains(String($0)) }
            }.map { "\($0 + 1): \($1)" }
        }
    }
}
