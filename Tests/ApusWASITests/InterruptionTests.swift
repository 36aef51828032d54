import Apus
import Foundation
import Testing

@testable import ApusWASI

/// Guests that wait in a function of WASI, or have it do something that takes long, stop when they
/// are told to.
struct InterruptionTests {
    /// A call that a guest makes for ever.
    private struct Endless: CustomTestStringConvertible {
        var testDescription: String
        var function: String
        var parameters: String
        var arguments: String
        var pages = 1
        var data = ""

        var text: String {
            """
            (module
              (import "wasi_snapshot_preview1" "\(function)"
                (func $f (param \(parameters)) (result i32)))
              (memory (export "memory") \(pages))
              \(data)
              (func (export "run") (loop $l (drop (call $f \(arguments))) (br $l))))
            """
        }
    }

    /// One piece: 64 bytes at 1024.
    private static let piece = #"(data (i32.const 0) "\00\04\00\00\40\00\00\00")"#
    /// One piece: 1 GiB less a page, from the second page on.
    private static let hugePiece = #"(data (i32.const 0) "\00\00\01\00\00\00\ff\3f")"#
    /// A subscription to the monotonic clock, an hour from now, at 0.
    private static let hour =
        #"(data (i32.const 16) "\01\00\00\00\00\00\00\00\00\a0\b8\30\46\03\00\00")"#

    private static let endless = [
        Endless(
            testDescription: "a clock", function: "poll_oneoff", parameters: "i32 i32 i32 i32",
            arguments: "(i32.const 0) (i32.const 512) (i32.const 1) (i32.const 600)", data: hour),
        Endless(
            testDescription: "a socket that gets nothing", function: "sock_recv",
            parameters: "i32 i32 i32 i32 i32 i32",
            arguments: """
                (i32.const 4) (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 512)
                (i32.const 516)
                """, data: piece),
        Endless(
            testDescription: "reading what never comes", function: "fd_read",
            parameters: "i32 i32 i32 i32",
            arguments: "(i32.const 4) (i32.const 0) (i32.const 1) (i32.const 512)", data: piece),
        Endless(
            testDescription: "writing what nobody reads", function: "fd_write",
            parameters: "i32 i32 i32 i32",
            arguments: "(i32.const 4) (i32.const 0) (i32.const 1) (i32.const 512)", data: piece),
        Endless(
            testDescription: "connections that nobody makes", function: "sock_accept",
            parameters: "i32 i32 i32", arguments: "(i32.const 5) (i32.const 0) (i32.const 512)"),
        Endless(
            testDescription: "a pipe that nobody else opens", function: "path_open",
            parameters: "i32 i32 i32 i32 i32 i64 i64 i32 i32",
            arguments: """
                (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 0)
                (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 512)
                """, data: #"(data (i32.const 0) "pipe")"#),
        Endless(
            testDescription: "random bytes by the gibibyte", function: "random_get",
            parameters: "i32 i32", arguments: "(i32.const 0) (i32.const 0x40000000)",
            pages: 16384),
        Endless(
            testDescription: "output by the gibibyte", function: "fd_write",
            parameters: "i32 i32 i32 i32",
            arguments: "(i32.const 1) (i32.const 0) (i32.const 1) (i32.const 512)", pages: 16384,
            data: hugePiece),
    ]

    /// Descriptors 4 and 5: an end of a pair of sockets, and a socket that listens.
    private static func withSockets<Result>(_ work: ([Int32]) throws -> Result) throws -> Result {
        let (inner, outer) = try SocketTests.pair()
        let listening = socket(AF_UNIX, 1, 0)
        defer { for descriptor in [inner, outer, listening] { Syscalls.close(descriptor) } }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        // Without a name the system chooses one.
        let bound = unsafe withUnsafePointer(to: &address) { address in
            unsafe address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe bind(listening, $0, socklen_t(MemoryLayout<sa_family_t>.size))
            }
        }
        try #require(bound == 0)
        try #require(listen(listening, 1) == 0)
        return try work([inner, listening])
    }

    @Test(arguments: endless, [false, true])
    private func deadlineStops(_ program: Endless, isSeeded: Bool) throws {
        let folder = try TemporaryFolder()
        try #require(unsafe mkfifo(folder.url.appending(path: "pipe").path(), 0o600) == 0)
        try Self.withSockets { sockets in
            var wasi = WASI()
            wasi.clock = .system
            wasi.random = isSeeded ? .seeded(1) : .system
            wasi.standardOutput = isSeeded ? .discard : .capture(CapturedOutput())
            wasi.sockets = sockets
            wasi.preopen("/", folder.path)
            try Self.expectStop(of: program.text, wasi)
        }
    }

    private static func expectStop(of text: String, _ wasi: WASI) throws {
        let engine = Engine()
        let store = Store(engine)
        let instance = try wasi.instantiate(Module(engine, text: text), in: store)
        let run = try instance.function("run", as: (() -> Void).self)
        store.deadline = .now + .milliseconds(30)
        let error = #expect(throws: Trap.self) { try run() }
        #expect(error?.code == .interrupted)
    }

    #if os(Linux)
        /// Whoever has both ends of a pipe waits for room that nobody makes.
        @Test func deadlineStopsWritingToAPipe() throws {
            let folder = try TemporaryFolder()
            try #require(unsafe mkfifo(folder.url.appending(path: "pipe").path(), 0o600) == 0)
            var wasi = WASI()
            wasi.preopen("/", folder.path)
            // Opens it to read and to write, and writes 4096 bytes again and again.
            let text = """
                (module
                  (import "wasi_snapshot_preview1" "path_open"
                    (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
                  (import "wasi_snapshot_preview1" "fd_write"
                    (func $write (param i32 i32 i32 i32) (result i32)))
                  (memory (export "memory") 1)
                  (data (i32.const 0) "pipe")
                  (data (i32.const 64) "\\00\\04\\00\\00\\00\\10\\00\\00")
                  (func (export "run")
                    (if (call $open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 4)
                        (i32.const 0) (i64.const 66) (i64.const 0) (i32.const 0) (i32.const 96))
                      (then unreachable))
                    (loop $l
                      (drop (call $write (i32.load (i32.const 96)) (i32.const 64) (i32.const 1)
                        (i32.const 100)))
                      (br $l))))
                """
            try Self.expectStop(of: text, wasi)
        }
    #endif
}
