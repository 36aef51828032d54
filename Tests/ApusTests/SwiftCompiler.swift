import Foundation

/// The Swift compiler, for programs that import Apus as it was built with the tests.
enum SwiftCompiler {
    private static let build = Bundle.main.bundleURL

    /// Compiles `program`: the exit status, and all that was written.
    static func run(
        _ arguments: [String], _ program: String
    ) throws -> (status: Int32, output: String) {
        let source = FileManager.default.temporaryDirectory
            .appending(path: "apus-\(UUID()).swift")
        try program.write(to: source, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(at: source) }
        let modules = build.appending(path: "Modules").path()
        let map = build.appending(path: "CApusHost.build/module.modulemap").path()
        let compile = [
            "swiftc", "-swift-version", "6", "-I", modules, "-Xcc", "-fmodule-map-file=\(map)",
        ]
        return try run("/usr/bin/env", compile + arguments + [source.path()])
    }

    /// Runs a program: the exit status, or the negative number of the signal that ended it, and all
    /// that was written.
    static func run(
        _ path: String, _ arguments: [String]
    ) throws -> (status: Int32, output: String) {
        let process = Process()
        process.executableURL = URL(filePath: path)
        process.arguments = arguments
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let text = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        let hasExited = process.terminationReason == .exit
        let status = process.terminationStatus
        return (hasExited ? status : -status, String(decoding: text, as: UTF8.self))
    }

    /// The object files of Apus and all that it is made of.
    static func objects() -> [String] {
        let targets = [
            "Apus", "ApusRuntime", "ApusABI", "ApusAssembler", "ApusBaseline", "ApusCollections",
            "ApusDWARF", "ApusFormat", "ApusIR", "ApusLocks", "ApusOptimizer", "ApusText",
            "ApusTrampolines", "ApusVectors", "CApusHost",
        ]
        return targets.flatMap { target in
            let folder = build.appending(path: target + ".build")
            let files = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)
            return (files?.allObjects as? [URL] ?? []).map { $0.path() }
                .filter { $0.hasSuffix(".o") }
        }
    }
}
