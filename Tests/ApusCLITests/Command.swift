import Foundation

/// The command as it was built with the tests.
struct Command {
    /// What one run of it gave.
    struct Outcome {
        var status: Int32
        var output: String
        var errorOutput: String
    }

    static var executable: URL { Bundle.main.bundleURL.appending(path: "apus") }

    /// Runs the command in `folder`, with so much address space if that is to be bounded.
    static func run(
        _ arguments: [String], in folder: URL, addressSpaceKibibytes: Int? = nil,
        cache: URL? = nil
    ) throws -> Outcome {
        if let addressSpaceKibibytes {
            let script = "ulimit -v \(addressSpaceKibibytes) && exec \"$0\" \"$@\""
            return try run(shell: script, arguments, in: folder)
        }
        return try run(executable, arguments, in: folder, cache: cache)
    }

    /// Runs a script of the shell in `folder`, to which the command is `$0`.
    static func run(
        shell script: String, _ arguments: [String] = [], in folder: URL, bash: Bool = false
    ) throws -> Outcome {
        let shell = URL(filePath: bash ? "/bin/bash" : "/bin/sh")
        return try run(shell, ["-c", script, executable.path()] + arguments, in: folder)
    }

    private static func run(
        _ program: URL, _ arguments: [String], in folder: URL, cache: URL? = nil
    ) throws -> Outcome {
        let process = Process()
        process.executableURL = program
        process.arguments = arguments
        process.currentDirectoryURL = folder
        // No test finds what another one has compiled, unless it has a place for that.
        process.environment = ProcessInfo.processInfo.environment.merging([
            "XDG_CACHE_HOME": cache?.path() ?? "/dev/null"
        ]) { $1 }
        let output = Pipe()
        let errorOutput = Pipe()
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output
        process.standardError = errorOutput
        try process.run()
        // It may write more than a pipe holds; of errors, it does not.
        let written = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return Outcome(
            status: process.terminationStatus, output: String(decoding: written, as: UTF8.self),
            errorOutput: String(
                decoding: errorOutput.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self))
    }

    /// Makes the module in binary form of `name` with `.wat` behind it.
    static func assemble(_ name: String, in folder: URL) throws {
        _ = try run(["parse", name + ".wat", "--output", name + ".wasm"], in: folder)
    }

    /// Does `work` with a folder that holds `files` and goes afterwards.
    static func withFolder<Result>(
        _ files: [String: [UInt8]], _ work: (URL) throws -> Result
    ) throws -> Result {
        let folder = FileManager.default.temporaryDirectory
            .appending(path: "apus-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        for (name, bytes) in files {
            try Data(bytes).write(to: folder.appending(path: name))
        }
        return try work(folder)
    }
}
