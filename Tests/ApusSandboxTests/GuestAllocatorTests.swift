import Apus
import ApusSandbox
import Testing

/// Texts, bytes and values through an instance's own allocator.
@Suite struct GuestAllocatorTests {
    /// A guest with addresses of `type`, whose allocator goes up from 1024 to 8192, and which
    /// notes down what was freed last.
    private func instance(
        _ type: String, named name: String = "malloc", parameters: String = "",
        freeSize: String = ""
    ) throws -> Instance {
        let size = parameters.isEmpty ? 0 : 3
        let module = try Module(
            Engine(),
            text: """
                (module
                  (memory (export "memory") \(type == "i64" ? "i64" : "") 1)
                  (global $top (mut \(type)) (\(type).const 1024))
                  (global $freed (export "freed") (mut \(type)) (\(type).const 0))
                  (func (export "\(name)") (param \(parameters) \(type)) (result \(type))
                    (if (\(type).gt_u (local.get \(size)) (\(type).const 7168))
                      (then (return (\(type).const 0))))
                    (global.get $top)
                    (global.set $top (\(type).add (global.get $top) (local.get \(size)))))
                  (func (export "free") (param \(type) \(freeSize))
                    (global.set $freed (local.get 0)))
                  (func (export "sum") (param \(type) \(type)) (result \(type))
                    (\(type).add (local.get 0) (local.get 1))))
                """)
        return try Instance(Store(module.engine), module)
    }

    private func number(_ value: Value?) -> Int64? {
        switch value {
        case .i32(let number): Int64(number)
        case .i64(let number): number
        default: nil
        }
    }

    @Test(arguments: ["i32", "i64"]) func memoriesOfBothKinds(type: String) async throws {
        let three = "\(type) \(type) \(type)"
        let guests = [
            try instance(type), try instance(type, named: "cabi_realloc", parameters: three),
            try instance(type, named: "alloc", freeSize: type),
        ]
        for guest in guests {
            let allocator = try GuestAllocator(of: guest)
            let text = try allocator.allocate(utf8: "Größe")
            #expect(text.address == 1024 && text.count == 7)
            #expect(try guest.memory.string(at: text.address, count: text.count) == "Größe")
            #expect(number(try guest.function("sum").call(text.values).first) == 1031)
            let bytes = try await allocator.allocateAsync([1, 2, 3])
            #expect(try guest.memory.read(at: bytes.address, count: bytes.count) == [1, 2, 3])
            let other = try await allocator.allocateAsync(utf8: "ä")
            #expect(try guest.memory.string(at: other.address, count: other.count) == "ä")
            let room = try await allocator.allocateAsync(count: 0)
            #expect(room.address == 1036 && room.count == 0)
            try allocator.release(text)
            #expect(number(try guest.global("freed").value) == 1024)
            try await allocator.releaseAsync(bytes)
            #expect(number(try guest.global("freed").value) == 1031)
        }
    }

    private struct Letters: SandboxCoder {
        func encode(_ value: some Encodable) throws -> [UInt8] { Array("\(value)".utf8) }

        func decode<Value: Decodable>(_ type: Value.Type, from bytes: [UInt8]) throws -> Value {
            throw CancellationError()
        }
    }

    @Test func valuesAreEncoded() async throws {
        let guest = try instance("i32")
        let allocator = try GuestAllocator(of: guest)
        let number = try allocator.allocate(42, coder: Letters())
        #expect(try guest.memory.string(at: number.address, count: number.count) == "42")
        let flag = try await allocator.allocateAsync(true, coder: Letters())
        #expect(try guest.memory.string(at: flag.address, count: flag.count) == "true")
    }

    @Test(arguments: ["i32", "i64"]) func refusalsAreErrors(type: String) async throws {
        let guest = try instance(type)
        let allocator = try GuestAllocator(of: guest)
        for count in [8000, -1, Int.min] {
            #expect(throws: SandboxError.allocationFailed(bytes: count)) {
                try allocator.allocate(count: count)
            }
            await #expect(throws: SandboxError.allocationFailed(bytes: count)) {
                try await allocator.allocateAsync(count: count)
            }
        }
        let none = try Module(guest.store.engine, text: "(module (memory (export \"memory\") 1))")
        #expect(throws: SandboxError.noAllocator) {
            try GuestAllocator(of: Instance(guest.store, none))
        }
    }

    /// What the guest says need not be true, and its allocator may trap.
    @Test func guestsThatLie() async throws {
        let engine = Engine()
        let far = try Module(
            engine,
            text: """
                (module
                  (memory (export "memory") 1)
                  (func (export "malloc") (param i32) (result i32) (i32.const -8)))
                """)
        let allocator = try GuestAllocator(of: Instance(Store(engine), far))
        #expect(throws: MemoryError.self) { try allocator.allocate([1]) }
        await #expect(throws: MemoryError.self) { try await allocator.allocateAsync([1]) }
        let room = try allocator.allocate(count: 4)
        #expect(room.address == 0xFFFF_FFF8 && room.values.compactMap(number) == [-8, 4])
        let trapping = try Module(
            engine,
            text: """
                (module
                  (memory (export "memory") 1)
                  (func (export "malloc") (param i32) (result i32) unreachable))
                """)
        let other = try GuestAllocator(of: Instance(Store(engine), trapping))
        #expect(throws: Trap.self) { try other.allocate(utf8: "a") }
        await #expect(throws: Trap.self) { try await other.allocateAsync(utf8: "a") }
        // None for its host.
        let memoryless = try Module(
            engine,
            text: """
                (module (func (export "malloc") (param i32) (result i32) (i32.const 8)))
                """)
        let third = try GuestAllocator(of: Instance(Store(engine), memoryless))
        #expect(throws: ExportError.self) { try third.allocate([1]) }
    }
}
