public import Foundation

/// Where the tests find the data that is shared between projects: suites and programs.
public enum TestEnvironment {
    /// The folder named by `APUS_SHARED`, else a folder `shared` with a `testsuite` in it beside
    /// this package or one of the folders around it. Nil if there is none: tests that need it
    /// are then skipped.
    public static let shared: URL? = {
        if let named = ProcessInfo.processInfo.environment["APUS_SHARED"] {
            return URL(filePath: named, directoryHint: .isDirectory)
        }
        var folder = URL(filePath: #filePath).deletingLastPathComponent()
        while folder.path().count > 1 {
            folder.deleteLastPathComponent()
            let candidate = folder.appending(path: "shared", directoryHint: .isDirectory)
            if FileManager.default.fileExists(atPath: candidate.appending(path: "testsuite").path())
            {
                return candidate
            }
        }
        return nil
    }()

    /// A number from the environment, or `standard` if it is absent or not a number.
    public static func number(_ name: String, standard: Int) -> Int {
        ProcessInfo.processInfo.environment[name].flatMap { Int($0) } ?? standard
    }

    /// The folder that an environment variable names.
    public static func folder(_ name: String) -> URL? {
        ProcessInfo.processInfo.environment[name].map {
            URL(filePath: $0, directoryHint: .isDirectory)
        }
    }

    /// All files below `folder` whose names end in `.suffix`, in order of their paths.
    public static func files(below folder: URL, suffix: String) -> [URL] {
        guard let all = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)
        else { return [] }
        var found: [URL] = []
        for case let file as URL in all where file.pathExtension == suffix { found.append(file) }
        return found.sorted { $0.path() < $1.path() }
    }
}
