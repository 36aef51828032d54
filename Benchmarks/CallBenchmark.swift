import Apus
import Foundation

/// What a call costs, in nanoseconds: from host to guest, from guest to host, inside a guest.
///
/// Prints one line for each figure, `apus NAME VALUE`.
enum CallBenchmark {
    static func run(_ folder: URL) throws {
        let engine = Engine()
        let module = try Module(engine, contentsOf: folder.appending(path: "calls.wasm").path())
        var linker = Linker(engine)
        linker.define("env", "h0") { () -> Void in }
        linker.define("env", "h") { (value: Int32) -> Int32 in value &+ 1 }
        let instance = try linker.instantiate(module, in: Store(engine))
        try loops(instance)
        try entries(instance)
    }

    private static let loopNames = [
        ("loop_h0", "guest_to_host_nop"), ("loop_h", "guest_to_host_i32"),
        ("loop_direct", "guest_direct_call"), ("loop_indirect", "guest_indirect_call"),
    ]

    private static func loops(_ instance: Instance) throws {
        let count: Int32 = 1_000_000
        for (export, name) in loopNames {
            let loop = try instance.function(export, as: ((Int32) -> Int32).self)
            try report(name, per: Int(count)) { _ = try loop(count) }
        }
    }

    private static func entries(_ instance: Instance) throws {
        let count = 300_000
        let nop = try instance.function("nop", as: (() -> Void).self)
        try report("host_to_guest_nop", per: count) {
            for _ in 0..<count { try nop() }
        }
        let add = try instance.function("add", as: ((Int32, Int32) -> Int32).self)
        try report("host_to_guest_add", per: count) {
            for index in 0..<count { _ = try add(Int32(truncatingIfNeeded: index), 3) }
        }
        guard let stop = try? instance.function("stop", as: (() -> Void).self) else { return }
        try report("trap", per: 10_000) {
            for _ in 0..<10_000 {
                do { try stop() } catch is Trap {}
            }
        }
    }

    private static func report(_ name: String, per count: Int, _ work: () throws -> Void) throws {
        let seconds = try Stopwatch.median(of: 9) {
            let start = ContinuousClock.now
            try work()
            return Stopwatch.seconds(start.duration(to: .now))
        }
        print("apus", name, String(format: "%.2f", seconds / Double(count) * 1e9))
    }
}
