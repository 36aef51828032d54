internal import ApusCollections
internal import Foundation

/// Files that the command reads and writes whole.
enum FileContents {
    /// The bytes of the file at `path`.
    static func read(_ path: String) throws -> ByteStorage {
        ByteStorage([UInt8](try Data(contentsOf: URL(filePath: path))))
    }

    /// Writes `bytes` to the file at `path`, or to the output if that is nil.
    static func write(_ bytes: [UInt8], to path: String?) throws {
        if let path {
            try Data(bytes).write(to: URL(filePath: path))
        } else {
            try FileHandle.standardOutput.write(contentsOf: Data(bytes))
        }
    }
}
