import Apus
import Foundation

/// Objects and exceptions of guests by the million: what they cost, and what is left of them.
enum GarbageBenchmark {
    private static let text = """
        (module
          (import "host" "throw" (func $throw))
          (type $bytes (array (mut i8)))
          (type $cell (struct (field i64 i64)))
          (type $cells (array (mut (ref null $cell))))
          (tag $tag (export "tag") (param i32))
          (global $ring (ref $cells) (array.new_default $cells (i32.const 0x8000)))
          (func (export "copy") (param $size i32) (param $count i32)
            (local $from (ref $bytes)) (local $to (ref $bytes))
            (local.set $from (array.new_default $bytes (local.get $size)))
            (local.set $to (array.new_default $bytes (local.get $size)))
            (loop $next
              (array.copy $bytes $bytes
                (local.get $to) (i32.const 0) (local.get $from) (i32.const 0) (local.get $size))
              (br_if $next
                (local.tee $count (i32.sub (local.get $count) (i32.const 1))))))
          ;; Of all cells the last 0x8000 live, which take a megabyte.
          (func (export "allocate") (param $count i32)
            (loop $next
              (array.set $cells (global.get $ring)
                (i32.and (local.get $count) (i32.const 0x7FFF))
                (struct.new $cell (i64.const 1) (i64.const 2)))
              (br_if $next
                (local.tee $count (i32.sub (local.get $count) (i32.const 1))))))
          (func (export "guest") (param $count i32)
            (loop $next
              (drop (block $caught (result i32)
                (try_table (catch $tag $caught) (throw $tag (local.get $count)))
                unreachable))
              (br_if $next
                (local.tee $count (i32.sub (local.get $count) (i32.const 1))))))
          (func (export "host") (param $count i32)
            (loop $next
              (drop (block $caught (result i32)
                (try_table (catch $tag $caught) (call $throw))
                unreachable))
              (br_if $next
                (local.tee $count (i32.sub (local.get $count) (i32.const 1)))))))
        """

    /// Bytes are copied, `count` objects made, and a tenth as many exceptions thrown.
    static func run(_ count: Int32) throws {
        try copy()
        let allocate = try Guest()
        try measure("allocations", count, allocate, "allocate")
        for thrower in ["guest", "host"] {
            try measure("exceptions of the \(thrower)", max(count / 10, 1), Guest(), thrower)
        }
    }

    private struct Guest {
        let store: Store
        let instance: Instance

        init() throws {
            var configuration = Engine.Configuration()
            // Nothing else is compiled, and takes memory, while there is measured.
            configuration.compiler = .optimizing
            let engine = Engine(configuration)
            store = Store(engine)
            var linker = Linker(engine)
            linker.define("host", "throw") { caller in
                guard let tag = try caller.instance?.tag("tag") else { return }
                throw try WasmException(tag, [.i32(1)])
            }
            instance = try linker.instantiate(
                Module(engine, text: GarbageBenchmark.text), in: store)
        }
    }

    private static func copy() throws {
        let copy = try Guest().instance.function("copy", as: ((Int32, Int32) -> Void).self)
        for size: Int32 in [256, 4096, 65536, 1 << 20] {
            let rounds = (1 << 28) / size
            let seconds = try Stopwatch.least { try copy(size, rounds) }
            let speed = Double(size) * Double(rounds) / seconds / Double(1 << 30)
            print("array.copy of \(size) bytes:", String(format: "%.1f GiB/s", speed))
        }
    }

    /// Calls the export `name` of `guest` for `count` of what `title` says.
    private static func measure(
        _ title: String, _ count: Int32, _ guest: Guest, _ name: String
    ) throws {
        let work = try guest.instance.function(name, as: ((Int32) -> Void).self)
        // What stays is taken by the first ones.
        try work(min(count, 100_000))
        let before = ProcessUsage.residentBytes
        let start = ContinuousClock.now
        try work(count)
        let seconds = Stopwatch.seconds(start.duration(to: .now))
        let statistics = guest.store.statistics
        print(
            count, "\(title):", String(format: "%.1f ns each,", seconds / Double(count) * 1e9),
            statistics.collections, "collections, at most", statistics.peakHeapBytes,
            "bytes of objects, resident memory", ProcessUsage.residentBytes - before,
            "bytes more")
    }
}
