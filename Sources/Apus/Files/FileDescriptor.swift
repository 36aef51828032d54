internal import ApusCollections
internal import CApusHost

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// System calls, made again when a signal interrupts them.
enum FileDescriptor {
    /// Writes some of `bytes` and returns how many, or the negative error number. What is longer
    /// than the process may write is one, and no signal.
    static func write(_ bytes: ArraySlice<UInt8>, to descriptor: Int32) -> Int {
        while true {
            // SAFETY: the buffer is the slice's own, which lives during the call.
            let count = unsafe bytes.withUnsafeBytes { buffer in
                unsafe apus_file_write_bytes(descriptor, buffer.baseAddress, UInt64(buffer.count))
            }
            if count != -Int64(EINTR) { return Int(count) }
        }
    }

    /// Writes all of `bytes`. Returns 0 or an error number.
    static func writeAll(_ bytes: [UInt8], to descriptor: Int32) -> Int32 {
        var written = 0
        while written < bytes.count {
            let count = write(bytes[written...], to: descriptor)
            guard count > 0 else { return count < 0 ? Int32(-count) : ENOSPC }
            written += count
        }
        return 0
    }

    /// What `call` returns once no signal interrupts it.
    static func retrying<Result: SignedInteger>(_ call: () -> Result) -> Result {
        while true {
            let result = call()
            if result >= 0 || errno != EINTR { return result }
        }
    }

    /// What tells the form of a module in the file that `descriptor` is, wherever it is read next.
    static func firstBytes(_ descriptor: Int32) -> [UInt8] {
        // SAFETY: `pread` writes at most `buffer.count` bytes, and says how many.
        unsafe [UInt8](unsafeUninitializedCapacity: 4) { buffer, filled in
            filled = max(
                retrying { unsafe pread(descriptor, buffer.baseAddress, buffer.count, 0) }, 0)
        }
    }

    /// How many bytes there are in the regular file that `descriptor` is; nil if it is none.
    static func regularBytes(_ descriptor: Int32) -> Int? {
        var status = stat()
        // SAFETY: the system writes one record, this function's own.
        guard unsafe fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            return nil
        }
        return Int(status.st_size)
    }
}
