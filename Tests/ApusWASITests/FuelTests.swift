import Apus
import Testing

@testable import ApusWASI

/// What the host does for a guest costs fuel by its size.
struct FuelTests {
    private static let functions = """
        (import "wasi_snapshot_preview1" "sched_yield" (func $yield (result i32)))
        (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "fd_write"
          (func $write (param i32 i32 i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "fd_readdir"
          (func $list (param i32 i32 i32 i64 i32) (result i32)))
        (import "wasi_snapshot_preview1" "path_filestat_get"
          (func $status (param i32 i32 i32 i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "poll_oneoff"
          (func $poll (param i32 i32 i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "path_open"
          (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "fd_filestat_set_size"
          (func $size (param i32 i64) (result i32)))
        (import "wasi_snapshot_preview1" "fd_sync" (func $sync (param i32) (result i32)))
        (import "wasi_snapshot_preview1" "fd_datasync" (func $datasync (param i32) (result i32)))
        (import "wasi_snapshot_preview1" "fd_pwrite"
          (func $writeAt (param i32 i32 i32 i64 i32) (result i32)))
        """

    private struct Guest {
        let store: Store
        let run: TypedFunction<Void>

        /// What one run takes.
        func cost() throws -> UInt64 {
            store.fuel = 1 << 40
            try run()
            return (1 << 40) - store.fuel
        }
    }

    private func guest(_ body: String, data: String = "", _ wasi: WASI = WASI()) throws -> Guest {
        var configuration = Engine.Configuration()
        configuration.isFuelMetered = true
        let engine = Engine(configuration)
        let store = Store(engine)
        store.fuel = 1 << 40
        let text = """
            (module \(Self.functions) (memory (export "memory") 64)
              \(data) (func (export "run") \(body)))
            """
        let instance = try wasi.instantiate(Module(engine, text: text), in: store)
        return Guest(store: store, run: try instance.function("run", as: (() -> Void).self))
    }

    @Test func everyCallHasAPrice() throws {
        let yielding = try guest("(loop $l (drop (call $yield)) (br $l))")
        yielding.store.fuel = 1_000_000
        let trap = #expect(throws: Trap.self) { try yielding.run() }
        #expect(trap?.code == .outOfFuel)
        #expect(try guest("(drop (call $yield))").cost() < 1000)
    }

    @Test func bytesCount() throws {
        let piece = #"(data (i32.const 0) "\00\00\01\00\00\00\10\00")"#  // 1 MiB at 65536
        let write = "(drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))"
        let cost = try guest(write, data: piece).cost()
        #expect((1 << 17..<132_000).contains(cost))
        let random = try guest("(drop (call $random (i32.const 0) (i32.const 0x100000)))").cost()
        #expect((1 << 22..<4_200_000).contains(random))
    }

    /// What is known before is paid for before: then nothing has been done.
    @Test func workIsNotBegunOnCredit() throws {
        let guest = try guest("(drop (call $random (i32.const 0) (i32.const 0x100000)))")
        guest.store.fuel = 10_000
        let trap = #expect(throws: Trap.self) { try guest.run() }
        #expect(trap?.code == .outOfFuel)
        #expect(guest.store.fuel > 9000)
    }

    /// What is known afterwards takes what there is.
    @Test func workThatIsDoneTakesTheRest() throws {
        let piece = #"(data (i32.const 0) "\00\00\01\00\00\00\10\00")"#
        let output = CapturedOutput()
        var wasi = WASI()
        wasi.standardOutput = .capture(output)
        let write = "(drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))"
        let guest = try guest(write, data: piece, wasi)
        guest.store.fuel = 100_000
        let trap = #expect(throws: Trap.self) { try guest.run() }
        #expect(trap?.code == .outOfFuel)
        #expect(guest.store.fuel == 0)
        #expect(output.bytes.count == 1 << 20)
    }

    @Test func entriesPathsAndSubscriptionsCount() throws {
        let files = MemoryFileSystem()
        for index in 0..<500 { try files.write([], to: "file-\(index)") }
        var wasi = WASI()
        wasi.preopen("/", files)
        let list = """
            (drop (call $list (i32.const 3) (i32.const 0) (i32.const 65536) (i64.const 0)
              (i32.const 65536)))
            """
        #expect(try guest(list, wasi).cost() > 500 * 128)
        func status(_ length: Int) -> String {
            """
            (drop (call $status (i32.const 3) (i32.const 0) (i32.const 0) (i32.const \(length))
              (i32.const 65536)))
            """
        }
        #expect(try guest(status(4000), wasi).cost() > guest(status(1), wasi).cost() + 100_000)
        let poll = """
            (drop (call $poll (i32.const 0) (i32.const 524288) (i32.const 1000)
              (i32.const 1048576)))
            """
        #expect(try guest(poll).cost() > 1000 * 256)
    }

    /// A file that grows is filled by the host.
    @Test func growingFilesCounts() throws {
        var wasi = WASI()
        wasi.preopen("/", MemoryFileSystem())
        let open = """
            (drop (call $open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 1)
              (i64.const 64) (i64.const 0) (i32.const 0) (i32.const 8)))
            """
        let body = open + "(drop (call $size (i32.load (i32.const 8)) (i64.const 0x1000000)))"
        #expect(try guest(body, data: #"(data (i32.const 0) "f")"#, wasi).cost() > 2_000_000)
    }

    /// Entries that are passed over cost what those do that are told.
    @Test func entriesThatArePassedOverCount() throws {
        let folder = try TemporaryFolder()
        for index in 0..<200 { try folder.write("", to: "\(index)") }
        var wasi = WASI()
        wasi.preopen("/", folder.path)
        func cost(from cookie: UInt64) throws -> UInt64 {
            let call = """
                (drop (call $list
                  (i32.const 3) (i32.const 64) (i32.const 24) (i64.const \(cookie)) (i32.const 8)))
                """
            return try guest(call, wasi).cost()
        }
        let passing = 200 * CallPrice.entry
        #expect(try cost(from: 200) > cost(from: 0) + passing - 8 * CallPrice.entry)
        // One that there is not.
        #expect(try cost(from: 100_000) > cost(from: 0) + passing - 8 * CallPrice.entry)
    }

    /// What waits for the disk costs as much as instructions that take so long.
    @Test func waitingForTheDiskCounts() throws {
        let folder = try TemporaryFolder()
        var wasi = WASI()
        wasi.preopen("/", folder.path)
        func cost(_ call: String, flags: Int = 0) throws -> UInt64 {
            let open = """
                (drop (call $open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 1)
                  (i32.const 1) (i64.const 64) (i64.const 0) (i32.const \(flags)) (i32.const 8)))
                """
            let name = #"(data (i32.const 0) "f")"#
            return try guest(open + "(drop \(call))", data: name, wasi).cost()
        }
        #expect(try cost("(call $sync (i32.load (i32.const 8)))") > CallPrice.flush)
        #expect(try cost("(call $datasync (i32.load (i32.const 8)))") > CallPrice.flush)
        let write = """
            (call $write (i32.load (i32.const 8)) (i32.const 16) (i32.const 1) (i32.const 32))
            """
        let writeAt = """
            (call $writeAt (i32.load (i32.const 8)) (i32.const 16) (i32.const 1) (i64.const 0)
              (i32.const 32))
            """
        for call in [write, writeAt] {
            #expect(try cost(call) < CallPrice.flush)
            // For data, for reading, for all.
            for flags in [2, 8, 16] { #expect(try cost(call, flags: flags) > CallPrice.flush) }
        }
    }
}
