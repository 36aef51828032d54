import Foundation

/// Measures Apus on this machine; `usage` says what.
@main
struct Benchmarks {
    private static let usage = """
        usage: ApusBenchmarks [COMMAND], without one: compile, calls
          compile [MODULE...]   decoding, validation and compilation
          calls [FOLDER]        calls and instances, one line each, `apus NAME VALUE`
          instances [FOLDER]    the instances only
          async                 calls whose guests run on stacks of their own
          interruption [N]      how long after its deadline a guest goes on
          requests [N]          N calls each of which is told to stop at a random moment, and as
                                many that are not: none may miss it, none may be stopped for it
          deadlines [SECONDS]   how often a call with a deadline can be made, second by second
          replacements [N]      N calls whose code is replaced while they run, on several threads,
                                told to stop at random times: none may give another result
          traps [N]             what a trap costs with 1 module, 10, ... N modules
          bombs [--small] [NAME]
                                whether compiling takes what a module's bytes allow; those shapes
                                whose names have NAME in them
          overhead [ROUNDS [MODULE...]]
                                what deadlines and fuel cost
          cycles [N]            N instances made, called and dropped: what is left of them
          modules [N]           N modules loaded, run and dropped: what is left of them
          imports [ROUNDS]      what functions of the host cost each instance
          threads [N]           guests' threads beside the system's; N groups of threads made and
                                ended: what is left of them
          gc [N]                bytes copied between arrays; N objects made of which a megabyte
                                lives, N / 10 exceptions thrown: what is left of them
          secrets [N]           N slots recycled: whether the next instance finds something
          residence [N]         N instances at once: what each takes; 2 N slots
        """

    static func main() async throws {
        let words = Array(CommandLine.arguments.dropFirst())
        let number = words.count > 1 ? Int(words[1]) : nil
        let folder = words.count > 1 ? URL(filePath: words[1]) : ModuleFiles.own
        switch words.first {
        case nil:
            try CompilationBenchmark.run(ModuleFiles.standard)
            try CallBenchmark.run(ModuleFiles.own)
            try InstantiationBenchmark.run(ModuleFiles.own)
        case "compile":
            let named = words.dropFirst().map { URL(filePath: $0) }
            try CompilationBenchmark.run(named.isEmpty ? ModuleFiles.standard : named)
        case "calls":
            try CallBenchmark.run(folder)
            try InstantiationBenchmark.run(folder)
        case "async": try await AsynchronousBenchmark.run()
        case "instances": try InstantiationBenchmark.run(folder)
        case "bombs":
            let pattern = words.dropFirst().first { $0 != "--small" }
            if try !BombBenchmark.run(isSmall: words.contains("--small"), only: pattern) {
                exit(1)
            }
        case "bomb" where words.count == 4:
            if let number = Int(words[2]), let stage = BombBenchmark.Stage(rawValue: words[3]) {
                try BombBenchmark.runOne(words[1], number, stage)
            }
        case "interruption": try InterruptionBenchmark.run(number ?? 10_000)
        case "requests": try StopSoak.requests(number ?? 1_000_000)
        case "replacements":
            if try !ReplacementSoak.run(number ?? 1_000_000) { exit(1) }
        case "traps": try TrapBenchmark.run(max(number ?? 10_000, 1))
        case "deadlines": try StopSoak.deadlines(seconds: number ?? 10)
        case "overhead":
            let named = words.dropFirst(2).map { URL(filePath: $0) }
            try OverheadBenchmark.run(
                named.isEmpty ? ModuleFiles.kernels : named, rounds: number ?? 3)
        case "cycles": try Soak.cycles(number ?? 10_000_000)
        case "modules": try ModulesBenchmark.run(number ?? 100_000)
        case "imports": try ImportsBenchmark.run(number ?? 20)
        case "threads": try ThreadsBenchmark.run(number ?? 10_000)
        case "gc":
            let count = Int32(clamping: max(number ?? 100_000_000, 1))
            try GarbageBenchmark.run(count)
        case "secrets": try Soak.secrets(number ?? 100_000)
        case "residence": try Soak.residence(number ?? 10_000)
        default:
            print(usage)
            exit(64)
        }
    }
}

/// Which modules are measured.
enum ModuleFiles {
    /// The modules made for the benchmarks.
    static let own = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "modules")

    /// The example programs; with `APUS_SHARED` set, the modules of its programs and benchmarks.
    static var standard: [URL] {
        let examples = own.deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Examples")
        var folders = [examples]
        if let shared = ProcessInfo.processInfo.environment["APUS_SHARED"] {
            let place = URL(filePath: shared)
            folders = [
                place.appending(path: "programs/cases"),
                place.appending(path: "benchmarks/modules"),
            ]
        }
        return folders.flatMap(modules)
    }

    /// Programs that take a while: with `APUS_SHARED` set the modules of its benchmarks, else the
    /// example programs.
    static var kernels: [URL] {
        guard let shared = ProcessInfo.processInfo.environment["APUS_SHARED"] else {
            return standard
        }
        return modules(below: URL(filePath: shared).appending(path: "benchmarks/modules"))
    }

    private static func modules(below folder: URL) -> [URL] {
        let all = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)
        var found: [URL] = []
        for case let file as URL in all ?? .init() where file.pathExtension == "wasm" {
            found.append(file)
        }
        return found.sorted { $0.path() < $1.path() }
    }
}
