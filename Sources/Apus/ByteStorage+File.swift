public import ApusCollections

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

extension ByteStorage {
    /// The most bytes a module may have; larger files are not read.
    private static var byteCountLimit: Int { 1 << 30 }

    /// All that can be read from `descriptor`, as with `init(reading:named:)`, but no longer than
    /// until `deadline`, or until the task that runs this is cancelled: a pipe may have it that
    /// nobody writes to.
    ///
    /// - Throws: `FileError`; `CompilationDeadlineError` or `CancellationError` if there was not
    ///   all of it by then.
    @_spi(ApusCLI)
    public static func reading(
        _ descriptor: Int32, named path: String, until deadline: ContinuousClock.Instant?
    ) throws -> ByteStorage {
        let wait = InputWait(until: deadline)
        guard wait.isBounded, FileDescriptor.regularBytes(descriptor) == nil else {
            return try ByteStorage(reading: descriptor, named: path)
        }
        var bytes: [UInt8] = []
        while true {
            try wait.awaitInput(descriptor)
            guard let piece = try nextPiece(descriptor, path, after: bytes.count, ifAny: true)
            else { return ByteStorage(bytes) }
            bytes.append(contentsOf: piece)
        }
    }

    /// All that can be read from `descriptor`, which stays open; errors call it `path`.
    @_spi(ApusCLI)
    public convenience init(reading descriptor: Int32, named path: String) throws(FileError) {
        var size = 0
        if let bytes = FileDescriptor.regularBytes(descriptor) {
            size = bytes - max(Int(lseek(descriptor, 0, SEEK_CUR)), 0)
        }
        guard size <= Self.byteCountLimit else { throw FileError(tooLarge: path) }
        // What is no regular file, or one that the system makes up, has no size.
        if size > 0 {
            try self.init(descriptor, path, count: size)
        } else {
            var bytes: [UInt8] = []
            while let piece = try Self.nextPiece(descriptor, path, after: bytes.count) {
                bytes.append(contentsOf: piece)
            }
            self.init(bytes)
        }
    }

    /// The next `count` bytes of a file that has that many.
    private convenience init(
        _ descriptor: Int32, _ path: String, count: Int
    ) throws(FileError) {
        var filled = 0
        var result = 0
        self.init(count: count) { bytes in
            repeat {
                // SAFETY: `read` writes at most the bytes that are left behind those that are
                // there, and says how many.
                unsafe bytes.withUnsafeMutableBufferPointer { buffer, initialized in
                    let rest = unsafe UnsafeMutableRawBufferPointer(
                        rebasing: UnsafeMutableRawBufferPointer(buffer)[initialized...])
                    result = FileDescriptor.retrying {
                        unsafe read(descriptor, rest.baseAddress, rest.count)
                    }
                    initialized += max(result, 0)
                    filled = initialized
                }
            } while result > 0 && filled < count
        }
        if result < 0 { throw FileError(path: path, errorNumber: errno) }
        if filled < count { throw FileError(path: path, reason: "it became shorter meanwhile") }
    }

    /// What can be read now of something that does not tell its size, and of which `count` bytes
    /// have been read; nil at its end. That it would have to be waited for is no error `ifAny` is
    /// wanted.
    private static func nextPiece(
        _ descriptor: Int32, _ path: String, after count: Int, ifAny: Bool = false
    ) throws(FileError) -> [UInt8]? {
        var result = 0
        // SAFETY: `read` writes at most `buffer.count` bytes, and says how many.
        let piece = unsafe [UInt8](unsafeUninitializedCapacity: 1 << 20) { buffer, filled in
            result = FileDescriptor.retrying {
                unsafe read(descriptor, buffer.baseAddress, buffer.count)
            }
            filled = max(result, 0)
        }
        if result < 0, ifAny, errno == EAGAIN { return [] }
        if result < 0 { throw FileError(path: path, errorNumber: errno) }
        if result == 0 { return nil }
        if result > byteCountLimit - count { throw FileError(tooLarge: path) }
        return piece
    }
}

extension FileError {
    fileprivate init(tooLarge path: String) {
        self.init(path: path, reason: "it is larger than 1 GiB, the most a module may have")
    }
}
