import Apus
import Testing

/// What the host may do with a guest's memory, and what it may not.
struct MemoryTests {
    private func memory(_ pages: Int = 1) throws -> Memory {
        var module = TestModule()
        module.memory(pages)
        return try makeInstance(module).memory
    }

    @Test func readsAndWritesWithinBounds() throws {
        let memory = try memory()
        #expect(memory.byteCount == 65536)
        try memory.write([1, 2, 3], at: 65533)
        #expect(try memory.read(at: 65533, count: 3) == [1, 2, 3])
        #expect(try memory.read(at: 65536, count: 0) == [])
        try memory.write([], at: 65536)
    }

    @Test func refusesWhatIsOutOfBounds() throws {
        let memory = try memory()
        #expect(throws: MemoryError.outOfBounds(address: 65534, count: 3, size: 65536)) {
            try memory.write([1, 2, 3], at: 65534)
        }
        #expect(try memory.read(at: 65534, count: 2) == [0, 0])
        #expect(throws: MemoryError.self) { try memory.read(at: 65537, count: 0) }
        #expect(throws: MemoryError.self) { try memory.read(at: 0, count: 65537) }
        #expect(throws: MemoryError.self) { try memory.read(at: -1, count: 1) }
        #expect(throws: MemoryError.self) { try memory.read(at: UInt64.max, count: 2) }
        #expect(throws: MemoryError.self) { try memory.read(at: 2, count: UInt64.max) }
        #expect(throws: MemoryError.self) { try memory.load(UInt64.self, at: 65529) }
        #expect(throws: MemoryError.self) { try memory.store(UInt16(1), at: 65535) }
    }

    /// A guest's `Int32` is an unsigned address.
    @Test func takesGuestAddressesAsUnsigned() throws {
        let memory = try memory(32769)
        let address = Int32(bitPattern: 0x8000_0000)
        try memory.write([9], at: address)
        #expect(try memory.read(at: UInt32(0x8000_0000), count: Int32(1)) == [9])
        #expect(throws: MemoryError.outOfBounds(address: 0xFFFF_FFFF, count: 1, size: 32769 << 16))
        {
            try memory.read(at: Int32(-1), count: 1)
        }
    }

    @Test func numbersAreLittleEndian() throws {
        let memory = try memory()
        try memory.store(UInt32(0x0403_0201), at: 3)
        #expect(try memory.read(at: 3, count: 4) == [1, 2, 3, 4])
        #expect(try memory.load(UInt16.self, at: 4) == 0x0302)
        try memory.store(Int64(-2), at: 9)
        #expect(try memory.load(Int64.self, at: 9) == -2)
    }

    @Test func stringsAreUTF8() throws {
        let memory = try memory()
        #expect(try memory.write("Grüße, 世界", at: 10) == 15)
        #expect(try memory.string(at: 10, count: 15) == "Grüße, 世界")
        #expect(throws: MemoryError.malformedUTF8(address: 10)) {
            try memory.string(at: 10, count: 3)
        }
    }

    @Test func bytesInPlace() throws {
        let memory = try memory()
        try memory.withMutableBytes { bytes in
            bytes.storeBytes(of: 5, toByteOffset: 0, as: UInt8.self)
        }
        let first = try memory.withBytes { bytes in
            (bytes.byteCount, unsafe bytes.unsafeLoad(fromByteOffset: 0, as: UInt8.self))
        }
        #expect(first == (65536, 5))
    }

    @Test func growsAsFarAsItsType() throws {
        var module = TestModule()
        module.memory(1, 4)
        let memory = try makeInstance(module).memory
        #expect(try memory.grow(by: 0) == 1)
        #expect(try memory.grow(by: 3) == 1)
        #expect(try memory.grow(by: 1) == nil)
        #expect(try memory.grow(by: -1) == nil)
        #expect(memory.pageCount == 4)
        try memory.write([1], at: 4 * 65536 - 1)
    }

    @Test func enginesLimitIt() throws {
        var configuration = Engine.Configuration()
        configuration.memoryBytesLimit = 2 << 16
        let engine = Engine(configuration)
        var module = TestModule()
        module.memory(1)
        let memory = try Instance(Store(engine), Module(engine, bytes: module.bytes)).memory
        #expect(try memory.grow(by: 2) == nil)
        #expect(try memory.grow(by: 1) == 1)
        var large = TestModule()
        large.memory(3)
        #expect(throws: ResourceError.self) {
            try Instance(Store(engine), Module(engine, bytes: large.bytes))
        }
    }
}
