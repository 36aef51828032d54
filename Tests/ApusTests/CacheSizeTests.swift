import Testing

@_spi(ApusCLI) @testable import Apus

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Files in a cache that say of themselves that they are larger than all that there is.
@Suite struct CacheSizeTests {
    /// A folder where files may have any size, since what they have none of takes no room.
    private static let place = "/dev/shm"

    @Test(.enabled(if: access(place, W_OK) == 0))
    func sizesWithoutASumAreNoTrap() throws {
        var template = Array("\(Self.place)/apus-sizes-XXXXXX".utf8CString)
        try #require(unsafe mkdtemp(&template) != nil)
        let folder = String(
            decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        defer { unsafe rmdir(folder) }
        let cache = Cache(directory: folder)
        _ = try cache.contents()
        for part in ["modules", "index"] {
            for number in 0..<2 {
                let path = "\(folder)/\(part)/\(number)"
                try [].write(toFile: path)
                try #require(unsafe truncate(path, .max) == 0)
            }
        }
        #expect(try cache.contents().bytes == .max)
        try cache.clear()
        #expect(try cache.contents() == Cache.Contents())
        for part in ["modules", "index"] { unsafe rmdir("\(folder)/\(part)") }
    }
}
