import Apus
import ApusSandbox
import Testing

/// Guests with other memories, allocators and results than most have, and such as mean no good.
@Suite struct OddGuestTests {
    /// What the guest exports as the global `name`.
    private func number(_ name: String, of sandbox: Sandbox) async throws -> Int {
        try await sandbox.withInstance { instance in
            switch try instance.global(name).value {
            case .i32(let number): Int(number)
            case .i64(let number): Int(number)
            default: -1
            }
        }
    }

    // MARK: Allocators

    /// A guest with an allocator called `name`, and functions of texts, whose addresses are `type`.
    private func guest(
        _ type: String, _ name: String = "malloc", parameters: String = "", freeSize: String = ""
    ) throws -> Sandbox {
        let size = parameters.isEmpty ? 0 : 3
        return try Sandbox(
            text: """
                (module
                  (memory (export "memory") \(type == "i64" ? "i64" : "") 1)
                  (global $top (export "top") (mut \(type)) (\(type).const 1024))
                  (global $freed (export "freed") (mut \(type)) (\(type).const 0))
                  (func (export "\(name)") (param \(parameters) \(type)) (result \(type))
                    (global.get $top)
                    (global.set $top (\(type).add (global.get $top) (local.get \(size)))))
                  (func (export "free") (param \(type) \(freeSize))
                    (global.set $freed (\(type).add (global.get $freed) (\(type).const 1))))
                  (func (export "same") (param \(type) \(type)) (result \(type) \(type))
                    (local.get 0) (local.get 1))
                  (func (export "rest") (param \(type) \(type)) (result \(type) \(type))
                    (\(type).add (local.get 0) (\(type).const 1))
                    (\(type).sub (local.get 1) (\(type).const 1))))
                """)
    }

    /// Addresses and sizes of memories of 64 bits are i64.
    @Test(arguments: ["i32", "i64"]) func memoriesOfBothKinds(type: String) async throws {
        let three = "\(type) \(type) \(type)"
        let sandboxes = [
            try guest(type), try guest(type, "cabi_realloc", parameters: three),
            try guest(type, "alloc", freeSize: type),
        ]
        for sandbox in sandboxes {
            #expect(try await sandbox.call("rest", "Größe", as: String.self) == "röße")
            #expect(try await number("top", of: sandbox) == 1031)
            // The result is a part of the argument.
            #expect(try await number("freed", of: sandbox) == 1)
        }
    }

    /// What a function gives back of its arguments was freed twice.
    @Test func argumentsThatAreResultsAreFreedOnce() async throws {
        let sandbox = try guest("i32")
        #expect(try await sandbox.call("same", "text", as: String.self) == "text")
        #expect(try await number("freed", of: sandbox) == 1)
    }

