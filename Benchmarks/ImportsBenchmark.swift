import Apus
import Foundation

/// What functions of the host cost each instance of a prepared module: to instantiate, and from
/// store to drop, in nanoseconds, for modules that import none, a few, and as many as WASI has.
enum ImportsBenchmark {
    private static let counts = [0, 1, 5, 20, 46]

    private static func prepared(_ count: Int, _ engine: Engine) throws -> PreparedModule {
        var linker = Linker(engine)
        var imports = ""
        for index in 0..<count {
            imports += "(import \"env\" \"f\(index)\" (func (param i32 i32) (result i32)))"
            linker.define("env", "f\(index)") { (a: Int32, b: Int32) in a &+ b }
        }
        let text = "(module \(imports) (memory (export \"memory\") 1) (func (export \"run\")))"
        return try linker.prepare(Module(engine, text: text))
    }

    /// The least of `rounds` rounds, which go through all modules in turns.
    static func run(_ rounds: Int) throws {
        let pool = Engine.Pool(instances: 64, memoryBytes: 1 << 20)
        for (name, allocator) in [
            ("on_demand", Engine.Allocator.onDemand(.init())), ("pooled", .pooling(pool)),
        ] {
            let engine = Engine(.init(allocator: allocator))
            let modules = try counts.map { try prepared($0, engine) }
            var only = counts.map { _ in Double.infinity }
            var whole = only
            for _ in 0..<rounds {
                for (index, module) in modules.enumerated() {
                    let times = try measure(module, engine)
                    only[index] = min(only[index], times.only)
                    whole[index] = min(whole[index], times.whole)
                }
            }
            for (index, count) in counts.enumerated() {
                print(
                    name, count, "imports:",
                    String(
                        format: "instantiate %.0f ns (%.2f), store to drop %.0f ns (%.2f)",
                        only[index], only[index] / only[0], whole[index], whole[index] / whole[0]))
            }
        }
    }

    private static func measure(
        _ module: PreparedModule, _ engine: Engine
    ) throws -> (only: Double, whole: Double) {
        let count = 2000
        var only = Duration.zero
        let start = ContinuousClock.now
        for _ in 0..<count {
            let store = Store(engine)
            let begin = ContinuousClock.now
            _ = try module.instantiate(in: store)
            only += begin.duration(to: .now)
        }
        let whole = start.duration(to: .now)
        return (
            Stopwatch.seconds(only) / Double(count) * 1e9,
            Stopwatch.seconds(whole) / Double(count) * 1e9
        )
    }
}
