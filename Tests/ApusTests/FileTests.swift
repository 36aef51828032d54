import ApusCollections
import Testing

@_spi(ApusCLI) @testable import Apus

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Whole files, as the command reads and writes them.
@Suite struct FileTests {
    @Test func whatIsWrittenIsRead() throws {
        let path = "/tmp/apus-files-\(UInt64.random(in: 0...UInt64.max))"
        defer { unsafe unlink(path) }
        // More than one system call may take at once, then less: the file becomes shorter.
        for count in [3 << 20, 5, 0] {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7) }
            try bytes.write(toFile: path)
            let file = try HostFile.reading(path)
            let contents = try ByteStorage(reading: file.descriptor, named: path)
            #expect(contents.span.count == count)
            #expect((0..<contents.span.count).allSatisfy { contents.span[$0] == bytes[$0] })
        }
    }

    @Test func refusalsNameThePath() {
        let absent = "/tmp/apus-absent-folder/file"
        #expect(throws: FileError(path: absent, reason: "No such file or directory")) {
            _ = try HostFile.reading(absent)
        }
        #expect(throws: FileError(path: absent, reason: "No such file or directory")) {
            try [UInt8]().write(toFile: absent)
        }
        #expect(throws: FileError(path: "/dev/full", reason: "No space left on device")) {
            try [1].write(toFile: "/dev/full")
        }
    }
}