    /// Sizes are unsigned: what does not fit is more than the guest can ever have.
    @Test func allocatorsThatAreOfNoUse() async throws {
        for allocator in [
            "(func (export \"malloc\") (param i32) (result i64) (i64.const 8))",
            "(func (export \"malloc\") (result i32) (i32.const 8))",
            "(func (export \"malloc\") (param f32) (result f32) (local.get 0))",
            "(global (export \"malloc\") i32 (i32.const 8))",
        ] {
            let sandbox = try Sandbox(
                text: """
                    (module (memory (export "memory") 1) \(allocator)
                      (func (export "take") (param i32 i32)))
                    """)
            await #expect(throws: SandboxError.noAllocator) {
                try await sandbox.call("take", "text")
            }
        }
        for address in ["0", "-1", "65534"] {
            let sandbox = try Sandbox(
                text: """
                    (module (memory (export "memory") 1)
                      (func (export "malloc") (param i32) (result i32) (i32.const \(address)))
                      (func (export "take") (param i32 i32)))
                    """)
            await #expect(throws: (any Error).self) { try await sandbox.call("take", "text") }
        }
    }

    // MARK: Results

    private func sandbox(returning types: String, _ values: String) throws -> Sandbox {
        try Sandbox(
            text: """
                (module (memory (export "memory") 1)
                  (data (i32.const 0) "abc\\ff\\c3")
                  (func (export "get") (result \(types)) \(values)))
                """)
    }

    @Test(arguments: [
        ("i32 i32", "(i32.const -1) (i32.const 1)"),
        ("i32 i32", "(i32.const 0) (i32.const -1)"),
        ("i32 i32", "(i32.const 0) (i32.const 65537)"),
        ("i32 i32", "(i32.const 65536) (i32.const 1)"),
        ("i32 i32", "(i32.const 0x7fffffff) (i32.const 0x7fffffff)"),
        ("i64", "(i64.const -1)"),
        ("i64", "(i64.const 0x80000000)"),
        ("i64 i64", "(i64.const -1) (i64.const 1)"),
        ("i64 i64", "(i64.const 1) (i64.const -1)"),
        ("i64 i64", "(i64.const 0x100000000) (i64.const 0)"),
    ])
    func bytesThatAreNotThere(types: String, values: String) async throws {
        let sandbox = try sandbox(returning: types, values)
        await #expect(throws: MemoryError.self) {
            try await sandbox.call("get", as: [UInt8].self)
        }
    }

    @Test func bytesThatAreNoText() async throws {
        for count in [4, 5] {
            let sandbox = try sandbox(returning: "i32 i32", "(i32.const 0) (i32.const \(count))")
            await #expect(throws: SandboxError.self) {
                try await sandbox.call("get", as: String.self)
            }
            #expect(try await sandbox.call("get", as: [UInt8].self).count == count)
        }
        let empty = try sandbox(returning: "i32 i32", "(i32.const 65536) (i32.const 0)")
        #expect(try await empty.call("get", as: String.self) == "")
    }

    /// The first of several was taken, and one that nobody wanted was an error.
    @Test func otherResultsThanWereWanted() async throws {
        let several = try sandbox(
            returning: "i32 i32 i32", "(i32.const 0) (i32.const 1) (i32.const 2)")
        await #expect(throws: SandboxError.result(function: "get", reason: "there are 3 of them")) {
            try await several.call("get", as: Int.self)
        }
        await #expect(throws: SandboxError.self) {
            try await several.call("get", as: [UInt8].self)
        }
        try await several.call("get")
        let reference = try sandbox(returning: "externref", "(ref.null extern)")
        try await reference.call("get")
        await #expect(throws: SandboxError.self) { try await reference.call("get", as: Int.self) }
    }

    /// Of all widths; the ones that do not fit are told.
    @Test func narrowNumbers() async throws {
        let sandbox = try Sandbox(
            text: "(module (func (export \"same\") (param i32) (result i32) (local.get 0)))")
        #expect(try await sandbox.call("same", UInt8.max, as: UInt8.self) == .max)
        #expect(try await sandbox.call("same", Int8.min, as: Int8.self) == .min)
        #expect(try await sandbox.call("same", UInt16.max, as: UInt16.self) == .max)
        #expect(try await sandbox.call("same", Int16.min, as: Int16.self) == .min)
        #expect(try await sandbox.call("same", 7 as UInt, as: UInt.self) == 7)
        await #expect(throws: SandboxError.self) {
            try await sandbox.call("same", 256, as: UInt8.self)
        }
    }

    @Test func namesInMessagesAreEscaped() {
        let error = SandboxError.result(function: "\u{1b}[2J", reason: "x")
        #expect("\(error)" == "result of \"\\u{1b}[2J\": x")
    }

    // MARK: Codable

    private struct Point: Codable, Equatable {
        var x: Int
    }

    /// As the digits of the one number in it.
    private struct Digits: SandboxCoder {
        func encode(_ value: some Encodable) throws -> [UInt8] {
            Array("\((value as? Point)?.x ?? 0)".utf8)
        }

        func decode<Value: Decodable>(_ type: Value.Type, from bytes: [UInt8]) throws -> Value {
            guard let number = Int(String(decoding: bytes, as: UTF8.self)),
                let value = Point(x: number) as? Value
            else {
                throw DecodingError.dataCorrupted(.init(codingPath: [], debugDescription: "digits"))
            }
            return value
        }
    }

    /// Either way alone, too; what the coder throws says nothing of the guest.
    @Test func codableValuesEitherWay() async throws {
        var configuration = Sandbox.Configuration()
        configuration.afterFailure = .quarantine
        let sandbox = try Sandbox(
            text: """
                (module (memory (export "memory") 1)
                  (data (i32.const 0) "42x")
                  (global $top (mut i32) (i32.const 1024))
                  (global $sum (export "sum") (mut i32) (i32.const 0))
                  (func (export "malloc") (param i32) (result i32) (global.get $top))
                  (func (export "get") (result i32 i32) (i32.const 0) (i32.const 2))
                  (func (export "wrong") (result i32 i32) (i32.const 0) (i32.const 3))
                  (func (export "put") (param i32 i32)
                    (global.set $sum (i32.load8_u (local.get 0)))))
                """, configuration)
        #expect(try await sandbox.call("get", as: Point.self, coder: Digits()) == Point(x: 42))
        try await sandbox.call("put", Point(x: 7), coder: Digits())
        await #expect(throws: DecodingError.self) {
            try await sandbox.call("wrong", as: Point.self, coder: Digits())
        }
        #expect(try await number("sum", of: sandbox) == 0x37)
    }
}
