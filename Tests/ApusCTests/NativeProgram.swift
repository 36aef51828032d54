import ApusTestSupport
import Foundation
import Testing

/// A program in C or C++ that uses the library as it was built with the tests.
struct NativeProgram {
    /// What one run of it gave. A negative status is the number of the signal that ended it.
    struct Outcome {
        var status: Int32
        var output: String
        var errorOutput: String
    }

    static let programs = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "Programs")
    static let headers = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../../Sources/CApusC/include").standardized
    /// Where the library is.
    static let library = Bundle.main.bundleURL

    /// The standard's example programs, if they were fetched.
    static let examples: URL? = TestEnvironment.shared
        .map { $0.appending(path: "wasm-c-api/example") }
        .flatMap { FileManager.default.fileExists(atPath: $0.path()) ? $0 : nil }

    /// The compilers there are.
    static let compiler = find("clang") ?? find("cc")
    static let plusPlusCompiler = find("clang++") ?? find("c++")

    private static func find(_ name: String) -> URL? {
        let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
        return path.split(separator: ":").lazy
            .map { URL(filePath: String($0)).appending(path: name) }
            .first { FileManager.default.isExecutableFile(atPath: $0.path()) }
    }

    /// How a source is compiled. Warnings are errors in what is ours.
    static func compile(
        _ source: URL, to product: URL, _ options: [String] = [], isOurs: Bool = true
    ) throws {
        let isPlusPlus = source.pathExtension == "cc"
        let compiler = try #require(isPlusPlus ? plusPlusCompiler : compiler)
        let standard = isPlusPlus ? "-std=c++20" : "-std=gnu11"
        let strict = isOurs ? ["-Wall", "-Wextra", "-Werror"] : ["-w"]
        let outcome = try run(
            compiler,
            [standard, "-g", "-I", headers.path()] + strict + options
                + [source.path(), "-o", product.path()])
        #expect(outcome.status == 0, "\(outcome.errorOutput)")
    }

    /// Compiles a source, and links it with the shared library. What is ours is sanitized, if that
    /// is possible: it has to delete all that it owns.
    static func build(_ source: URL, in folder: URL, isOurs: Bool = true) throws -> URL {
        let program = folder.appending(path: source.deletingPathExtension().lastPathComponent)
        try compile(
            source, to: program,
            ["-L", library.path(), "-lApusC", "-pthread", "-Wl,-rpath,\(library.path())"]
                + (isOurs ? sanitizers : []),
            isOurs: isOurs)
        return program
    }

    /// The options for sanitizers, which look for leaks among others; none where they do not run.
    private static let sanitizers: [String] = {
        let options = ["-fsanitize=address,undefined", "-fno-sanitize-recover", "-fuse-ld=lld"]
        let isThere = try? withFolder { folder in
            guard let compiler else { return false }
            let source = folder.appending(path: "empty.c")
            try "int main(void) { return 0; }\n"
                .write(to: source, atomically: true, encoding: .utf8)
            let program = folder.appending(path: "empty")
            let arguments = options + [source.path(), "-o", program.path()]
            return try run(compiler, arguments, in: folder).status == 0
                && run(program, in: folder).status == 0
        }
        return isThere == true ? options : []
    }()

    /// Runs a program in the folder where it is, or in another one.
    static func run(
        _ program: URL, _ arguments: [String] = [], in folder: URL? = nil
    ) throws -> Outcome {
        let process = Process()
        process.executableURL = program
        process.arguments = arguments
        process.currentDirectoryURL = folder ?? program.deletingLastPathComponent()
        // What ends a process is to be told by us alone.
        process.environment = ProcessInfo.processInfo.environment.merging([
            "SWIFT_BACKTRACE": "enable=no"
        ]) { $1 }
        // Files, not pipes: what is written need not fit anything.
        let texts = try ["output", "errors"].map { name in
            let file = FileManager.default.temporaryDirectory
                .appending(path: "apus-\(UUID())-\(name)")
            try Data().write(to: file)
            return file
        }
        defer { for text in texts { try? FileManager.default.removeItem(at: text) } }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = try FileHandle(forWritingTo: texts[0])
        process.standardError = try FileHandle(forWritingTo: texts[1])
        try process.run()
        process.waitUntilExit()
        let hasExited = process.terminationReason == .exit
        return Outcome(
            status: hasExited ? process.terminationStatus : -process.terminationStatus,
            output: try String(contentsOf: texts[0], encoding: .utf8),
            errorOutput: try String(contentsOf: texts[1], encoding: .utf8))
    }

    /// Does `work` with a folder that goes afterwards.
    static func withFolder<Result>(_ work: (URL) throws -> Result) throws -> Result {
        let folder = FileManager.default.temporaryDirectory.appending(path: "apus-c-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        return try work(folder)
    }
}
