internal import Apus
internal import CApusHost

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// Calls of the operating system, one function each, whose failures are errors.
///
/// All pointers that are handed over come from arrays, paths (which end with a zero) or checked
/// guest memory, and are used only during the call.
enum Syscalls {
    /// How many descriptors the process may have at once.
    static var descriptorLimit: UInt64 { apus_descriptor_limit() }

    /// What `call` gives if that is not negative; otherwise throws what went wrong. Done again for
    /// as long as signals interrupt it.
    @inline(__always)
    private static func check<Number: FixedWidthInteger & SignedInteger>(
        _ call: @autoclosure () -> Number
    ) throws(Errno) -> Number {
        try retrying(call)
    }

    /// `call` again for as long as signals interrupt it; but not when the guest is to stop, which
    /// ends what `call` waits for.
    @inline(__always)
    private static func retrying<Number: FixedWidthInteger & SignedInteger>(
        _ call: () -> Number
    ) throws(Errno) -> Number {
        try retryingHost {
            let result = call()
            return result < 0 ? Number(truncatingIfNeeded: -errno) : result
        }
    }

    /// The same for a function of the runtime's, which gives the negative error number itself.
    @inline(__always)
    private static func retryingHost<Number: FixedWidthInteger & SignedInteger>(
        _ call: () -> Number
    ) throws(Errno) -> Number {
        let previous = apus_interrupts_end_waits(1)
        defer { _ = apus_interrupts_end_waits(previous) }
        while true {
            let result = call()
            if result >= 0 { return result }
            let error = Int32(truncatingIfNeeded: -result)
            if error != EINTR || apus_this_thread_is_interrupted() != 0 {
                throw Errno(host: error)
            }
        }
    }

    /// Waits until there is something to read, where nothing else would end the wait.
    private static func awaitInput(_ descriptor: Int32) throws(Errno) {
        if apus_this_thread_is_polled() == 0 { return }
        if fcntl(descriptor, F_GETFL) & O_NONBLOCK != 0 { return }
        var polling = Polling()
        _ = polling.add(descriptor, forWriting: false)
        try polling.wait(nil)
    }

    /// Between two pieces of long work: throws `intr` if the guest is to stop.
    @inline(__always)
    static func mayGoOn() throws(Errno) {
        if apus_this_thread_is_interrupted() != 0 { throw .intr }
    }

