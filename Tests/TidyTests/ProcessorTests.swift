import Testing

/// What is one processor's alone lies in folders of that processor's.
@Suite struct ProcessorTests {
    private static let targets = [
        "ApusABI", "ApusVectors", "ApusTrampolines", "ApusBaseline", "ApusOptimizer", "ApusIR",
    ]
    private static let names: Set<Substring> = [
        "GPR", "XMM", "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp", "r8", "r9", "r10",
        "r11", "r12", "r13", "r14", "r15", "xmm0", "xmm15",
    ]

    /// The rest knows a `Target`.
    @Test func registersAreNamedInTheProcessorsFolders() {
        let files = SourceTree.sources.filter { file in
            let parts = file.path.split(separator: "/")
            return Self.targets.contains(String(parts[1])) && parts[2] != "X86_64"
        }
        #expect(files.count > 100)
        let offences = files.flatMap { file in
            file.code.enumerated().filter { _, line in
                line.split { !$0.isLetter && !$0.isNumber }.contains { Self.names.contains($0) }
            }.map { "\(file.path):\($0.offset + 1): \($0.element)" }
        }
        expectNone(offences)
    }
}
