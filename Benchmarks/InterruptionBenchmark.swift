import Apus
import ApusTestSupport
import ApusWASI
import Foundation

/// How long after its deadline a guest goes on, in microseconds: programs that never end, and
/// random ones, stopped at random moments.
enum InterruptionBenchmark {
    /// Stops `count` random programs once each, and each of those that never end a hundredth as
    /// often.
    static func run(_ count: Int) throws {
        let engine = Engine()
        var all: [Double] = []
        for (name, text) in EndlessPrograms.all {
            let module = try Module(engine, text: text)
            var late: [Double] = []
            for _ in 0..<max(count / 100, 10) {
                late.append(try lateness(of: module))
            }
            report(name, late)
            all += late
        }
        var random: [Double] = []
        for seed in 0..<count {
            if let late = try lateness(seed: UInt64(seed), engine) { random.append(late) }
        }
        report("\(random.count) random programs", random)
        report("all", all + random)
    }

    private static var randomWait: Duration { .microseconds(Int.random(in: 0...2000)) }

    // MARK: Programs that never end

    private static func lateness(of module: Module) throws -> Double {
        var linker = Linker(module.engine)
        linker.define("host", "nothing") { () -> Void in }
        linker.define("host", "wait") { () -> Void in usleep(1_000_000) }
        var wasi = WASI()
        wasi.clock = .system
        wasi.random = .system
        try wasi.define(in: &linker)
        let store = Store(module.engine)
        return try lateness(in: store) {
            try linker.instantiate(module, in: store).function("run", as: (() -> Void).self)()
        }
    }

    /// How long `work`, done again and again, goes on after a deadline of `store` that comes soon.
    private static func lateness(in store: Store, _ work: () throws -> Void) throws -> Double {
        let deadline = ContinuousClock.now + randomWait
        store.deadline = deadline
        while deadline.duration(to: .now) < .seconds(1) {
            do {
                try work()
            } catch let trap as Trap where trap.code == .interrupted {
                return Stopwatch.seconds(deadline.duration(to: .now)) * 1e6
            } catch {
                // Traps, and errors of the host functions, are as good an end as any.
                continue
            }
        }
        return .infinity
    }

    // MARK: Random programs

    /// How late the functions of a generated module stop that are called in turns; nil if it
    /// cannot be instantiated.
    private static func lateness(seed: UInt64, _ engine: Engine) throws -> Double? {
        var generated = GeneratedModule(seed: seed)
        let module = try Module(engine, bytes: generated.bytes)
        let store = Store(engine)
        var linker = Linker(engine)
        for item in module.imports {
            guard case .function(let type) = item.type else { return nil }
            let body = GeneratedImports.body(item.name, type)
            linker.define(
                item.module, item.name,
                try Function(store, type) { _, arguments in
                    try body(arguments.map { ReferenceValue($0) }).map { Value($0) }
                })
        }
        guard let instance = try? linker.instantiate(module, in: store) else { return nil }
        let refuel = try generated.refuel.map(instance.function)
        var calls: [(function: Function, arguments: [Value])] = []
        for case (let name, .function(let function)) in try instance.exports
        where name != generated.refuel {
            let arguments = function.type.parameters.map { type in
                Value(generated.choices.argument(type))
            }
            calls.append((function, arguments))
        }
        guard !calls.isEmpty else { return nil }
        var next = 0
        return try lateness(in: store) {
            next = (next + 1) % calls.count
            _ = try refuel?.call([])
            _ = try calls[next].function.call(calls[next].arguments)
        }
    }

    // MARK: Reports

    private static func report(_ name: String, _ times: [Double]) {
        let sorted = times.sorted()
        guard let most = sorted.last else { return }
        print(
            "apus interruption, \(name):",
            String(
                format: "median %.0f, 99th percentile %.0f, most %.0f", sorted[sorted.count / 2],
                sorted[sorted.count * 99 / 100], most))
    }
}
