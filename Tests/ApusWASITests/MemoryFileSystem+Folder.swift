import ApusWASI
import Foundation

extension MemoryFileSystem {
    /// What is in a folder of the host; empty if there is none.
    convenience init(copyOf folder: URL, clock: WASI.Clock = .system) throws {
        self.init(clock: clock)
        let manager = FileManager.default
        guard let all = manager.enumerator(atPath: folder.path()) else { return }
        for case let name as String in all {
            let source = folder.appending(path: name)
            var isDirectory: ObjCBool = false
            _ = unsafe manager.fileExists(atPath: source.path(), isDirectory: &isDirectory)
            if isDirectory.boolValue {
                try makeDirectories(name)
            } else {
                try write([UInt8](Data(contentsOf: source)), to: name)
            }
        }
    }
}
