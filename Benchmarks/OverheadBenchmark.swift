import Apus
import ApusWASI
import Foundation

/// What it costs to be able to stop guests: each module is run as it is, with a deadline that never
/// comes, and with fuel that never ends, in turns. Ratios of the least times to those of the first.
enum OverheadBenchmark {
    /// Ways to run a guest.
    private enum Mode: CaseIterable {
        case free, deadline, fuel

        var isMetered: Bool { self == .fuel }
    }

    /// Runs each of `modules`, programs for WASI that may call `bench.start` and `bench.end`,
    /// `rounds` times in each way.
    static func run(_ modules: [URL], rounds: Int) throws {
        var metered = Engine.Configuration()
        metered.isFuelMetered = true
        let engines = [false: Engine(), true: Engine(metered)]
        var ratios: [Mode: [Double]] = [:]
        for file in modules {
            var least: [Mode: Double] = [:]
            var compiled: [Bool: Module] = [:]
            for (isMetered, engine) in engines {
                compiled[isMetered] = try Module(engine, contentsOf: file.path())
            }
            for _ in 0..<rounds {
                for mode in Mode.allCases {
                    guard let module = compiled[mode.isMetered] else { continue }
                    let seconds = try execute(module, mode, file.deletingLastPathComponent())
                    least[mode] = min(least[mode] ?? .infinity, seconds)
                }
            }
            guard let free = least[.free] else { continue }
            let deadline = (least[.deadline] ?? 0) / free
            let fuel = (least[.fuel] ?? 0) / free
            ratios[.deadline, default: []].append(deadline)
            ratios[.fuel, default: []].append(fuel)
            report(name(file), free, deadline, fuel)
        }
        report(
            "geometric mean", nil, mean(ratios[.deadline] ?? []), mean(ratios[.fuel] ?? []))
    }

    private static func execute(_ module: Module, _ mode: Mode, _ folder: URL) throws -> Double {
        var wasi = WASI()
        wasi.preopen(".", folder.path())
        wasi.arguments = ["bench"]
        let marks = Marks()
        var linker = Linker(module.engine)
        try wasi.define(in: &linker)
        linker.define("bench", "start") { marks.start() }
        linker.define("bench", "end") { marks.end() }
        let store = Store(module.engine)
        if mode == .deadline { store.deadline = .now + .seconds(3600) }
        if mode == .fuel { store.fuel = .max }
        let instance = try linker.instantiate(module, in: store)
        let start = try instance.function("_start", as: (() -> Void).self)
        let begin = ContinuousClock.now
        _ = try wasi.status { try start() }
        return marks.total ?? Stopwatch.seconds(begin.duration(to: .now))
    }

    private static func name(_ file: URL) -> String {
        let own = file.deletingPathExtension().lastPathComponent
        let folder = file.deletingLastPathComponent().lastPathComponent
        return own == "module" ? folder : own
    }

    private static func mean(_ values: [Double]) -> Double {
        exp(values.map { log($0) }.reduce(0, +) / Double(max(values.count, 1)))
    }

    private static func report(
        _ name: String, _ free: Double?, _ deadline: Double, _ fuel: Double
    ) {
        let time = free.map { String(format: "%.1f ms, ", $0 * 1e3) } ?? ""
        print(
            "apus overhead, \(name):",
            time + String(format: "deadline %.3f, fuel %.3f", deadline, fuel))
    }
}

/// The time between a guest's marks.
private final class Marks: @unchecked Sendable {
    // SAFETY: only the guest's thread calls.
    private var started: ContinuousClock.Instant?
    private(set) var total: Double?

    func start() { started = .now }

    func end() {
        guard let started else { return }
        total = (total ?? 0) + Stopwatch.seconds(started.duration(to: .now))
    }
}
