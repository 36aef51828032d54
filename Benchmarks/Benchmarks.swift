import Foundation

/// Measures Apus on this machine: `ApusBenchmarks compile [MODULE...]`, `ApusBenchmarks calls
/// [FOLDER]`, or both without arguments, `ApusBenchmarks interruption [N]` and `ApusBenchmarks
/// overhead [ROUNDS [MODULE...]]`.
@main
struct Benchmarks {
    static func main() throws {
        let words = Array(CommandLine.arguments.dropFirst())
        switch words.first {
        case nil:
            try CompilationBenchmark.run(ModuleFiles.standard)
            try CallBenchmark.run(ModuleFiles.own)
            try InstantiationBenchmark.run(ModuleFiles.own)
        case "compile":
            let named = words.dropFirst().map { URL(filePath: $0) }
            try CompilationBenchmark.run(named.isEmpty ? ModuleFiles.standard : named)
        case "calls":
            let folder = words.count > 1 ? URL(filePath: words[1]) : ModuleFiles.own
            try CallBenchmark.run(folder)
            try InstantiationBenchmark.run(folder)
        case "interruption":
            try InterruptionBenchmark.run(words.count > 1 ? Int(words[1]) ?? 10_000 : 10_000)
        case "overhead":
            let rounds = words.count > 1 ? Int(words[1]) ?? 3 : 3
            let named = words.dropFirst(2).map { URL(filePath: $0) }
            try OverheadBenchmark.run(named.isEmpty ? ModuleFiles.kernels : named, rounds: rounds)
        default:
            print(
                "usage: ApusBenchmarks [compile [MODULE...] | calls [FOLDER] | interruption [N] |"
                    + " overhead [ROUNDS [MODULE...]]]")
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
