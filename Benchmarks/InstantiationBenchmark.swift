import Apus
import Foundation

/// What instances cost, in microseconds: to instantiate a prepared module, and the whole way from
/// making a store, instantiating and one call to dropping it all.
enum InstantiationBenchmark {
    /// Modules that export a function `f` without parameters and with an i32 as its result.
    private static let names = ["small", "image", "table"]

    static func run(_ folder: URL) throws {
        for name in names {
            let file = folder.appending(path: "\(name).wasm").path()
            guard FileManager.default.fileExists(atPath: file) else { continue }
            let engine = Engine()
            let prepared = try Linker(engine).prepare(Module(engine, contentsOf: file))
            let only = try Stopwatch.median(of: 1000) { try instantiate(prepared, engine).only }
            let whole = try Stopwatch.median(of: 1000) { try instantiate(prepared, engine).whole }
            print("apus on_demand_\(name)_instantiate", String(format: "%.3f", only * 1e6))
            print("apus on_demand_\(name)_store_to_drop", String(format: "%.3f", whole * 1e6))
        }
    }

    private static func instantiate(
        _ prepared: PreparedModule, _ engine: Engine
    ) throws -> (only: Double, whole: Double) {
        let start = ContinuousClock.now
        let only = try live(prepared, Store(engine))
        return (only, Stopwatch.seconds(start.duration(to: .now)))
    }

    /// The time to instantiate; the instance is gone when it returns.
    private static func live(_ prepared: PreparedModule, _ store: Store) throws -> Double {
        let start = ContinuousClock.now
        let instance = try prepared.instantiate(in: store)
        let only = Stopwatch.seconds(start.duration(to: .now))
        _ = try instance.function("f", as: (() -> Int32).self)()
        return only
    }
}
