import Foundation

/// The functions in `Golden`, as text.
enum Golden {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "Golden")

    static func text(_ name: String) throws -> String {
        try String(contentsOf: folder.appending(path: name), encoding: .utf8)
    }

    /// Names of the files in a folder of it.
    static func names(in folder: String) -> [String] {
        let path = Self.folder.appending(path: folder).path()
        return (try? FileManager.default.contentsOfDirectory(atPath: path))?.sorted() ?? []
    }

    /// Whether results are to be written, not compared.
    static var isUpdating: Bool { ProcessInfo.processInfo.environment["GOLDEN"] == "update" }

    static func write(_ text: some StringProtocol, to name: String) throws {
        try text.write(to: folder.appending(path: name), atomically: true, encoding: .utf8)
    }
}
