internal import ApusCollections

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

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
        try write(toFileAt: pathBytes, O_CREAT | O_TRUNC)
    }

    /// Writes the bytes to a file that nobody has named: whatever is there stays, but for a regular
    /// file that ends as these bytes do, in `mark`, which says who has written it.
    @_spi(ApusCLI)
    public func write(toUnnamedFileAt pathBytes: [UInt8], mark: [UInt8]) throws(FileError) {
        let path = String(decoding: pathBytes, as: UTF8.self)
        let flags = O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC
        let found = openFile(pathBytes, flags)
        if found < 0, errno == ENOENT {
            return try write(toFileAt: pathBytes, O_CREAT | O_EXCL | O_NOFOLLOW)
        }
        if found >= 0 {
            let file = HostFile(descriptor: found)
            if FileDescriptor.regularBytes(found) != nil {
                let contents = try ByteStorage(reading: file.descriptor, named: path)
                let start = contents.count - mark.count
                if start >= 0, contents.span.extracting(start...).isEqual(to: mark.span) {
                    return try write(toFileAt: pathBytes, O_TRUNC | O_NOFOLLOW)
                }
            }
        }
        throw FileError(path: path, reason: "something else is there already")
    }

    /// `flags` say what becomes of what is there.
    private func write(toFileAt pathBytes: [UInt8], _ flags: Int32) throws(FileError) {
        let path = String(decoding: pathBytes, as: UTF8.self)
        let descriptor = openFile(pathBytes, O_WRONLY | O_CLOEXEC | flags)
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
            if result < 0 { throw FileError(path: path, errorNumber: Int32(-result)) }
            written += result
        }
    }
}

/// Opens the file at `path`. Returns its descriptor, or a negative number.
private func openFile(_ path: [UInt8], _ flags: Int32) -> Int32 {
    let characters = path.map { CChar(bitPattern: $0) } + [0]
    // SAFETY: the characters are this function's own, and end with a zero.
    return FileDescriptor.retrying { unsafe open(characters, flags, 0o666) }
}

extension FileError {
    /// What the system says of the error `errorNumber`.
    init(path: String, errorNumber: Int32) {
        // SAFETY: the text is copied before this thread can ask for another one.
        let text = unsafe strerror(errorNumber)
        self.init(path: path, reason: unsafe text.map { unsafe String(cString: $0) } ?? "failed")
    }
}
