import Testing

/// Strict memory safety marks each unsafe expression; here is where such may be.
@Suite struct UnsafeTests {
    /// Files and folders that may hold unsafe code, each with the invariant at its head.
    private let allowed = [
        // Typed storage without bounds checks in release builds.
        "Sources/ApusCollections/",
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
        // Lends guest memory as spans; passes host functions to the runtime.
        "Sources/Apus/Memory.swift",
        "Sources/Apus/HostFunction.swift",
        // Lends the WASI, and nobody else, the caller's memory.
        "Sources/Apus/CellCall.swift",
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
        // Speaks C: all that it is given and gives are pointers.
        "Sources/ApusC/",
        // Writes to the error output.
        "Sources/ApusCLI/Outcome.swift",
        // Opens what stands in for it.
        "Sources/ApusCLI/StandardStreams.swift",
        // Reads what the system has for the process; opens sockets.
        "Sources/ApusCLI/HostProcess.swift",
        "Sources/ApusCLI/ListeningSocket.swift",
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

    @Test func unsafeCodeSaysWhyItIsSound() {
        let silent = SourceTree.sources.filter { file in
            !Self.unsafeLines(in: file).isEmpty
                && !file.lines.contains { $0.contains("// SAFETY:") }
        }
        expectNone(silent.map(\.path))
    }

    @Test func theListNamesPlacesThatExist() {
        expectNone(allowed.filter { !SourceTree.exists($0) })
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

    private static func unsafeLines(in file: SourceFile) -> [Int] {
        let mark = /\bunsafe\b|\bUnsafe[A-Z]|@unchecked\s+Sendable|nonisolated\(unsafe\)/
        return file.code.enumerated().filter {
            ($0.element.mentions("nsafe") || $0.element.mentions("@unchecked"))
                && $0.element.contains(mark)
        }.map { $0.offset + 1 }
    }
}
