import Testing

/// Strict memory safety marks each unsafe expression; here is where such may be.
@Suite struct UnsafeTests {
    /// Files and folders that may hold unsafe code.
    private let allowed = [
        // Typed storage without bounds checks in release builds.
        "Sources/ApusCollections/",
        // Keeps locks where the system wants them, and values behind them.
        "Sources/ApusLocks/",
        "Sources/ApusAssembler/CodeBuffer.swift",
        // Owns what compiled code reads and writes.
        "Sources/ApusRuntime/Memory/",
        "Sources/ApusRuntime/Tables/",
        "Sources/ApusRuntime/Code/",
        "Sources/ApusRuntime/Calls/",
        "Sources/ApusRuntime/Interruption/",
        "Sources/ApusRuntime/Traps/",
        "Sources/ApusRuntime/Instances/",
        "Sources/ApusRuntime/Store/",
        "Sources/ApusRuntime/Exceptions/",
        "Sources/ApusRuntime/Heap/",
        "Sources/ApusRuntime/Stacks/",
        // Asks where the fields of the C records lie.
        "Sources/ApusABI/ContextLayout.swift",
        // Lets compilers ask whether to go on without counting references.
        "Sources/ApusABI/CompilationBudget.swift",
        // Passes host functions to the runtime.
        "Sources/Apus/HostFunction.swift",
        // Lends the WASI, and nobody else, the caller's memory.
        "Sources/Apus/CellCall.swift",
        // Knows of which types any bits are a value.
        "Sources/Apus/LinearMemory+Access.swift",
        // Reads files into storage of their size, and starts threads.
        "Sources/Apus/ByteStorage+File.swift",
        "Sources/Apus/Compilation/",
        // Keeps what compilers watch while they work.
        "Sources/Apus/Tiering/ModuleTiers.swift",
        // Hands code to debuggers and unwinders, and writes files for others.
        "Sources/Apus/NativeTools/",
        // Asks the system about files and directories, and replaces them.
        "Sources/Apus/Files/",
        // System calls, and a world that one thread uses at a time.
        "Sources/ApusWASI/System/",
        "Sources/ApusWASI/Preview1/Preview1.swift",
        // Tells tasks apart.
        "Sources/ApusSandbox/TaskIdentity.swift",
        // Speaks C: all that it is given and gives are pointers.
        "Sources/ApusC/",
        // Writes to the error output.
        "Sources/ApusCLI/Outcome.swift",
        // Opens what stands in for it.
        "Sources/ApusCLI/StandardStreams.swift",
        // Reads what the system has for the process; opens sockets.
        "Sources/ApusCLI/HostProcess.swift",
        "Sources/ApusCLI/ListeningSocket.swift",
        // Runs the command once more, with a folder that goes afterwards.
        "Sources/ApusCLI/ChildProcess.swift",
        "Sources/ApusCLI/TemporaryFolder.swift",
    ]

    @Test func unsafeCodeIsWhereItMayBe() {
        let offenders = SourceTree.sources.filter { file in
            !allowed.contains { file.path.hasPrefix($0) } && !Self.unsafeLines(in: file).isEmpty
        }
        let offences = offenders.flatMap { file in
            Self.unsafeLines(in: file).map { "\(file.path):\($0)" }
        }
        expectNone(offences)
    }

    /// What is relied on is named where it is relied on, and not once for a file.
    @Test func unsafeCodeSaysWhyItIsSound() {
        expectNone(
            SourceTree.sources.flatMap { file in
                Self.silentUses(in: file).map { "\(file.path):\($0)" }
            })
    }

    @Test func whatDoesNotSayWhyIsFound() {
        let file = SourceFile(
            path: "Sources/Example.swift",
            text: """
                // SAFETY: of the first one.
                /// A type.
                struct Storage: @unchecked Sendable {
                    // SAFETY: two of a kind.
                    let first: UnsafeRawPointer
                    let second: UnsafeRawPointer

                    let third: UnsafeRawPointer

                    /// Some.
                    func some() -> Int {
                        // SAFETY: within.
                        unsafe first.load(as: Int.self)
                    }

                    func others(
                        _ text: String
                    ) -> Int
                    {
                        let some = unsafe first.load(as: Int.self)
                        // SAFETY: too late for that one.
                        return some + unsafe second.load(as: Int.self)
                    }

                    @unsafe
                    func none() {}
                }

                final class Other: @unchecked Sendable {
                    // SAFETY: it is never looked at.
                    let text = "unsafe"
                }
                """)
        #expect(Self.silentUses(in: file) == [8, 20, 25])
    }

