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

    /// The contents of the file at `path`, which may be anything that can be read: a pipe too.
    @_spi(ApusCLI)
    public convenience init(contentsOf path: String) throws(FileError) {
        // SAFETY: `path` is a string of Swift's, which lends the call its bytes with a final zero.
        let descriptor = FileDescriptor.retrying { unsafe open(path, O_RDONLY | O_CLOEXEC) }
        if descriptor < 0 { throw FileError(path: path, errorNumber: errno) }
        defer { close(descriptor) }
        try self.init(reading: descriptor, named: path)
    }

    /// All that can be read from `descriptor`, which stays open; errors call it `path`.
    @_spi(ApusCLI)
    public convenience init(reading descriptor: Int32, named path: String) throws(FileError) {
        var status = stat()
        var size = 0
        // SAFETY: the system writes one record, this function's own.
        if unsafe fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG {
            size = Int(status.st_size) - max(Int(lseek(descriptor, 0, SEEK_CUR)), 0)
        }
        guard size <= Self.byteCountLimit else { throw FileError(tooLarge: path) }
        // What is no regular file, or one that the system makes up, has no size.
        if size > 0 {
            try self.init(descriptor, path, count: size)
        } else {
            self.init(try Self.readToEnd(descriptor, path))
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

    /// All that is left of something that does not tell its size.
    private static func readToEnd(
        _ descriptor: Int32, _ path: String
    ) throws(FileError) -> [UInt8] {
        var bytes: [UInt8] = []
        while true {
            var count = 0
            // SAFETY: `read` writes at most `buffer.count` bytes, and says how many.
            let piece = unsafe [UInt8](unsafeUninitializedCapacity: 1 << 20) { buffer, filled in
                count = FileDescriptor.retrying {
                    unsafe read(descriptor, buffer.baseAddress, buffer.count)
                }
                filled = max(count, 0)
            }
            if count < 0 { throw FileError(path: path, errorNumber: errno) }
            if count == 0 { return bytes }
            bytes.append(contentsOf: piece)
            if bytes.count > byteCountLimit { throw FileError(tooLarge: path) }
        }
    }
}

extension [UInt8] {
    /// Writes the bytes to the file at `path`, which becomes exactly that, or to the process's
    /// output if `path` is nil.
    @_spi(ApusCLI)
    public func write(toFile path: String?) throws(FileError) {
        try write(toFileAt: path.map { Array($0.utf8) })
    }

    /// The same with a path that need not be UTF-8.
    @_spi(ApusCLI)
    public func write(toFileAt pathBytes: [UInt8]?) throws(FileError) {
        guard let pathBytes else { return try write(to: STDOUT_FILENO, "standard output") }
        let path = String(decoding: pathBytes, as: UTF8.self)
        let flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC
        let characters = pathBytes.map { CChar(bitPattern: $0) } + [0]
        // SAFETY: `characters` are this function's own, and end with a zero.
        let descriptor = FileDescriptor.retrying { unsafe open(characters, flags, 0o666) }
        if descriptor < 0 { throw FileError(path: path, errorNumber: errno) }
        do throws(FileError) {
            try write(to: descriptor, path)
        } catch {
            close(descriptor)
            throw error
        }
        // Some file systems only now say that there was no room.
        if close(descriptor) != 0 { throw FileError(path: path, errorNumber: errno) }
    }

    private func write(to descriptor: Int32, _ path: String) throws(FileError) {
        var written = 0
        while written < count {
            let result = FileDescriptor.write(self[written...], to: descriptor)
            if result < 0 { throw FileError(path: path, errorNumber: errno) }
            written += result
        }
    }
}

/// System calls, made again when a signal interrupts them.
enum FileDescriptor {
    /// Writes some of `bytes` and returns how many, or a negative number.
    static func write(_ bytes: ArraySlice<UInt8>, to descriptor: Int32) -> Int {
        // SAFETY: the buffer is the slice's own, which lives during the call.
        unsafe bytes.withUnsafeBytes { buffer in
            retrying { unsafe systemWrite(descriptor, buffer.baseAddress, buffer.count) }
        }
    }

    /// What `call` returns once no signal interrupts it.
    static func retrying<Result: SignedInteger>(_ call: () -> Result) -> Result {
        while true {
            let result = call()
            if result >= 0 || errno != EINTR { return result }
        }
    }
}

// SAFETY: no more than the address of a function; who calls it keeps the bytes that it gives.
/// The system's `write`, under a name that no method of a collection has.
private let systemWrite: @convention(c) (Int32, UnsafeRawPointer?, Int) -> Int = unsafe write

extension FileError {
    fileprivate init(tooLarge path: String) {
        self.init(path: path, reason: "it is larger than 1 GiB, the most a module may have")
    }

    /// What the system says of the error `errorNumber`.
    init(path: String, errorNumber: Int32) {
        // SAFETY: the text is copied before this thread can ask for another one.
        let text = unsafe strerror(errorNumber)
        self.init(path: path, reason: unsafe text.map { unsafe String(cString: $0) } ?? "failed")
    }
}
