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

/// Modules that are compiled once for many engines and processes.
@Suite struct CacheTests {
    /// A folder, and a cache in it that is not there yet.
    static func withCache(_ work: (String, Cache) throws -> Void) throws {
        try ArtifactTests.withFolder { folder in
            let cache = Cache(directory: folder + "/cache")
            try work(folder, cache)
            for name in ["modules", "index"] {
                let path = cache.directory + "/" + name
                for file in (try? HostDirectory(path))?.names ?? [] {
                    unsafe unlink(path + "/" + file)
                }
                unsafe rmdir(path)
            }
            unsafe rmdir(cache.directory)
        }
    }

    static func engine(
        _ cache: Cache?, _ change: (inout Engine.Configuration) -> Void = { _ in }
    ) -> Engine {
        var configuration = Engine.Configuration()
        configuration.cache = cache
        configuration.compiler = .optimizing
        change(&configuration)
        return Engine(configuration)
    }

    private static func module(_ result: Int32) -> TestModule {
        var module = TestModule()
        module.memory(1)
        module.data(at: 100, Array("a module of its own: \(result)".utf8))
        module.function("run", [], [.i32], Code.i32(result))
        return module
    }

    private static func result(_ module: Module) throws -> Int32 {
        let instance = try Linker(module.engine).instantiate(module, in: Store(module.engine))
        return try instance.function("run", as: (() -> Int32).self)()
    }

    /// Writes a file whose last change is a while ago.
    private static func write(_ bytes: [UInt8], _ path: String, settled: Bool = true) throws {
        try bytes.write(toFile: path)
        if settled { usleep(2_100_000) }
    }

    private static func names(_ cache: Cache, _ part: String) -> [String] {
        ((try? HostDirectory(cache.directory + "/" + part))?.names ?? []).sorted()
    }

    @Test func theSecondTimeNothingIsCompiled() throws {
        try Self.withCache { _, cache in
            let bytes = Self.module(7).bytes
            let first = try Module(Self.engine(cache), bytes: bytes)
            #expect(!first.statistics.isPrecompiled)
            #expect(try cache.contents().modules == 1)
            let second = try Module(Self.engine(cache), bytes: bytes)
            #expect(second.statistics.isPrecompiled)
            #expect(try Self.result(second) == 7)
            // The same module in another form.
            #expect(try !Module(Self.engine(nil), bytes: bytes).statistics.isPrecompiled)
            let text = "(module (func (export \"run\") (result i32) (i32.const 3)))"
            #expect(try !Module(Self.engine(cache), text: text).statistics.isPrecompiled)
            #expect(try Module(Self.engine(cache), text: text).statistics.isPrecompiled)
            // Other engines have others.
            let others: [(inout Engine.Configuration) -> Void] = [
                { $0.isFuelMetered = true }, { $0.compiler = .baseline }, { $0.compiler = .tiered },
                { $0.alwaysChecksBounds = true }, { $0.processorFeatures = [] },
                { $0.features.remove(FeatureSet(.simd)) },
            ]
            for change in others {
                for isFound in [false, true] {
                    let module = try Module(Self.engine(cache, change), bytes: bytes)
                    #expect(module.statistics.isPrecompiled == isFound)
                }
            }
            #expect(try cache.contents().modules == 2 + others.count)
            try cache.clear()
            #expect(try cache.contents() == Cache.Contents())
            #expect(try !Module(Self.engine(cache), bytes: bytes).statistics.isPrecompiled)
        }
    }

