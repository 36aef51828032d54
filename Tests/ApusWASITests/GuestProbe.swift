import Testing

@testable import ApusWASI

/// A guest without code: memory with guarded borders, and a world to call into.
@safe
final class GuestProbe {
    // SAFETY: the allocation has `count` bytes between two borders, and lives as long as this.
    private let allocation: UnsafeMutableRawPointer
    private static let border = 64
    let count: Int
    var world: Preview1
    var snapshot = Snapshot.one

    init(_ world: Preview1, memoryBytes: Int = 65536) {
        self.world = world
        count = memoryBytes
        unsafe allocation = .allocate(byteCount: memoryBytes + 2 * Self.border, alignment: 16)
        unsafe allocation.initializeMemory(
            as: UInt8.self, repeating: 0xA5, count: memoryBytes + 2 * Self.border)
        unsafe (allocation + Self.border).initializeMemory(
            as: UInt8.self, repeating: 0, count: memoryBytes)
    }

    convenience init(_ wasi: WASI = WASI(), memoryBytes: Int = 65536) throws {
        self.init(try wasi.makeWorld(), memoryBytes: memoryBytes)
    }

    deinit { unsafe allocation.deallocate() }

    var memory: GuestMemory { unsafe GuestMemory(allocation + Self.border, count: count) }

    /// Whether nothing was written beside the memory.
    var bordersAreIntact: Bool {
        (0..<Self.border).allSatisfy { index in
            unsafe allocation.load(fromByteOffset: index, as: UInt8.self) == 0xA5
                && allocation.load(
                    fromByteOffset: count + Self.border + index, as: UInt8.self) == 0xA5
        }
    }

    /// Calls a function of the table.
    func call(_ name: String, _ arguments: UInt64...) -> Errno { call(name, arguments) }

    func call(_ name: String, _ arguments: [UInt64]) -> Errno {
        guard let function = Preview1Function.table.first(where: { "\($0.name)" == name }) else {
            Issue.record("no function \(name)")
            return .nosys
        }
        return outcome { () throws(Errno) in
            try function.body(world, memory, CallArguments(snapshot, arguments))
        }
    }

    /// Puts text at `address` and returns its address and length, as arguments.
    func put(_ text: String, at address: UInt32) throws -> (UInt64, UInt64) {
        let bytes = [UInt8](text.utf8)
        try memory.store(bytes: bytes.span, at: address)
        return (UInt64(address), UInt64(bytes.count))
    }

    func text(at address: UInt32, _ count: Int) throws -> String {
        String(decoding: try memory.bytes(at: address, count), as: UTF8.self)
    }

    /// Opens a path beneath `directory`. All rights if nothing else is said.
    func open(
        _ path: String, in directory: UInt64 = 3, flags: UInt64 = 0,
        rights: Rights = Rights.all, lookup: UInt64 = 1, descriptorFlags: UInt64 = 0
    ) throws -> (Errno, UInt64) {
        let (address, count) = try put(path, at: 60000)
        let error = call(
            "path_open", directory, lookup, address, count, flags, rights.rawValue,
            Rights.all.rawValue, descriptorFlags, 59000)
        return (error, UInt64(try memory.load(UInt32.self, at: 59000)))
    }

    /// Writes text to a descriptor. The bytes written.
    func write(_ text: String, to descriptor: UInt64) throws -> (Errno, UInt32) {
        let (address, count) = try put(text, at: 50000)
        try memory.store(UInt32(address), at: 49000)
        try memory.store(UInt32(count), at: 49004)
        let error = call("fd_write", descriptor, 49000, 1, 49100)
        return (error, try memory.load(UInt32.self, at: 49100))
    }

    /// Reads at most `count` bytes.
    func read(_ count: UInt32, from descriptor: UInt64) throws -> (Errno, String) {
        try memory.store(UInt32(50000), at: 49000)
        try memory.store(count, at: 49004)
        try memory.store(UInt32(0), at: 49100)
        let error = call("fd_read", descriptor, 49000, 1, 49100)
        let size = Int(try memory.load(UInt32.self, at: 49100))
        return (error, try text(at: 50000, size))
    }
}

/// What happens, as a value to compare.
func outcome(_ body: () throws(Errno) -> Void) -> Errno {
    do throws(Errno) {
        try body()
        return .success
    } catch {
        return error
    }
}

extension GuestProbe {
    /// Waits for one descriptor: its event's error and number of bytes.
    func polled(_ descriptor: UInt32, writing: Bool) throws -> (Errno, UInt64) {
        for offset in stride(from: UInt32(40000), to: 40048, by: 8) {
            try memory.store(UInt64(0), at: offset)
        }
        try memory.store(UInt8(writing ? 2 : 1), at: 40008)
        try memory.store(descriptor, at: 40016)
        let error = call("poll_oneoff", 40000, 41000, 1, 42000)
        guard error == .success else { return (error, 0) }
        let answer = Errno(rawValue: try memory.load(UInt16.self, at: 41008)) ?? .nosys
        return (answer, try memory.load(UInt64.self, at: 41016))
    }
}
