import ApusCollections
import Testing

@_spi(ApusCLI) @testable import Apus
@testable import ApusRuntime

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Modules that were made to be taken for others: none runs in another one's place.
@Suite struct CacheCollisionTests {
    private static func module(_ result: Int32) -> [UInt8] {
        var module = TestModule()
        module.function("run", [], [.i32], Code.i32(result))
        return module.bytes
    }

    /// What `run` of the module in the file at `path` gives, as a process finds it that leaves its
    /// module in the cache when it is done.
    private static func run(
        _ path: String, _ cache: Cache, _ compiler: Engine.Compiler
    ) throws -> (result: Int32, wasFound: Bool) {
        let engine = CacheTests.engine(cache) { $0.compiler = compiler }
        let module = try Module(engine, contentsOf: path)
        let instance = try Linker(engine).instantiate(module, in: Store(engine))
        let result = try instance.function("run", as: (() -> Int32).self)()
        module.updateCache()
        return (result, module.statistics.isPrecompiled)
    }

    @Test func theyHaveTheSameChecksum() {
        for count in 0..<70 {
            let other = Self.module(1) + [UInt8](repeating: 3, count: count)
            let made = CollidingModule.of(Self.module(2) + other[..<count], like: other)
            #expect(Checksum(of: made.span) == Checksum(of: other.span))
        }
    }

    /// Whichever is there first, and whatever is done with them.
    @Test(arguments: Engine.Compiler.allCases)
    func eachFileRunsWhatItHolds(compiler: Engine.Compiler) throws {
        try CacheTests.withCache { folder, cache in
            var cache = cache
            // As the command has it.
            cache.takesModulesWhenLoaded = false
            let paths = [folder + "/one.wasm", folder + "/two.wasm"]
            let first = Self.module(1)
            try first.write(toFile: paths[0])
            try CollidingModule.of(Self.module(2), like: first).write(toFile: paths[1])
            usleep(2_100_000)
            for index in [0, 1, 0, 0, 1, 1, 0, 1, 0] {
                #expect(try Self.run(paths[index], cache, compiler).result == Int32(index + 1))
            }
            // One alone is found again, without that it is read.
            #expect(try Self.run(paths[0], cache, compiler).wasFound)
            for path in paths { unsafe unlink(path) }
        }
    }

    /// An artifact of the same checksum under the same name, but of another identity or of none.
    @Test func aNoteIsOfOneArtifact() throws {
        try CacheTests.withCache { folder, cache in
            let path = folder + "/m.wasm"
            let bytes = Self.module(1)
            try bytes.write(toFile: path)
            usleep(2_100_000)
            _ = try Self.run(path, cache, .optimizing)
            let modules = try HostDirectory(cache.directory + "/modules")
            let name = try #require(modules.entries.first).name
            let other = try Module(
                CacheTests.engine(nil), bytes: CollidingModule.of(Self.module(2), like: bytes))
            for identity in [nil, ArtifactIdentity()] {
                #expect(modules.replace(name, with: try other.artifact(identity)) == 0)
                #expect(try Self.run(path, cache, .optimizing).result == 1)
                #expect(try Self.run(path, cache, .optimizing) == (1, true))
            }
            unsafe unlink(path)
        }
    }

    /// What the system says of files of another file system is what has been written there.
    @Test func filesOfOtherFileSystemsAreRead() throws {
        try CacheTests.withCache { folder, cache in
            let path = folder + "/m.wasm"
            try Self.module(1).write(toFile: path)
            let engine = CacheTests.engine(cache)
            let module = try Module(engine, contentsOf: path)
            guard let compilation = CompilationCache(engine) else {
                Issue.record("no cache")
                return
            }
            let index = try HostDirectory(cache.directory + "/index")
            var record = stat()
            #expect(unsafe stat(path, &record) == 0)
            compilation.note(FileStatus(record), holds: module)
            #expect(compilation.module(in: FileStatus(record), since: .now) != nil)
            #expect(index.entries.count == 1)
            record.st_dev += 1
            compilation.note(FileStatus(record), holds: module)
            #expect(index.entries.count == 1)
            #expect(compilation.module(in: FileStatus(record), since: .now) == nil)
            unsafe unlink(path)
        }
    }
}
