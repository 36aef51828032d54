internal import CApusHost

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// Reads a directory's entries from where a cookie says.
enum DirectoryReader {
    /// One entry: its cookie leads to the next one.
    struct Entry {
        var next: UInt64
        var inode: UInt64
        var type: FileType
        var name: ArraySlice<UInt8>
    }

    /// Bytes of entries asked for at a time.
    private static let bufferBytes = 16 << 10

    #if os(Linux)
        /// Calls `body` with each entry from `cookie` on (0: the first) until it answers false. A
        /// cookie that `cookies` does not know yet is looked for; `pass` is called for each entry
        /// that comes before it.
        static func read(
            _ directory: Int32, _ cookies: DirectoryCookies, from cookie: UInt64,
            passing pass: () -> Void, _ body: (Entry) throws(Errno) -> Bool
        ) throws(Errno) {
            var place = cookies.position(cookie) == nil ? cookies.last : cookie
            var expected = place
            let position = cookies.position(place) ?? 0
            _ = try Syscalls.seek(directory, position, SeekOrigin.start.host)
            try read(directory) { entry throws(Errno) in
                var entry = entry
                let isWanted = place == cookie
                let position = Int64(bitPattern: entry.next)
                entry.next = cookies.cookie(for: position, after: &expected)
                if isWanted { return try body(entry) }
                pass()
                // There is no room left to number all that lies before.
                if entry.next > cookie { throw .inval }
                place = entry.next
                return true
            }
        }

        /// Calls `body` with each entry from the directory's position on, whose `next` is the
        /// host's own, until it answers false.
        private static func read(
            _ directory: Int32, _ body: (Entry) throws(Errno) -> Bool
        ) throws(Errno) {
            var buffer = [UInt8](repeating: 0, count: bufferBytes)
            while true {
                try Syscalls.mayGoOn()
                // SAFETY: the buffer is this function's own, and lent for the call, which writes no
                // more than it has.
                let result = unsafe buffer.withUnsafeMutableBytes { bytes in
                    unsafe apus_directory_entries(
                        directory, bytes.baseAddress, UInt64(bytes.count))
                }
                if result == -Int64(EINTR) { continue }
                if result < 0 { throw Errno(host: Int32(truncatingIfNeeded: -result)) }
                if result == 0 { return }
                var start = 0
                while start < Int(result) {
                    let (entry, size) = entry(buffer, at: start)
                    guard try body(entry) else { return }
                    start += size
                }
            }
        }

        /// The record at `start`: inode (8 bytes), offset of the next (8), size (2), type (1),
        /// name with a final zero.
        private static func entry(_ bytes: [UInt8], at start: Int) -> (Entry, size: Int) {
            func number(_ offset: Int, _ size: Int) -> UInt64 {
                var value: UInt64 = 0
                for index in (0..<size).reversed() {
                    value = value << 8 | UInt64(bytes[start + offset + index])
                }
                return value
            }
            let size = Int(number(16, 2))
            let name = bytes[(start + 19)..<(start + size)].prefix { $0 != 0 }
            let entry = Entry(
                next: number(8, 8), inode: number(0, 8),
                type: FileType(entryType: bytes[start + 18]), name: name)
            return (entry, size)
        }
    #else
        /// Calls `body` with each entry from `cookie` on (0: the first) until it answers false.
        /// Cookies count entries; `pass` is called for each that comes before.
        static func read(
            _ directory: Int32, _ cookies: DirectoryCookies, from cookie: UInt64,
            passing pass: () -> Void, _ body: (Entry) throws(Errno) -> Bool
        ) throws(Errno) {
            let flags: OpenFlags = [.directory, .always]
            let copy = try Syscalls.open(directory, .current, flags.rawValue)
            // SAFETY: the stream is this function's own, from here to `closedir`.
            guard let stream = unsafe fdopendir(copy) else {
                Syscalls.close(copy)
                throw Errno.last
            }
            defer { unsafe closedir(stream) }
            var index: UInt64 = 0
            // SAFETY: a record is valid until the next one is read.
            while let record = unsafe readdir(stream) {
                index += 1
                if index <= cookie {
                    pass()
                    continue
                }
                let length = unsafe Int(record.pointee.d_namlen)
                let name = unsafe withUnsafeBytes(of: record.pointee.d_name) {
                    unsafe [UInt8]($0.prefix(length))
                }
                let entry = unsafe Entry(
                    next: index, inode: UInt64(record.pointee.d_ino),
                    type: FileType(entryType: record.pointee.d_type), name: name[...])
                guard try body(entry) else { return }
            }
        }
    #endif
}

extension FileType {
    /// From `d_type` of a directory entry, which is the same on every system.
    fileprivate init(entryType: UInt8) {
        self =
            switch entryType {
            case 2: .characterDevice
            case 4: .directory
            case 6: .blockDevice
            case 8: .regularFile
            case 10: .symbolicLink
            case 12: .socketStream
            default: .unknown
            }
    }
}