    @Test func aFileThatIsWhatItWasIsNotRead() throws {
        try Self.withCache { folder, cache in
            let path = folder + "/m.wasm"
            try Self.write(Self.module(7).bytes, path)
            #expect(try !Module(Self.engine(cache), contentsOf: path).statistics.isPrecompiled)
            #expect(Self.names(cache, "index").count == 1)
            let module = try Module(Self.engine(cache), contentsOf: path)
            #expect(module.statistics.isPrecompiled)
            #expect(try Self.result(module) == 7)
            // A note that is wrong is believed: so nothing else was looked at.
            let five = try Module(Self.engine(cache), bytes: Self.module(5).bytes)
            let file = try HostFile.reading(path)
            let found = file.status
            let status = try #require(found)
            CompilationCache(Self.engine(cache))?.note(status, holds: five)
            #expect(try Self.result(Module(Self.engine(cache), contentsOf: path)) == 5)
            // Another file with the same contents, and the same one with others.
            try Self.write(Self.module(7).bytes, folder + "/same.wasm", settled: false)
            let same = try Module(Self.engine(cache), contentsOf: folder + "/same.wasm")
            #expect(same.statistics.isPrecompiled)
            try Self.write(Self.module(8).bytes, path, settled: false)
            let other = try Module(Self.engine(cache), contentsOf: path)
            #expect(!other.statistics.isPrecompiled)
            #expect(try Self.result(other) == 8)
            // If it was written just now, nothing tells it from what is written next. On a slow
            // machine it may have been a while ago when it was read.
            let last = try HostFile.reading(path)
            if let status = last.status, !status.isSettled {
                #expect(Self.names(cache, "index").count == 1)
            }
            for name in ["/m.wasm", "/same.wasm"] { unsafe unlink(folder + name) }
        }
    }

    /// What was changed within the last two seconds may change again without a trace.
    @Test func filesSettle() throws {
        try Self.withCache { folder, _ in
            try Self.write([1], folder + "/file", settled: false)
            let file = try HostFile.reading(folder + "/file")
            let found = file.status
            let status = try #require(found)
            for (age, isSettled) in [
                (-1_000_000_000, false), (0, false), (2_000_000_000, false), (2_000_000_001, true),
            ] as [(Int64, Bool)] {
                #expect(status.isSettled(at: status.changed + age) == isSettled)
            }
            unsafe unlink(folder + "/file")
        }
    }

