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

    /// The same with a path that need not be UTF-8. A file is there as a whole, or stays as it was
    /// (`FileReplacement`).
    @_spi(ApusCLI)
    public func write(toFileAt pathBytes: [UInt8]?) throws(FileError) {
        guard let pathBytes else {
            return try Self.check(
                FileDescriptor.writeAll(self, to: STDOUT_FILENO), Array("standard output".utf8))
        }
        guard let error = FileReplacement.write(self, to: pathBytes) else {
            return try write(inPlaceAt: pathBytes, O_CREAT | O_TRUNC)
        }
        try Self.check(error, pathBytes)
    }

    /// Writes the bytes to a file that nobody has named: whatever is there stays, but for a regular
    /// file that ends as these bytes do, in `mark`, which says who has written it.
    @_spi(ApusCLI)
    public func write(toUnnamedFileAt pathBytes: [UInt8], mark: [UInt8]) throws(FileError) {
        let path = String(decoding: pathBytes, as: UTF8.self)
        let replacement = FileReplacement(pathBytes)
        let flags = O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC
        let found = openFile(pathBytes, flags)
        if found < 0, errno == ENOENT {
            return try Self.check(replacement.write(self, .init(mode: 0o666)), pathBytes)
        }
        if found >= 0 {
            let file = HostFile(descriptor: found)
            if let status = file.status, status.isRegular {
                let contents = try ByteStorage(reading: file.descriptor, named: path)
                let start = contents.count - mark.count
                if start >= 0, contents.span.extracting(start...).isEqual(to: mark.span) {
                    let access = FileReplacement.Access(mode: status.permissions, isExact: true)
                    return try Self.check(replacement.write(self, access), pathBytes)
                }
            }
        }
        throw FileError(path: path, reason: "something else is there already")
    }

    /// `flags` say what becomes of what is there.
    private func write(inPlaceAt path: [UInt8], _ flags: Int32) throws(FileError) {
        let descriptor = openFile(path, O_WRONLY | O_CLOEXEC | flags)
        if descriptor < 0 { try Self.check(errno, path) }
        let error = FileDescriptor.writeAll(self, to: descriptor)
        // Some file systems only now say that there was no room.
        let isClosed = close(descriptor) == 0
        try Self.check(error == 0 && !isClosed ? errno : error, path)
    }

    /// Throws what `error` is, if it is not 0.
    private static func check(_ error: Int32, _ path: [UInt8]) throws(FileError) {
        if error == 0 { return }
        throw FileError(path: String(decoding: path, as: UTF8.self), errorNumber: error)
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
