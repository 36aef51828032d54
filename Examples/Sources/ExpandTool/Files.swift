import Foundation

extension String {
    init(contentsOfFile path: String) throws {
        self = try String(contentsOf: URL(filePath: path), encoding: .utf8)
    }

    func write(toFile path: String) throws {
        try write(to: URL(filePath: path), atomically: true, encoding: .utf8)
    }
}
