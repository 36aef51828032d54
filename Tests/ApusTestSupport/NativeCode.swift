import Glibc

/// Machine code that this process may run.
@safe
public struct NativeCode: ~Copyable {
    // SAFETY: `start` is a mapping of `count` bytes that this value alone owns.
    private let start: UnsafeMutableRawPointer
    private let count: Int

    public struct MappingError: Error {}

    /// A copy of `bytes`.
    public init(_ bytes: Span<UInt8>) throws(MappingError) {
        let count = max(bytes.count, 1)
        let flags = MAP_PRIVATE | MAP_ANONYMOUS
        let mapping = unsafe mmap(nil, count, PROT_READ | PROT_WRITE, flags, -1, 0)
        guard let mapping = unsafe mapping, unsafe mapping != MAP_FAILED else {
            throw MappingError()
        }
        for index in bytes.indices {
            unsafe mapping.storeBytes(of: bytes[index], toByteOffset: index, as: UInt8.self)
        }
        guard unsafe mprotect(mapping, count, PROT_READ | PROT_EXEC) == 0 else {
            unsafe munmap(mapping, count)
            throw MappingError()
        }
        unsafe start = mapping
        self.count = count
    }

    deinit { unsafe munmap(start, count) }

    /// Where what begins at `offset` is in this process.
    public func address(of offset: Int) -> UInt64 {
        unsafe UInt64(UInt(bitPattern: start)) + UInt64(offset)
    }

    /// Calls what begins at `offset`, a C function of one address: that of `words`, which it may
    /// change.
    public func call(at offset: Int, _ words: inout [UInt64]) {
        typealias Function = @convention(c) (UnsafeMutablePointer<UInt64>?) -> Void
        // SAFETY: the caller says that there is such a function.
        let function = unsafe unsafeBitCast(start + offset, to: Function.self)
        unsafe words.withUnsafeMutableBufferPointer { unsafe function($0.baseAddress) }
    }
}
