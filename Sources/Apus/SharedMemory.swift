public import ApusFormat
internal import ApusRuntime

/// A linear memory that guests of several stores may have at once, each on a thread of its own:
/// what the threads proposal calls shared.
///
/// It belongs to an engine and to no store. Modules import it through a linker
/// (`Linker.define(_:_:_:)`), in any store; a memory that an instance defines can be had as one
/// (`Memory.shared`). It lives as long as anybody has it.
///
/// Whatever is read here may be changed by guests meanwhile: what has been read once is not to be
/// read again for what was checked of it. Numbers at multiples of their size are read and written
/// as a whole.
public struct SharedMemory: Sendable {
    /// The engine whose modules may import it.
    public let engine: Engine
    private let shared: SharedLinearMemory

    init(_ shared: SharedLinearMemory, _ engine: Engine) {
        self.engine = engine
        self.shared = shared
    }

    /// Makes a memory of `type`, which must have a maximum. What it has, and what it grows by when
    /// the host asks, counts towards no store's limits; `Engine.Configuration.memoryBytesLimit`
    /// bounds it.
    ///
    /// - Throws: `MemoryError.noMaximum`; `ResourceError` if there is no room.
    public init(_ engine: Engine, _ type: MemoryType) throws {
        var type = type
        type.isShared = true
        guard type.limits.maximum != nil,
            let shared = try engine.environment.makeSharedMemory(type)
        else { throw MemoryError.noMaximum }
        self.init(shared, engine)
    }

    var memory: LinearMemory { shared.memory }

    /// Its type as it was declared; the minimum is the size it began with.
    public var type: MemoryType { memory.type }

    /// Its size in bytes, which other threads may make larger at any time.
    public var byteCount: Int { memory.byteCount }

    /// Its size in pages, which other threads may make larger at any time.
    public var pageCount: Int { Int(truncatingIfNeeded: memory.pageCount) }

    /// Adds `pages` pages of zeros and returns how many there were; nil if it may not grow so far,
    /// or its supplier calls this while it is asked for more.
    @discardableResult
    public func grow(by pages: Int) -> Int? {
        guard let pages = UInt64(exactly: pages) else { return nil }
        return memory.grow(by: pages).map { Int(truncatingIfNeeded: $0) }
    }

    /// A copy of `count` bytes from `address` on.
    public func read(
        at address: some FixedWidthInteger, count: some FixedWidthInteger
    ) throws(MemoryError) -> [UInt8] {
        try memory.copy(at: address, count: count)
    }

    /// Copies `bytes` to `address`; if they do not all fit, nothing is written.
    public func write(_ bytes: [UInt8], at address: some FixedWidthInteger) throws(MemoryError) {
        try memory.replace(at: address, with: bytes.span)
    }

    /// The number at `address`, stored as WebAssembly stores it: little-endian.
    public func load<Number: FixedWidthInteger & BitwiseCopyable>(
        _ type: Number.Type = Number.self, at address: some FixedWidthInteger
    ) throws(MemoryError) -> Number {
        try memory.number(at: address)
    }

    /// Stores a number at `address` as WebAssembly does: little-endian.
    public func store<Number: FixedWidthInteger & BitwiseCopyable>(
        _ value: Number, at address: some FixedWidthInteger
    ) throws(MemoryError) {
        try memory.setNumber(at: address, to: value)
    }

    /// Does what `memory.atomic.notify` does: ends the waits of guests for what is at `address`, of
    /// at most `count`, those that have waited longest first. Returns how many there were.
    @discardableResult
    public func notify(
        at address: some FixedWidthInteger, count: Int = .max
    ) throws(MemoryError) -> Int {
        try memory.wake(at: address, count: count)
    }
}

extension SharedMemory: Equatable {
    /// Whether both are the same memory.
    public static func == (left: SharedMemory, right: SharedMemory) -> Bool {
        left.memory === right.memory
    }
}

extension Memory {
    /// The memory for other stores and threads, if its type is shared.
    public var shared: SharedMemory? {
        SharedLinearMemory(linear).map { SharedMemory($0, store.engine) }
    }
}