    // SAFETY (of all functions with a path): a path's bytes end with a zero.
    // SAFETY: the bytes of a path end with a zero, so there is a first one; `body` has them while
    // it runs.
    @inline(__always)
    private static func with<Result>(
        _ path: Path, _ body: (UnsafePointer<CChar>) -> Result
    ) -> Result {
        unsafe path.bytes.withUnsafeBytes { bytes in
            unsafe body(bytes.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: CChar.self))
        }
    }

    // MARK: Opening

    /// `opened`, or its copy above the numbers of the standard streams. Where the host has closed
    /// those, what is opened for a guest must not be taken for them.
    private static func aboveStandardStreams(_ opened: Int32) throws(Errno) -> Int32 {
        if opened > 2 { return opened }
        defer { close(opened) }
        return try retrying { fcntl(opened, F_DUPFD_CLOEXEC, 3) }
    }

    static func open(
        _ directory: Int32, _ path: Path, _ flags: Int32, mode: UInt32 = 0
    ) throws(Errno) -> Int32 {
        // SAFETY: `with` lends the text for the call.
        let opened = try unsafe with(path) { text in
            Result { () throws(Errno) in
                try retrying { unsafe openat(directory, text, flags, mode_t(mode)) }
            }
        }.get()
        return try aboveStandardStreams(opened)
    }

    /// Opens without ever leaving `directory`. Throws `nosys` where the kernel cannot, `xdev` if
    /// the path leads outside.
    static func openBeneath(
        _ directory: Int32, _ path: Path, _ flags: Int32, mode: UInt32 = 0
    ) throws(Errno) -> Int32 {
        // SAFETY: `with` lends the text for the call.
        let opened = try unsafe with(path) { text in
            Result { () throws(Errno) in
                try retryingHost { unsafe apus_open_beneath(directory, text, flags, mode) }
            }
        }.get()
        return try aboveStandardStreams(opened)
    }

    /// Opens a directory of the host's for a guest.
    static func openPreopen(_ path: [UInt8]) throws(FileError) -> Int32 {
        let flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC
        func failure(_ error: Int32) -> FileError {
            // SAFETY: the text is copied before another call can change it.
            let reason = unsafe strerror(error).map { unsafe String(cString: $0) }
            return FileError(
                path: String(decoding: path, as: UTF8.self), reason: reason ?? "error \(error)")
        }
        // The system would read it only that far.
        if path.contains(0) { throw failure(EINVAL) }
        while true {
            let descriptor = unsafe with(Path(unchecked: path)) {
                unsafe openat(AT_FDCWD, $0, flags, 0)
            }
            if descriptor > 2 { return descriptor }
            if descriptor >= 0, let moved = try? aboveStandardStreams(descriptor) { return moved }
            let error = errno
            if error != EINTR { throw failure(error) }
        }
    }

    static func close(_ descriptor: Int32) {
        #if canImport(Glibc)
            _ = Glibc.close(descriptor)
        #elseif canImport(Musl)
            _ = Musl.close(descriptor)
        #else
            _ = Darwin.close(descriptor)
        #endif
    }

    // MARK: Data

    static func read(_ descriptor: Int32, _ vectors: GuestVectors) throws(Errno) -> Int {
        try awaitInput(descriptor)
        // SAFETY: `withEntries` lends entries of checked guest memory, as many as it says.
        return try retrying { unsafe vectors.withEntries { unsafe readv(descriptor, $0, $1) } }
    }

    static func write(_ descriptor: Int32, _ vectors: GuestVectors) throws(Errno) -> Int {
        let written = try retryingHost {
            // SAFETY: `withEntries` lends entries of checked guest memory, as many as it says.
            unsafe vectors.withEntries { unsafe apus_file_write(descriptor, $0, $1) }
        }
        return Int(written)
    }

    /// Writes to what may have no reader any more, which is the error `pipe` and no signal that
    /// would end the process.
    static func writeQuietly(_ descriptor: Int32, _ vectors: GuestVectors) throws(Errno) -> Int {
        #if os(Linux)
            let written = try retryingHost {
                // SAFETY: `withEntries` lends entries of checked guest memory, as many as it says.
                unsafe vectors.withEntries { unsafe apus_write_quietly(descriptor, $0, $1) }
            }
            return Int(written)
        #else
            try write(descriptor, vectors)
        #endif
    }

    /// Writes all of `bytes`, waiting for as long as there is no room for them.
    static func writeAll(_ descriptor: Int32, _ bytes: Span<UInt8>) throws(Errno) {
        var written = 0
        while written < bytes.count {
            do throws(Errno) {
                written += Int(
                    try retryingHost {
                        // SAFETY: `written` is below the count.
                        unsafe bytes.withUnsafeBytes { bytes in
                            unsafe apus_file_write_bytes(
                                descriptor, bytes.baseAddress.unsafelyUnwrapped + written,
                                UInt64(bytes.count - written))
                        }
                    })
            } catch .again {
                var polling = Polling()
                _ = polling.add(descriptor, forWriting: true)
                try polling.wait(nil)
            }
        }
    }

    static func isTerminal(_ descriptor: Int32) -> Bool { isatty(descriptor) == 1 }

    static func read(
        _ descriptor: Int32, _ vectors: GuestVectors, at offset: Int64
    ) throws(Errno) -> Int {
        try retrying {
            // SAFETY: `withEntries` lends entries of checked guest memory, as many as it says.
            unsafe vectors.withEntries { unsafe preadv(descriptor, $0, $1, off_t(offset)) }
        }
    }

    static func write(
        _ descriptor: Int32, _ vectors: GuestVectors, at offset: Int64
    ) throws(Errno) -> Int {
        let written = try retryingHost {
            // SAFETY: `withEntries` lends entries of checked guest memory, as many as it says.
            unsafe vectors.withEntries { unsafe apus_file_write_at(descriptor, $0, $1, offset) }
        }
        return Int(written)
    }

    static func seek(
        _ descriptor: Int32, _ offset: Int64, _ whence: Int32
    ) throws(Errno) -> UInt64 {
        UInt64(bitPattern: Int64(try check(lseek(descriptor, off_t(offset), whence))))
    }

    static func synchronize(_ descriptor: Int32, dataOnly: Bool) throws(Errno) {
        #if os(Linux)
            if dataOnly {
                _ = try retrying { fdatasync(descriptor) }
                return
            }
        #endif
        _ = try retrying { fsync(descriptor) }
    }

    static func setSize(_ descriptor: Int32, _ size: Int64) throws(Errno) {
        _ = try retryingHost { apus_file_set_size(descriptor, size) }
    }

    /// Makes sure that the file has room up to `offset + count`, without changing its contents.
    static func allocate(_ descriptor: Int32, _ offset: Int64, _ count: Int64) throws(Errno) {
        #if os(Linux)
            _ = try retryingHost { apus_make_room(descriptor, offset, count) }
        #else
            throw .notsup
        #endif
    }

    /// `advice` as in preview 1: normal, sequential, random, willneed, dontneed, noreuse.
    static func advise(
        _ descriptor: Int32, _ offset: Int64, _ count: Int64, _ advice: UInt8
    ) throws(Errno) {
        #if os(Linux)
            let known: [Int32] = [
                POSIX_FADV_NORMAL, POSIX_FADV_SEQUENTIAL, POSIX_FADV_RANDOM, POSIX_FADV_WILLNEED,
                POSIX_FADV_DONTNEED, POSIX_FADV_NOREUSE,
            ]
            let error = posix_fadvise(descriptor, off_t(offset), off_t(count), known[Int(advice)])
            if error != 0 { throw Errno(host: error) }
        #endif
    }

    // MARK: Status

    static func status(_ descriptor: Int32) throws(Errno) -> FileStatus {
        var record = stat()
        // SAFETY: the system writes one record, this function's own.
        _ = try unsafe check(fstat(descriptor, &record))
        var status = FileStatus(record)
        if status.type == .socketStream, try socketType(descriptor) == .socketDatagram {
            status.type = .socketDatagram
        }
        return status
    }

    /// Of the thing itself, if `path` names a symbolic link.
    static func status(_ directory: Int32, _ path: Path) throws(Errno) -> FileStatus {
        var record = stat()
        // SAFETY: `with` lends the text for the call; the record is this function's own.
        _ = try unsafe check(
            with(path) { unsafe fstatat(directory, $0, &record, AT_SYMLINK_NOFOLLOW) })
        return FileStatus(record)
    }

    private static func socketType(_ descriptor: Int32) throws(Errno) -> FileType {
        var type: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        // SAFETY: the system writes one number, of the size that it is told.
        _ = try unsafe check(getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &type, &size))
        // SOCK_DGRAM is 2 on every system; its Swift type is not the same on all.
        return type == 2 ? .socketDatagram : .socketStream
    }

    static func setTimes(
        _ descriptor: Int32, access: FileTime, modification: FileTime
    ) throws(Errno) {
        let times = [timespec(access), timespec(modification)]
        // SAFETY: the array has the two times that the system reads.
        _ = try unsafe check(
            times.withUnsafeBufferPointer { unsafe futimens(descriptor, $0.baseAddress) })
    }

    /// Of the thing itself, if `path` names a symbolic link.
    static func setTimes(
        _ directory: Int32, _ path: Path, access: FileTime, modification: FileTime
    ) throws(Errno) {
        let times = [timespec(access), timespec(modification)]
        // SAFETY: the array has the two times that the system reads, `with` lends the text.
        _ = try unsafe check(
            times.withUnsafeBufferPointer { times in
                unsafe with(path) {
                    unsafe utimensat(
                        directory, $0, times.baseAddress.unsafelyUnwrapped, AT_SYMLINK_NOFOLLOW)
                }
            })
    }

    /// Flags of the open file: O_APPEND, O_NONBLOCK and so on.
    static func flags(_ descriptor: Int32) throws(Errno) -> Int32 {
        try check(fcntl(descriptor, F_GETFL))
    }

    static func setFlags(_ descriptor: Int32, _ flags: Int32) throws(Errno) {
        _ = try check(fcntl(descriptor, F_SETFL, flags))
    }

    /// Bytes that can be read at once.
    static func available(_ descriptor: Int32) -> UInt64 {
        var count: Int32 = 0
        // SAFETY: the system writes one number, this function's own.
        guard unsafe ioctl(descriptor, UInt(FIONREAD), &count) == 0 else { return 0 }
        return UInt64(max(count, 0))
    }

    // MARK: Names

    static func makeDirectory(_ directory: Int32, _ path: Path) throws(Errno) {
        // SAFETY: `with` lends the text for the call.
        _ = try unsafe check(with(path) { unsafe mkdirat(directory, $0, 0o777) })
    }

    static func removeFile(_ directory: Int32, _ path: Path) throws(Errno) {
        // SAFETY: `with` lends the text for the call.
        _ = try unsafe check(with(path) { unsafe unlinkat(directory, $0, 0) })
    }

    static func removeDirectory(_ directory: Int32, _ path: Path) throws(Errno) {
        // SAFETY: `with` lends the text for the call.
        _ = try unsafe check(with(path) { unsafe unlinkat(directory, $0, AT_REMOVEDIR) })
    }

    static func rename(
        _ directory: Int32, _ path: Path, to newDirectory: Int32, _ newPath: Path
    ) throws(Errno) {
        // SAFETY: `with` lends both texts for the call.
        _ = try unsafe check(
            with(path) { old in
                unsafe with(newPath) { unsafe renameat(directory, old, newDirectory, $0) }
            })
    }

    static func link(
        _ directory: Int32, _ path: Path, to newDirectory: Int32, _ newPath: Path
    ) throws(Errno) {
        // SAFETY: `with` lends both texts for the call.
        _ = try unsafe check(
            with(path) { old in
                unsafe with(newPath) { unsafe linkat(directory, old, newDirectory, $0, 0) }
            })
    }

    static func symbolicLink(
        to target: Path, _ directory: Int32, _ path: Path
    ) throws(Errno) {
        // SAFETY: `with` lends both texts for the call.
        _ = try unsafe check(
            with(target) { target in
                unsafe with(path) { unsafe symlinkat(target, directory, $0) }
            })
    }

    /// Where a symbolic link points.
    static func readLink(_ directory: Int32, _ path: Path) throws(Errno) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: Path.limit)
        let count = try retrying {
            // SAFETY: the buffer is this function's own, is not empty, and is told its size; `with`
            // lends the text.
            unsafe bytes.withUnsafeMutableBytes { buffer in
                unsafe with(path) { text in
                    unsafe readlinkat(
                        directory, text,
                        buffer.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: CChar.self),
                        buffer.count)
                }
            }
        }
        bytes.removeLast(bytes.count - Int(count))
        return bytes
    }

    // MARK: Sockets

    /// Takes a connection off a listening socket.
    static func acceptConnection(_ descriptor: Int32, nonblocking: Bool) throws(Errno) -> Int32 {
        try awaitInput(descriptor)
        let accepted = try retryingHost { apus_accept(descriptor, nonblocking ? 1 : 0) }
        return try aboveStandardStreams(accepted)
    }

    static func receive(
        _ descriptor: Int32, _ vectors: GuestVectors, peek: Bool, waitAll: Bool
    ) throws(Errno) -> (count: Int, truncated: Bool) {
        let flags = Int32(peek ? MSG_PEEK_BITS : 0) | Int32(waitAll ? MSG_WAITALL_BITS : 0)
        var truncated = false
        try awaitInput(descriptor)
        let count = try retrying {
            // SAFETY: `withEntries` lends entries of checked guest memory, as many as it says; the
            // system writes to them and to `message`, but not to the entries themselves.
            unsafe vectors.withEntries { entries, count in
                var message = unsafe msghdr()
                unsafe message.msg_iov = UnsafeMutablePointer(mutating: entries)
                unsafe message.msg_iovlen = .init(count)
                let received = unsafe recvmsg(descriptor, &message, flags)
                unsafe truncated = message.msg_flags & MSG_TRUNC_BITS != 0
                return received
            }
        }
        return (count, truncated)
    }

    static func send(_ descriptor: Int32, _ vectors: GuestVectors) throws(Errno) -> Int {
        try retrying {
            // SAFETY: `withEntries` lends entries of checked guest memory, as many as it says,
            // which the system only reads.
            unsafe vectors.withEntries { entries, count in
                var message = unsafe msghdr()
                unsafe message.msg_iov = UnsafeMutablePointer(mutating: entries)
                unsafe message.msg_iovlen = .init(count)
                return unsafe sendmsg(descriptor, &message, noSignal)
            }
        }
    }

    static func shutDown(_ descriptor: Int32, reading: Bool, writing: Bool) throws(Errno) {
        // SHUT_RD, SHUT_WR and SHUT_RDWR are 0, 1 and 2 on every system.
        let how: Int32 = reading ? (writing ? 2 : 0) : 1
        _ = try check(shutdown(descriptor, how))
    }

    static func yieldProcessor() { sched_yield() }
}

