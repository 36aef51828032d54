import Apus
import Foundation

/// Hands events to a plugin that is replaced meanwhile: by a newer version, and by a file that is
/// no module at all.
@main
struct PluginHost {
    static func main() throws {
        let folder = URL.temporaryDirectory.appending(path: UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appending(path: "counter.wat")
        try install("counter-1", at: file, age: 60)

        var linker = Linker(Engine())
        linker.define("host", "say") { (sum: Int32) in print("the plugin says", sum) }
        let plugin = try Plugin(path: file.path(), linker: linker)
        try plugin.handle(1)
        try plugin.handle(2)  // 3

        try install("counter-2", at: file, age: 30)
        try plugin.handle(5)  // 3 + 2 × 5 = 13

        try Data("this is no plugin".utf8).write(to: file)
        try plugin.handle(1)  // 15, by the one there was
    }

    /// Puts a version of the plugin in place, as if it had been written some seconds ago.
    private static func install(_ name: String, at file: URL, age: TimeInterval) throws {
        guard
            let source = Bundle.module.url(
                forResource: name, withExtension: "wat", subdirectory: "Plugins")
        else { throw CocoaError(.fileNoSuchFile) }
        try Data(contentsOf: source).write(to: file)
        try FileManager.default.setAttributes(
            [.modificationDate: Date.now - age], ofItemAtPath: file.path())
    }
}