    /// Texts and modules that are not valid say what is wrong each time.
    @Test func errorsAreTheSame() throws {
        try Self.withCache { folder, cache in
            let path = folder + "/m.wat"
            try Self.write(Array("(module (func (result i32)))".utf8), path)
            let errors = try (0..<3).map { round in
                let engine = Self.engine(round == 0 ? nil : cache)
                let error = #expect(throws: ModuleError.self) {
                    try Module(engine, contentsOf: path)
                }
                return "\(try #require(error))"
            }
            #expect(Set(errors).count == 1)
            #expect(errors[0].hasPrefix(path + ":1:"))
            #expect(try cache.contents().modules == 0)
            #expect(throws: FileError.self) {
                try Module(Self.engine(cache), contentsOf: folder + "/none")
            }
            unsafe unlink(path)
        }
    }

    @Test func whatIsBrokenHeals() throws {
        try Self.withCache { folder, cache in
            let path = folder + "/m.wasm"
            try Self.write(Self.module(9).bytes, path)
            _ = try Module(Self.engine(cache), contentsOf: path)
            let module = cache.directory + "/modules/" + Self.names(cache, "modules")[0]
            let note = cache.directory + "/index/" + Self.names(cache, "index")[0]
            let whole = try Module(Self.engine(cache), contentsOf: path).serialize()
            var flipped = whole
            flipped[whole.count - 1] ^= 1
            let damages = [[], Array(whole[..<5000]), flipped, Array("something else".utf8)]
            for damage in damages {
                try damage.write(toFile: module)
                let healed = try Module(Self.engine(cache), contentsOf: path)
                #expect(!healed.statistics.isPrecompiled)
                #expect(try Self.result(healed) == 9)
                #expect(try Module(Self.engine(cache), contentsOf: path).statistics.isPrecompiled)
            }
            for damage in [[], [1, 2, 3], [UInt8](repeating: 7, count: 88)] {
                try damage.write(toFile: note)
                // The module is found by what is in it.
                let found = try Module(Self.engine(cache), contentsOf: path)
                #expect(found.statistics.isPrecompiled)
                #expect(try Self.result(found) == 9)
            }
            // An entry that others may write to is none, and is written anew.
            unsafe chmod(module, 0o666)
            #expect(try !Module(Self.engine(cache), contentsOf: path).statistics.isPrecompiled)
            #expect(try Module(Self.engine(cache), contentsOf: path).statistics.isPrecompiled)
            unsafe unlink(path)
        }
    }

    /// A note that names the digest of another module's, or one of two modules with the same
    /// digest, does no harm.
    @Test func contentsAreCompared() throws {
        try Self.withCache { _, cache in
            let engine = Self.engine(cache)
            _ = try Module(engine, bytes: Self.module(1).bytes)
            let name = Self.names(cache, "modules")[0]
            let other = try Module(Self.engine(nil), bytes: Self.module(2).bytes).serialize()
            try other.write(toFile: cache.directory + "/modules/" + name)
            #expect(try Self.result(Module(engine, bytes: Self.module(1).bytes)) == 1)
            #expect(try Self.result(Module(engine, bytes: Self.module(1).bytes)) == 1)
        }
    }

    // MARK: Directories and room

    @Test func directoriesOfOthersAreNotUsed() throws {
        try Self.withCache { folder, cache in
            let bytes = Self.module(7).bytes
            func isUsed(_ cache: Cache) throws -> Bool {
                _ = try Module(Self.engine(cache), bytes: bytes)
                return try Module(Self.engine(cache), bytes: bytes).statistics.isPrecompiled
            }
            #expect(try isUsed(cache))
            unsafe chmod(cache.directory, 0o777)
            #expect(try !isUsed(cache))
            #expect(throws: ArtifactError.self) { try cache.contents() }
            unsafe chmod(cache.directory, 0o700)
            unsafe chmod(cache.directory + "/modules", 0o720)
            #expect(try !isUsed(cache))
            unsafe chmod(cache.directory + "/modules", 0o700)
            #expect(try isUsed(cache))
            if geteuid() == 0 {
                unsafe chown(cache.directory, 12345, 12345)
                #expect(try !isUsed(cache))
                unsafe chown(cache.directory, 0, 0)
            }
            unsafe symlink(cache.directory, folder + "/link.apus")
            #expect(try !isUsed(Cache(directory: folder + "/link.apus")))
            try [1].write(toFile: folder + "/file")
            #expect(try !isUsed(Cache(directory: folder + "/file")))
            #expect(try !isUsed(Cache(directory: folder + "/file/cache")))
            #expect(throws: FileError.self) {
                try Cache(directory: folder + "/file").contents()
            }
            unsafe unlink(folder + "/file")
        }
    }

    @Test func itIsBounded() throws {
        try Self.withCache { _, cache in
            let size = try Module(Self.engine(nil), bytes: Self.module(0).bytes).serialize().count
            var small = cache
            small.bytesLimit = UInt64(size * 10)
            for number: Int32 in 0..<25 {
                _ = try Module(Self.engine(small), bytes: Self.module(number).bytes)
                #expect(try small.contents().bytes <= small.bytesLimit)
                // The one that was made last stays.
                let again = try Module(Self.engine(small), bytes: Self.module(number).bytes)
                #expect(again.statistics.isPrecompiled)
            }
            #expect(try small.contents().modules >= 5)
            // What is too large for half of it is not kept at all.
            small.bytesLimit = UInt64(size * 2 - 1)
            let before = try small.contents()
            _ = try Module(Self.engine(small), bytes: Self.module(99).bytes)
            #expect(try small.contents() == before)
        }
    }

    /// A module that nearly fills a cache does not have all others go, nor itself; nor does what
    /// somebody with a higher limit has left there.
    @Test func largeModulesLeaveOthersThere() throws {
        try Self.withCache { _, cache in
            func large(_ kilobytes: Int) -> [UInt8] {
                var module = TestModule()
                module.memory(1)
                module.function("run", [], [.i32], Code.i32(Int32(kilobytes)))
                for place in 0..<kilobytes {
                    let bytes = (0..<1024).map { UInt8(truncatingIfNeeded: $0 * (place | 1)) }
                    module.data(at: 0, bytes)
                }
                return module.bytes
            }
            func size(_ bytes: [UInt8]) throws -> UInt64 {
                UInt64(try Module(Self.engine(nil), bytes: bytes).serialize().count)
            }
            func isThere(_ bytes: [UInt8], _ cache: Cache) throws -> Bool {
                try Module(Self.engine(cache), bytes: bytes).statistics.isPrecompiled
            }
            let smallSize = try size(Self.module(0).bytes)
            let largeSize = try size(large(100))
            var small = cache
            small.bytesLimit = largeSize + largeSize / 20
            let count = Int32(small.bytesLimit / 2 / smallSize)
            for number in 0..<count {
                _ = try Module(Self.engine(small), bytes: Self.module(number).bytes)
            }
            let before = try small.contents()
            _ = try Module(Self.engine(small), bytes: large(100))
            #expect(try small.contents() == before)
            for number in 0..<count {
                #expect(try isThere(Self.module(number).bytes, small))
            }
            // It fits where there may be more; others then go on with less.
            _ = try Module(Self.engine(cache), bytes: large(100))
            #expect(try cache.contents().modules == Int(count) + 1)
            _ = try Module(Self.engine(small), bytes: Self.module(count).bytes)
            #expect(try small.contents().modules == Int(count) + 1)
            for number in 0...count { #expect(try isThere(Self.module(number).bytes, small)) }
        }
    }

    /// What was left by who died while writing goes, but not what may still be written.
    @Test func unfinishedFilesGo() throws {
        try Self.withCache { _, cache in
            _ = try Module(Self.engine(cache), bytes: Self.module(1).bytes)
            let old = cache.directory + "/modules/unfinished-1-1"
            let new = cache.directory + "/modules/unfinished-1-2"
            for path in [old, new] { try [1, 2, 3].write(toFile: path) }
            var times = [timespec](repeating: timespec(), count: 2)
            times[0].tv_sec = 1_000_000_000
            times[1].tv_sec = 1_000_000_000
            #expect(unsafe utimensat(AT_FDCWD, old, times, 0) == 0)
            _ = try Module(Self.engine(cache), bytes: Self.module(2).bytes)
            #expect(unsafe access(old, F_OK) != 0)
            #expect(unsafe access(new, F_OK) == 0)
            #expect(try cache.contents().modules == 2)
        }
    }

    @Test func whereThereIsNoRoomNothingIsKept() async {
        await #expect(processExitsWith: .success) {
            try CacheTests.withCache { _, cache in
                _ = try cache.contents()
                var limit = rlimit(rlim_cur: 1000, rlim_max: .max)
                #expect(unsafe setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0)
                for _ in 0..<2 {
                    let bytes = CacheTests.module(7).bytes
                    let module = try Module(CacheTests.engine(cache), bytes: bytes)
                    #expect(!module.statistics.isPrecompiled)
                    #expect(try CacheTests.result(module) == 7)
                }
                #expect(try cache.contents() == Cache.Contents())
            }
        }
    }

    // MARK: Races

    /// Threads that want the same few modules at once, while others empty the cache.
    @Test func manyAtOnce() throws {
        try Self.withCache { _, cache in
            let wrong = Counter()
            let rounds = 40
            WorkerThreads.run(6) {
                for round in 0..<rounds {
                    let number = Int32(round / 4)
                    do {
                        let bytes = Self.module(number).bytes
                        let module = try Module(Self.engine(cache), bytes: bytes)
                        if try Self.result(module) != number { wrong.add() }
                        if round % 10 == 9 { try cache.clear() }
                    } catch {
                        wrong.add()
                    }
                }
            }
            #expect(wrong.total == 0)
            #expect(Self.names(cache, "modules").allSatisfy { !$0.hasPrefix("unfinished") })
        }
    }

    // MARK: Functions that are compiled when they are called

    private static let tiered = """
        (module (memory 1) (data (i32.const 8) "data")
          (func $f (param i32) (result i32)
            (if (result i32) (i32.eqz (local.get 0)) (then (i32.load (i32.const 8)))
              (else (call $f (i32.sub (local.get 0) (i32.const 1))))))
          (func (export "loop") (param i32) (result i32) (local i32)
            (loop $next
              (local.set 1 (i32.add (local.get 1) (call $f (i32.and (local.get 0) (i32.const 7)))))
              (br_if $next (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
            (local.get 1))
          (func (export "trap") (param i32) (result i32)
            (i32.load (i32.add (i32.const 65536) (call $f (local.get 0)))))
          (func (export "never") (result i32) (i32.const 3)))
        """

    private static func call(_ module: Module, _ name: String, _ argument: Int32) throws -> Int32 {
        let instance = try Linker(module.engine).instantiate(module, in: Store(module.engine))
        return try instance.function(name, as: ((Int32) -> Int32).self)(argument)
    }

    /// What was called is there the next time, in whatever tier it was.
    @Test(arguments: [0, 3, 1_000_000]) func calledFunctionsAreKept(after threshold: Int) throws {
        try Self.withCache { _, cache in
            func engine() -> Engine {
                Self.engine(cache) { configuration in
                    configuration.compiler = .tiered
                    configuration.tiering.threshold = threshold
                    configuration.tiering.isSynchronous = true
                }
            }
            let first = try Module(engine(), text: Self.tiered)
            let expected = try Self.call(first, "loop", 50)
            first.updateCache()
            let second = try Module(engine(), text: Self.tiered)
            #expect(second.statistics.isPrecompiled)
            #expect(second.tiers?.precompiledFunctions == 2)
            #expect(try Self.call(second, "loop", 50) == expected)
            #expect(second.tiers?.compiledFunctions == 0)
            // What was not called then is compiled now, and traps say where they were.
            do {
                _ = try Self.call(second, "trap", 3)
                Issue.record("no trap")
            } catch let trap as Trap {
                #expect(trap.code == .memoryOutOfBounds)
                #expect(trap.backtrace.map(\.function) == [2])
            }
            #expect(second.tiers?.compiledFunctions == 1)
            second.updateCache()
            let third = try Module(engine(), text: Self.tiered)
            #expect(third.tiers?.precompiledFunctions == 3)
            #expect(throws: Trap.self) { try Self.call(third, "trap", 0) }
            #expect(third.tiers?.compiledFunctions == 0)
        }
    }

    /// Code that was kept goes on being compiled anew, if it was not yet.
    @Test func keptCodeBecomesHot() throws {
        try Self.withCache { _, cache in
            func engine(_ threshold: Int?) -> Engine {
                Self.engine(cache) { configuration in
                    configuration.compiler = .tiered
                    configuration.tiering.threshold = threshold
                    configuration.tiering.isSynchronous = true
                }
            }
            let first = try Module(engine(1000), text: Self.tiered)
            let expected = try Self.call(first, "loop", 50)
            first.updateCache()
            let second = try Module(engine(5), text: Self.tiered)
            #expect(try Self.call(second, "loop", 50) == expected)
            #expect(second.statistics.isPrecompiled)
            let made = try #require(second.tiers).optimizations
            #expect(made.contains { $0.loop == nil } && made.contains { $0.loop != nil })
            // Not code that counts otherwise.
            let third = try Module(engine(nil), text: Self.tiered)
            #expect(!third.statistics.isPrecompiled)
        }
    }

    /// A damaged artifact of such a module is an error or as good as the whole one, whichever byte
    /// of it is another, as its checksums say.
    @Test func damagedCodeOfFunctionsIsNoticed() throws {
        try Self.withCache { folder, cache in
            let engine = Self.engine(cache) { $0.compiler = .tiered }
            let module = try Module(engine, text: Self.tiered)
            _ = try Self.call(module, "loop", 10)
            let bytes = try module.artifact()
            for place in stride(from: 0, to: bytes.count, by: 7) {
                var damaged = bytes
                damaged[place] ^= 0x55
                #expect(throws: ArtifactError.self) {
                    _ = try Module(engine, precompiled: damaged)
                }
            }
            for count in stride(from: 0, to: bytes.count, by: 101) {
                #expect(throws: ArtifactError.self) {
                    _ = try Module(engine, precompiled: Array(bytes[..<count]))
                }
            }
        }
    }

    /// Code that changes with its place is nothing for an engine that puts code where it stays.
    @Test func movableCodeIsRefusedWhereItStays() throws {
        let tiered = Self.engine(nil) { $0.compiler = .tiered }
        let module = try Module(tiered, text: Self.tiered)
        _ = try Self.call(module, "loop", 10)
        let bytes = try module.artifact()
        let other = Self.engine(nil) { $0.compiler = .optimizing }
        #expect(throws: ArtifactError.incomplete) { _ = try Module(other, precompiled: bytes) }
    }
}