// The C headers give these as enumerations on some systems and as macros on others.
#if os(Linux)
    private let MSG_PEEK_BITS = 0x02, MSG_WAITALL_BITS = 0x100
    private let MSG_TRUNC_BITS: Int32 = 0x20
    private let noSignal: Int32 = 0x4000
#else
    private let MSG_PEEK_BITS = 0x02, MSG_WAITALL_BITS = 0x40
    private let MSG_TRUNC_BITS: Int32 = 0x10
    private let noSignal: Int32 = 0x80000
#endif

extension timespec {
    fileprivate init(_ time: FileTime) {
        self =
            switch time {
            // UTIME_OMIT and UTIME_NOW, macros that Swift does not see.
            #if os(Linux)
                case .unchanged: timespec(tv_sec: 0, tv_nsec: (1 << 30) - 2)
                case .now: timespec(tv_sec: 0, tv_nsec: (1 << 30) - 1)
            #else
                case .unchanged: timespec(tv_sec: 0, tv_nsec: -2)
                case .now: timespec(tv_sec: 0, tv_nsec: -1)
            #endif
            case .at(let nanoseconds):
                timespec(
                    tv_sec: Int(nanoseconds / 1_000_000_000),
                    tv_nsec: Int(nanoseconds % 1_000_000_000))
            }
    }

