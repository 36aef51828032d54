import Apus
import Foundation

/// What instances cost, in microseconds: to instantiate a prepared module, and the whole way from
/// making a store, instantiating and one call to dropping it all.
enum InstantiationBenchmark {
    /// Modules that export a function `f` without parameters and with an i32 as its result.
    private static let names = ["small", "image", "table"]

    /// The allocators, by the name that the figures have. The guests touch no memory, so nothing
    /// of it is kept.
    private static var allocators: [(String, Engine.Allocator)] {
        var pool = Engine.Pool(instances: 16)
        pool.memoryBytesKeptResident = 0
        return [("on_demand", .onDemand(.init())), ("pooled", .pooling(pool))]
    }

    static func run(_ folder: URL) throws {
        for (kind, allocator) in allocators {
            for name in names {
                let file = folder.appending(path: "\(name).wasm").path()
                guard FileManager.default.fileExists(atPath: file) else { continue }
                let engine = Engine(.init(allocator: allocator))
                let prepared = try Linker(engine).prepare(Module(engine, contentsOf: file))
                try report("\(kind)_\(name)", prepared, engine)
            }
        }
    }

    private static func report(
        _ name: String, _ prepared: PreparedModule, _ engine: Engine
    ) throws {
        let count = 3000
        var only: [Double] = []
        var whole: [Double] = []
        only.reserveCapacity(count)
        whole.reserveCapacity(count)
        for _ in 0..<count {
            let start = ContinuousClock.now
            only.append(try life(prepared, Store(engine)))
            whole.append(Stopwatch.seconds(start.duration(to: .now)))
        }
        let figures = [("instantiate", only), ("store_to_drop", whole)]
        for (figure, times) in figures {
            let median = times.sorted()[count / 2] * 1e6
            print("apus \(name)_\(figure)", String(format: "%.3f", median))
        }
    }

    /// The time to instantiate; the instance is gone when it returns.
    private static func life(_ prepared: PreparedModule, _ store: Store) throws -> Double {
        let start = ContinuousClock.now
        let instance = try prepared.instantiate(in: store)
        let only = Stopwatch.seconds(start.duration(to: .now))
        _ = try instance.function("f", as: (() -> Int32).self)()
        return only
    }
}
