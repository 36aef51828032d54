import Apus
import Testing

/// What nobody does while the host has a memory's bytes in place.
@Suite struct LentMemoryTests {
    private static let text = """
        (module
          (memory (export "memory") 1 9)
          (memory (export "other") 1)
          (func (export "write") (i32.store8 (i32.const 0) (i32.const 9)))
          (func (export "grow") (result i32) (memory.grow (i32.const 1))))
        """
    private static let writing = """
        (module (import "m" "memory" (memory 1)) (data (i32.const 0) "!"))
        """

    private let engine = Engine()

    private func instance() throws -> Instance {
        try Instance(Store(engine), Module(engine, text: Self.text))
    }

    /// Tries, with the bytes of the memory in place, all that would change them.
    private func tryAll(
        _ instance: Instance, _ prepared: Instance, _ linker: Linker, _ writing: Module
    ) throws {
        let memory = try instance.memory
        #expect(throws: LendingError.isLent) { try instance.function("write").call([]) }
        #expect(throws: LendingError.isLent) {
            try instance.function("grow", as: (() -> Int32).self)()
        }
        #expect(throws: LendingError.isLent) {
            try linker.instantiate(writing, in: instance.store)
        }
        #expect(throws: LendingError.isLent) { try prepared.initialize() }
        #expect(throws: MemoryError.isLent) { try memory.store(1 as UInt8, at: 0) }
        #expect(throws: MemoryError.isLent) { try memory.write([1], at: 0) }
        #expect(throws: MemoryError.isLent) { try memory.write("1", at: 0) }
        #expect(throws: LendingError.isLent) { try memory.withMutableBytes { _ in } }
        // What does not lie in it is told as ever, and another memory is nobody's.
        #expect(throws: MemoryError.outOfBounds(address: 1 << 20, count: 1, size: 65536)) {
            try memory.write([1], at: 1 << 20)
        }
        guard case .memory(let other)? = try instance.export("other") else {
            throw LendingError.isLent
        }
        try other.store(1 as UInt8, at: 0)
        try other.withMutableBytes { $0.storeBytes(of: 2, toByteOffset: 0, as: UInt8.self) }
        #expect(try other.load(UInt8.self, at: 0) == 2)
    }

    @Test func nothingChangesWhatIsLent() throws {
        let instance = try instance()
        let memory = try instance.memory
        var linker = Linker(engine)
        linker.define("m", "memory", memory)
        let writing = try Module(engine, text: Self.writing)
        let prepared = try linker.allocate(writing, in: instance.store)
        try memory.withBytes { bytes in
            try tryAll(instance, prepared, linker, writing)
            try memory.withBytes { inner in #expect(inner.byteCount == bytes.byteCount) }
            try tryAll(instance, prepared, linker, writing)
            #expect(unsafe bytes.unsafeLoad(fromByteOffset: 0, as: UInt8.self) == 0)
        }
        try memory.withMutableBytes { bytes in
            try tryAll(instance, prepared, linker, writing)
            #expect(throws: LendingError.isLent) { try memory.withBytes { _ in } }
            bytes.storeBytes(of: 3, toByteOffset: 0, as: UInt8.self)
            #expect(try memory.load(UInt8.self, at: 0) == 3)
        }
        // All of it may be done again.
        try memory.write([1], at: 0)
        _ = try instance.function("write").call([])
        #expect(try memory.load(UInt8.self, at: 0) == 9)
        try prepared.initialize()
        #expect(try memory.load(UInt8.self, at: 0) == UInt8(ascii: "!"))
    }

    /// What ends in an error gives the bytes back, too.
    @Test func errorsGiveBytesBack() throws {
        let instance = try instance()
        let memory = try instance.memory
        #expect(throws: MemoryError.noMaximum) {
            try memory.withBytes { _ in throw MemoryError.noMaximum }
        }
        #expect(throws: MemoryError.noMaximum) {
            try memory.withMutableBytes { _ in throw MemoryError.noMaximum }
        }
        _ = try instance.function("write").call([])
        #expect(try memory.load(UInt8.self, at: 0) == 9)
    }

    /// A function of the host that a guest has called may look at the memory as well.
    @Test func hostFunctionsHaveBytesInPlace() throws {
        var linker = Linker(engine)
        linker.define("h", "look") { (caller: Caller) throws -> Int32 in
            let instance = try #require(caller.instance)
            return try instance.memory.withBytes { bytes in
                #expect(throws: LendingError.isLent) { try instance.function("set").call([]) }
                return unsafe Int32(bytes.unsafeLoad(fromByteOffset: 0, as: UInt8.self))
            }
        }
        let module = try Module(
            engine,
            text: """
                (module
                  (import "h" "look" (func $look (result i32)))
                  (memory (export "memory") 1)
                  (data (i32.const 0) "\\05")
                  (func (export "set") (i32.store8 (i32.const 0) (i32.const 6)))
                  (func (export "run") (result i32) (call $look)))
                """)
        let instance = try linker.instantiate(module, in: Store(engine))
        #expect(try instance.function("run", as: (() -> Int32).self)() == 5)
    }

    /// Nobody can keep other threads from changing it.
    @Test func sharedMemoriesAreOnlyCopied() throws {
        let store = Store(engine)
        var type = MemoryType(limits: SizeLimits(minimum: 1, maximum: 1))
        type.isShared = true
        let memory = try Memory(store, type)
        #expect(throws: LendingError.isShared) { try memory.withBytes { _ in } }
        #expect(throws: LendingError.isShared) { try memory.withMutableBytes { _ in } }
        try memory.write([7], at: 3)
        #expect(try memory.read(at: 3, count: 1) == [7])
    }
}
