import Apus
import ApusWASI
import Testing

/// Output that is read as it comes.
@Suite(.serialized) struct StreamedOutputTests {
    /// Writes `count` times the eight bytes at 0, and ends with the error of the last write.
    private static let writing = """
        (module
          (import "wasi_snapshot_preview1" "fd_write"
            (func $write (param i32 i32 i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "sched_yield" (func $yield (result i32)))
          (memory (export "memory") 1)
          (data (i32.const 0) "01234567")
          (func (export "write") (param $count i32) (result i32) (local $error i32)
            (i32.store (i32.const 16) (i32.const 0))
            (i32.store (i32.const 20) (i32.const 8))
            (loop $next
              (local.set $error
                (call $write (i32.const 1) (i32.const 16) (i32.const 1) (i32.const 24)))
              (drop (call $yield))
              (if (local.get $error) (then (return (local.get $error))))
              (br_if $next
                (local.tee $count (i32.sub (local.get $count) (i32.const 1)))))
            (i32.const 0))
          (func (export "_start") (drop (call 2 (i32.const 100)))))
        """

    private func write(_ wasi: WASI) throws -> TypedFunction<Int32, Int32> {
        let engine = Engine()
        var linker = Linker(engine)
        try wasi.define(in: &linker)
        let instance = try linker.instantiate(
            Module(engine, text: Self.writing), in: Store(engine))
        return try instance.function("write", as: ((Int32) -> Int32).self)
    }

    private func streaming(_ output: StreamedOutput) -> WASI {
        var wasi = WASI()
        wasi.standardOutput = .stream(output)
        return wasi
    }

    /// The guest is ever so many bytes ahead, and no thread is held up by it.
    @Test(.timeLimit(.minutes(10))) func guestsWaitForWhoReads() async throws {
        let output = StreamedOutput(byteLimit: 16)
        let wasi = streaming(output)
        let writer = Task {
            let error = try await write(wasi).callAsync(1000)
            output.finish()
            return error
        }
        var bytes: [UInt8] = []
        for await piece in output {
            #expect(piece.count <= 16)
            bytes += piece
        }
        #expect(try await writer.value == 0)
        #expect(bytes == Array(repeatElement(Array("01234567".utf8), count: 1000).joined()))
    }

    @Test(.timeLimit(.minutes(10))) func programsEndTheStream() async throws {
        let output = StreamedOutput()
        let wasi = streaming(output)
        let program = Task {
            let engine = Engine()
            return try wasi.run(Module(engine, text: Self.writing), in: Store(engine))
        }
        var count = 0
        for await piece in output { count += piece.count }
        #expect(count == 800)
        #expect(try await program.value == 0)
    }

    /// A guest that has closed its output, or put another over it, ends what is read as well.
    @Test(
        .timeLimit(.minutes(2)),
        arguments: [
            "(call $close (i32.const 1))", "(call $renumber (i32.const 2) (i32.const 1))",
        ])
    func whatIsClosedEndsWithTheGuest(ending: String) async throws {
        let output = StreamedOutput()
        do {
            let engine = Engine()
            var linker = Linker(engine)
            try streaming(output).define(in: &linker)
            let module = try Module(
                engine,
                text: """
                    (module
                      (import "wasi_snapshot_preview1" "fd_close"
                        (func $close (param i32) (result i32)))
                      (import "wasi_snapshot_preview1" "fd_renumber"
                        (func $renumber (param i32 i32) (result i32)))
                      (func (export "end") (result i32) \(ending)))
                    """)
            let instance = try linker.instantiate(module, in: Store(engine))
            #expect(try instance.function("end", as: (() -> Int32).self)() == 0)
        }
        for await _ in output {}
    }

    /// Error 64: `pipe`.
    @Test func nobodyReadsAnyMore() async throws {
        let output = StreamedOutput()
        output.finish()
        #expect(try write(streaming(output))(3) == 64)
        let other = StreamedOutput()
        let reader = Task { for await _ in other {} }
        reader.cancel()
        await reader.value
        #expect(try await write(streaming(other)).callAsync(3) == 64)
    }

    @Test func waitingGuestsAreStopped() async throws {
        let output = StreamedOutput(byteLimit: 8)
        let write = try write(streaming(output))
        write.function.store.setDeadline(after: .milliseconds(20))
        await #expect(throws: Trap.self) { try await write.callAsync(2) }
        let other = try self.write(streaming(StreamedOutput(byteLimit: 8)))
        other.function.store.setDeadline(after: .milliseconds(20))
        #expect(throws: Trap.self) { try other(2) }
    }
}