    /// Nanoseconds since 1970; 0 for what was before, or is too far ahead.
    var nanoseconds: UInt64 {
        guard tv_sec >= 0 else { return 0 }
        let (whole, overflow) = UInt64(tv_sec).multipliedReportingOverflow(by: 1_000_000_000)
        return overflow ? 0 : whole &+ UInt64(truncatingIfNeeded: tv_nsec)
    }
}

extension FileStatus {
    fileprivate init(_ record: stat) {
        device = UInt64(truncatingIfNeeded: record.st_dev)
        inode = UInt64(truncatingIfNeeded: record.st_ino)
        type = FileType(mode: UInt32(record.st_mode))
        links = UInt64(truncatingIfNeeded: record.st_nlink)
        size = UInt64(truncatingIfNeeded: record.st_size)
        #if os(Linux)
            accessTime = record.st_atim.nanoseconds
            modificationTime = record.st_mtim.nanoseconds
            changeTime = record.st_ctim.nanoseconds
        #else
            accessTime = record.st_atimespec.nanoseconds
            modificationTime = record.st_mtimespec.nanoseconds
            changeTime = record.st_ctimespec.nanoseconds
        #endif
    }
}

extension FileType {
    /// From the file type bits of `st_mode`, which are the same on every system.
    fileprivate init(mode: UInt32) {
        self =
            switch mode & 0o170000 {
            case 0o020000: .characterDevice
            case 0o040000: .directory
            case 0o060000: .blockDevice
            case 0o100000: .regularFile
            case 0o120000: .symbolicLink
            case 0o140000: .socketStream
            default: .unknown
            }
    }
}
