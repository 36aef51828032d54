import Apus
import Foundation

/// A plugin that may be replaced at any time: when its file has changed, the next event is handled
/// by a new instance, which goes on with the state of the old one.
final class Plugin {
    private let path: String
    private let engine: Engine
    private let linker: Linker
    private var instance: Instance
    private var version: Date

    /// Loads the plugin in the file at `path`, whose imports `linker` knows.
    init(path: String, linker: Linker) throws {
        self.path = path
        self.linker = linker
        engine = linker.engine
        version = try Self.version(of: path)
        instance = try Self.load(path, linker)
    }

    /// Lets the plugin handle one event.
    func handle(_ amount: Int32) throws {
        try reloadIfChanged()
        instance.store.deadline = .now + .milliseconds(100)
        try instance.function("handle", as: ((Int32) -> Void).self)(amount)
    }

    private func reloadIfChanged() throws {
        let found = try Self.version(of: path)
        guard found != version else { return }
        do {
            let new = try Self.load(path, linker)
            try Self.restore(Self.save(instance), in: new)
            instance = new
            print("reloaded")
        } catch {
            // What is there works; what came is not better by being newer.
            print("not reloaded")
            FileHandle.standardError.write(Data("\(error)\n".utf8))
        }
        version = found
    }

    // MARK: Instances

    private static func load(_ path: String, _ linker: Linker) throws -> Instance {
        let module = try Module(linker.engine, contentsOf: path)
        let limits = Limits(memoryBytes: 16 << 20, deadline: .seconds(1))
        return try linker.instantiate(module, in: Store(linker.engine, limits: limits))
    }

    private static func save(_ instance: Instance) throws -> [UInt8] {
        let (start, count) = try instance.function("save", as: (() -> (Int32, Int32)).self)()
        return try instance.memory.read(at: start, count: count)
    }

    private static func restore(_ state: [UInt8], in instance: Instance) throws {
        let count = Int32(state.count)
        let start = try instance.function("allocate", as: ((Int32) -> Int32).self)(count)
        try instance.memory.write(state, at: start)
        try instance.function("restore", as: ((Int32, Int32) -> Void).self)(start, count)
    }

    private static func version(of path: String) throws -> Date {
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        return attributes[.modificationDate] as? Date ?? .distantPast
    }
}
