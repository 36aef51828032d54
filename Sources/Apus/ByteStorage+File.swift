internal import ApusCollections
internal import ApusText

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

    /// The contents of the file at `path`.
    convenience init(contentsOf path: String) throws(FileError) {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        if descriptor < 0 { throw FileError(path: path, errorNumber: errno) }
        defer { close(descriptor) }
        var status = stat()
        if unsafe fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG {
            guard status.st_size <= Self.byteCountLimit else { throw FileError(tooLarge: path) }
            try self.init(descriptor, path, count: Int(status.st_size))
        } else {
            self.init(try Self.readToEnd(descriptor, path))
        }
    }

    /// The binary form of the module that the file at `path` holds in binary or in text form.
    static func module(at path: String) throws -> ByteStorage {
        let contents = try ByteStorage(contentsOf: path)
        guard TextFormat.isText(contents.span) else { return contents }
        return ByteStorage(try TextFormat.parseModule(contents))
    }

    /// The next `count` bytes of a file that has that many.
    private convenience init(
        _ descriptor: Int32, _ path: String, count: Int
    ) throws(FileError) {
        var filled = 0
        var result = 0
        self.init(count: count) { bytes in
            repeat {
                // SAFETY: `read` writes at most the bytes that are left behind `filled`.
                result = unsafe bytes.withUnsafeMutableBytes { buffer in
                    let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[filled...])
                    return unsafe read(descriptor, rest.baseAddress, rest.count)
                }
                filled += max(result, 0)
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
                count = unsafe read(descriptor, buffer.baseAddress, buffer.count)
                filled = max(count, 0)
            }
            if count < 0 { throw FileError(path: path, errorNumber: errno) }
            if count == 0 { return bytes }
            bytes.append(contentsOf: piece)
            if bytes.count > byteCountLimit { throw FileError(tooLarge: path) }
        }
    }
}

extension FileError {
    fileprivate init(tooLarge path: String) {
        self.init(path: path, reason: "it is larger than 1 GiB, the most a module may have")
    }

    /// What the system says of the error `errorNumber`.
    init(path: String, errorNumber: Int32) {
        let text = unsafe strerror(errorNumber)
        self.init(path: path, reason: unsafe text.map { unsafe String(cString: $0) } ?? "failed")
    }
}
