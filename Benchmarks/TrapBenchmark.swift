import Apus
import Foundation

/// What a trap costs, by how many modules there are in the process.
enum TrapBenchmark {
    /// Loads up to `count` modules, each with code of its own.
    static func run(_ count: Int) throws {
        let engine = Engine()
        let module = try Module(
            engine, text: #"(module (func (export "run") unreachable) (func (export "end")))"#)
        var modules = [module]
        var wanted = 1
        while true {
            while modules.count < wanted {
                modules.append(
                    try Module(engine, text: "(module (func (result i32) (i32.const 1)))"))
            }
            let instance = try Instance(Store(engine), module)
            let run = try instance.function("run", as: (() -> Void).self)
            var best = Double.infinity
            for _ in 0..<5 {
                let start = ContinuousClock.now
                for _ in 0..<2000 { try? run() }
                best = min(best, Stopwatch.seconds(start.duration(to: .now)) / 2000)
            }
            print(modules.count, "modules:", String(format: "%.2f us a trap", best * 1e6))
            if wanted == count { return }
            wanted = min(wanted * 10, count)
        }
    }
}