    /// What stands between a documentation and what it is of hides it.
    @Test func invariantsHideNoDocumentation() {
        expectNone(
            SourceTree.sources.flatMap { file in
                file.lines.indices.dropFirst().filter { line in
                    file.saysWhy(line) && file.lines[line - 1].isComment("///")
                }.map { "\(file.path):\($0 + 1)" }
            })
    }

    @Test func theListNamesPlacesThatNeedIt() {
        let users = SourceTree.sources.filter { !Self.unsafeLines(in: $0).isEmpty }
        expectNone(allowed.filter { place in !users.contains { $0.path.hasPrefix(place) } })
    }

    /// No unsafe type in a signature that the products promise; what only our own targets see is
    /// marked `@unsafe`.
    @Test func noUnsafeTypeInThePublicAPI() {
        let products = SourceTree.sources.filter {
            // What only the WASI sees is no promise.
            ($0.path.hasPrefix("Sources/Apus/") && $0.path != "Sources/Apus/CellCall.swift")
                || $0.path.hasPrefix("Sources/ApusWASI/")
                || $0.path.hasPrefix("Sources/ApusSandbox/")
        }
        let offences = products.flatMap { file in
            file.code.enumerated()
                .filter {
                    $0.element.mentions("public") && $0.element.contains(/\bpublic\b.*Unsafe/)
                }
                .filter { !file.code[max($0.offset - 1, 0)].hasSuffix("@unsafe") }
                .map { "\(file.path):\($0.offset + 1)" }
        }
        expectNone(offences)
    }

    /// The lines of what is unsafe and does not say why it is sound: neither before it, within its
    /// declaration, nor above that, or above the first of declarations between which there is no
    /// blank line. What a signature mentions may be explained in the body.
    private static func silentUses(in file: SourceFile) -> [Int] {
        let uses = unsafeLines(in: file).map { $0 - 1 }
        if uses.isEmpty { return [] }
        let declarations = DeclarationFinder(file: file).declarations
        return uses.filter { use in
            // An attribute is of what comes behind it.
            guard let declaration = declarations.first(where: { $0.lines.upperBound >= use }),
                !file.code[use].split(separator: " ").contains("import")
            else { return false }
            let lines = declaration.lines
            let body = lines.first { file.code[$0].hasSuffix("{") } ?? lines.upperBound
            let within = lines.lowerBound...(use > body ? use : lines.upperBound)
            return !within.contains { file.saysWhy($0) } && !saysWhyAround(declaration, file)
        }.map { $0 + 1 }
    }

    private static func saysWhyAround(
        _ declaration: DeclarationExtent, _ file: SourceFile
    ) -> Bool {
        let first = declaration.lines.lowerBound
        let indentation = DeclarationFinder.indentation(file.lines[first])
        for line in (0..<first).reversed() {
            let text = file.lines[line]
            let own = DeclarationFinder.indentation(text)
            if text.isEmpty || own < indentation { break }
            if own == indentation, file.saysWhy(line) { return true }
            // Types do not share what is said.
            let isCode = file.code[line].contains { $0 != " " }
            if declaration.isType, isCode, !text.contains("@") { break }
        }
        // The first words in a type are of the type.
        let inside = file.lines[(declaration.lines.upperBound + 1)...].prefix { $0.isComment("//") }
        return declaration.isType && inside.indices.contains { file.saysWhy($0) }
    }

    private static func unsafeLines(in file: SourceFile) -> [Int] {
        let mark = /\bunsafe\b|\bUnsafe[A-Z]|@unchecked\s+Sendable|nonisolated\(unsafe\)/
        return file.code.enumerated().filter {
            ($0.element.mentions("nsafe") || $0.element.mentions("@unchecked"))
                && $0.element.contains(mark)
        }.map { $0.offset + 1 }
    }
}

extension SourceFile {
    /// Whether what is said in this line is why something is sound.
    fileprivate func saysWhy(_ line: Int) -> Bool { lines[line].isComment("// SAFETY:") }
}

extension String {
    /// Whether the line is a comment that begins so.
    fileprivate func isComment(_ start: String) -> Bool {
        drop { $0 == " " }.hasPrefix(start)
    }
}
