import ApusCollections
import ApusFormat
import Testing

@testable import Apus
@testable import ApusRuntime

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Modules that are written down with their code and read again.
@Suite struct ArtifactTests {
    /// A module with a bit of everything whose records an artifact has.
    static let text = """
        (module $everything
          (import "host" "number" (func $number (param i32) (result i32)))
          (tag $e (param i32))
          (memory (export "memory") 2 10)
          (data (i32.const 70000) "first contents")
          (data $passive "later")
          (table $table 4 funcref)
          (elem (i32.const 1) $quotient $thrower)
          (global $count (mut i64) (i64.const 40))
          (type $binary (func (param i32 i32) (result i32)))
          (func $quotient (export "quotient") (type $binary)
            (i32.div_s (local.get 0) (local.get 1)))
          (func $thrower (param i32) (throw $e (local.get 0)))
          (func (export "catch") (param i32) (result i32)
            (block $handler (result i32)
              (try_table (catch $e $handler) (call $thrower (local.get 0)))
              (i32.const -1)))
          (func (export "indirect") (param i32 i32 i32) (result i32)
            (call_indirect (type $binary) (local.get 1) (local.get 2) (local.get 0)))
          (func (export "host") (param i32) (result i32)
            (i32.add (call $number (local.get 0)) (i32.const 1)))
          (func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0)))
          (func (export "store") (param i32 i32) (i32.store8 (local.get 0) (local.get 1)))
          (func (export "later") (param i32)
            (memory.init $passive (local.get 0) (i32.const 0) (i32.const 5)))
          (func (export "count") (result i64)
            (global.set $count (i64.add (global.get $count) (i64.const 1)))
            (global.get $count))
          (func $deep (export "deep") (param i32) (result i32)
            (if (result i32) (local.get 0)
              (then (call $outer (i32.sub (local.get 0) (i32.const 1))))
              (else (call $quotient (i32.const 1) (i32.const 0)))))
          (func $outer (param i32) (result i32)
            (i32.add (call $deep (local.get 0)) (i32.const 1)))
          (func (export "place") (param i32) (result f64)
            (block (block (block (br_table 0 1 2 (local.get 0)))
              (return (f64.const 1.5)))
              (return (f64.const 2.5)))
            (f64.const 3.5)))
        """

    static let compilers = Engine.Compiler.allCases

    private static func configuration(_ compiler: Engine.Compiler) -> Engine.Configuration {
        var configuration = Engine.Configuration()
        configuration.compiler = compiler
        return configuration
    }

    /// All that can be seen of an instance of `module`, in order.
    static func behaviour(_ module: Module) throws -> [String] {
        var linker = Linker(module.engine)
        linker.define("host", "number") { (number: Int32) -> Int32 in number * 10 }
        let instance = try linker.instantiate(module, in: Store(module.engine))
        let calls: [(String, [Value])] = [
            ("quotient", [.i32(7), .i32(2)]), ("quotient", [.i32(7), .i32(0)]),
            ("quotient", [.i32(.min), .i32(-1)]), ("catch", [.i32(23)]),
            ("indirect", [.i32(1), .i32(9), .i32(3)]), ("indirect", [.i32(2), .i32(9), .i32(3)]),
            ("indirect", [.i32(0), .i32(9), .i32(3)]), ("indirect", [.i32(9), .i32(9), .i32(3)]),
            ("host", [.i32(4)]), ("load", [.i32(70_000)]), ("load", [.i32(70_013)]),
            ("load", [.i32(69_999)]), ("load", [.i32(131_072)]),
            ("store", [.i32(70_001), .i32(9)]),
            ("load", [.i32(70_001)]), ("later", [.i32(70_002)]), ("load", [.i32(70_003)]),
            ("count", []), ("count", []), ("deep", [.i32(3)]), ("place", [.i32(0)]),
            ("place", [.i32(1)]), ("place", [.i32(7)]),
        ]
        return try calls.map { name, arguments in
            do {
                return "\(try instance.function(name).call(arguments))"
            } catch let trap as Trap {
                return trap.description
            }
        }
    }

    @Test(arguments: compilers) func behavesTheSame(compiler: Engine.Compiler) throws {
        let engine = Engine(Self.configuration(compiler))
        let compiled = try Module(engine, text: Self.text)
        let bytes = try compiled.serialize()
        let loaded = try Module(engine, precompiled: bytes)
        #expect(!compiled.statistics.isPrecompiled)
        #expect(loaded.statistics.isPrecompiled)
        // Functions that are compiled when they are called have no code before.
        let codeBytes = compiled.statistics.codeBytes
        #expect(loaded.statistics.codeBytes == codeBytes || compiler == .tiered)
        #expect(loaded.statistics.codeBytes > 0)
        #expect(loaded.statistics.moduleBytes == compiled.statistics.moduleBytes)
        #expect(loaded.exports == compiled.exports)
        #expect(loaded.imports == compiled.imports)
        let expected = try Self.behaviour(compiled)
        #expect(expected.contains { $0.contains("divide by zero\n  at quotient") })
        #expect(try Self.behaviour(loaded) == expected)
        // What was loaded is written as it was, and code does not depend on where it lies.
        #expect(try loaded.serialize() == bytes)
        let other = try Module(Engine(Self.configuration(compiler)), text: Self.text)
        #expect(try other.serialize() == bytes)
        try Self.withFolder { folder in
            let path = folder + "/everything.apus"
            try compiled.serialize(to: path)
            // How it has run may be in its code.
            let written = try compiled.serialize()
            let mapped = try Module(engine, precompiledAt: path)
            #expect(try Self.behaviour(mapped) == expected)
            // Others may replace or remove the file, and instances keep what they write to
            // themselves.
            try Module(engine, text: "(module)").serialize(to: path)
            #expect(try Self.behaviour(mapped) == expected)
            unsafe unlink(path)
            #expect(try Self.behaviour(mapped) == expected)
            #expect(try mapped.serialize() == written)
        }
    }

    /// A pool's slots, fuel, bounds that are compared, and code that looks itself.
    @Test func behavesTheSameInOtherEngines() throws {
        let changes: [(inout Engine.Configuration) -> Void] = [
            { $0.allocator = .pooling(.init(instances: 2)) }, { $0.alwaysChecksBounds = true },
            { $0.interruption = .polling }, { $0.processorFeatures = [] },
            {
                $0.isFuelMetered = true
                $0.limits.fuel = 1_000_000
            },
        ]
        for change in changes {
            var configuration = Engine.Configuration()
            change(&configuration)
            let engine = Engine(configuration)
            let compiled = try Module(engine, text: Self.text)
            try Self.withFolder { folder in
                try compiled.serialize(to: folder + "/m.apus")
                let loaded = try Module(engine, precompiledAt: folder + "/m.apus")
                #expect(try Self.behaviour(loaded) == Self.behaviour(compiled))
            }
        }
    }

    // MARK: What does not fit

    @Test func otherEnginesRefuseIt() throws {
        let engine = Engine()
        let bytes = try Module(engine, text: Self.text).serialize()
        func refusal(_ change: (inout Engine.Configuration) -> Void) -> ArtifactError? {
            var configuration = engine.configuration
            change(&configuration)
            do {
                _ = try Module(Engine(configuration), precompiled: bytes)
                return nil
            } catch {
                return error as? ArtifactError
            }
        }
        #expect(refusal { _ in } == nil)
        // Who compiles makes no difference to what the code does.
        #expect(refusal { $0.compiler = .baseline } == nil)
        #expect(refusal { $0.allocator = .pooling(.init(instances: 1)) } == nil)
        #expect(refusal { $0.isFuelMetered = true } == .setting("metering of fuel", isOn: false))
        #expect(
            refusal { $0.interruption = .polling }
                == .setting("interruption by polling", isOn: false))
        #expect(
            refusal { $0.alwaysChecksBounds = true }
                == .setting("comparison of every address", isOn: false))
        #expect(
            refusal { $0.masksCheckedAccesses = false }
                == .setting("masks of addresses that are compared", isOn: true))
        #expect(
            refusal { $0.isRelaxedSIMDDeterministic = true }
                == .setting("deterministic relaxed vector instructions", isOn: false))
        let host = ProcessorFeatures.host
        if !host.isEmpty {
            #expect(refusal { $0.processorFeatures = [] } == .processor(lacking: host))
        }
        #expect(
            refusal { $0.features.remove(FeatureSet(.simd)) }
                == .features(engine.configuration.features))
        // What has been compiled for less runs on more.
        var plain = engine.configuration
        plain.processorFeatures = []
        let any = try Module(Engine(plain), text: Self.text).serialize()
        #expect(throws: Never.self) { try Module(engine, precompiled: any) }
    }

    @Test func limitsHoldForIt() throws {
        let module = try Module(Engine(), text: Self.text)
        let bytes = try module.serialize()
        let changes: [(inout Limits) -> Void] = [
            { $0.moduleBytes = module.statistics.moduleBytes - 1 }, { $0.functions = 3 },
            { $0.codeBytes = module.statistics.codeBytes - 1 },
        ]
        for change in changes {
            var configuration = Engine.Configuration()
            change(&configuration.limits)
            #expect(throws: ResourceError.self) {
                try Module(Engine(configuration), precompiled: bytes)
            }
        }
    }

    @Test func otherBuildsRefuseIt() throws {
        let engine = Engine()
        let module = try Module(engine, text: Self.text)
        var provenance = try #require(engine.configuration.provenance)
        provenance.build.low ^= 1
        let bytes = module.loaded.artifact(
            provenance, moduleBytes: module.statistics.moduleBytes)
        #expect(throws: ArtifactError.otherBuild) { try Module(engine, precompiled: bytes) }
        #expect(BuildIdentity.current == BuildIdentity.current)
        var unknown = provenance
        unknown.build.low ^= 1
        unknown.settings.insert(CodeSettings(rawValue: 1 << 31))
        let odd = module.loaded.artifact(unknown, moduleBytes: module.statistics.moduleBytes)
        #expect(throws: ArtifactError.damaged("settings")) { try Module(engine, precompiled: odd) }
    }

    @Test func otherThingsAreNone() throws {
        let engine = Engine()
        for bytes in [[], [0x7F], Array("(module)".utf8), TestModule().bytes] {
            #expect(throws: ArtifactError.notArtifact) { try Module(engine, precompiled: bytes) }
        }
        var bytes = try Module(engine, text: "(module)").serialize()
        bytes[8] = 9
        #expect(throws: ArtifactError.otherFormat(9)) { try Module(engine, precompiled: bytes) }
    }

    /// Bytes that may be anybody's are not run, and who has mixed them up is told so.
    @Test func modulesInBinaryFormAreNotPrecompiled() throws {
        let engine = Engine()
        let bytes = try Module(engine, text: Self.text).serialize()
        for bytes in [bytes, Array(bytes.prefix(8))] {
            #expect(throws: ArtifactError.notExpected) { try Module(engine, bytes: bytes) }
            #expect(throws: ArtifactError.notExpected) {
                try Module(engine, bytes: bytes.span)
            }
            #expect(throws: ArtifactError.notExpected) {
                try Module.validate(engine, bytes: bytes)
            }
        }
        #expect("\(ArtifactError.notExpected)".contains("Module(_:precompiled:)"))
    }

    // MARK: What is damaged

    @Test func everyByteAndEveryLengthCounts() throws {
        let engine = Engine()
        var module = TestModule()
        module.memory(1)
        module.data(at: 5, [1, 2, 3])
        module.function("run", Code.call(0))
        let bytes = try Module(engine, bytes: module.bytes).serialize()
        var changed = bytes
        var taken: [Int] = []
        for place in bytes.indices {
            changed[place] ^= UInt8(1 << (place % 8))
            do {
                _ = try Module(engine, precompiled: changed)
                taken.append(place)
            } catch is ArtifactError {
                // As it should be.
            }
            changed[place] = bytes[place]
        }
        #expect(taken == [])
        for length in 0..<bytes.count {
            changed = Array(bytes[..<length])
            #expect(throws: ArtifactError.self) { try Module(engine, precompiled: changed) }
        }
        #expect(throws: ArtifactError.self) { try Module(engine, precompiled: bytes + [0]) }
        #expect(throws: Never.self) { try Module(engine, precompiled: bytes) }
    }

    /// Whatever numbers are in it, nothing but an error comes of them, even if checksums do not
    /// tell. Code is not looked at, and not run here.
    @Test func noNumberIsBelieved() throws {
        let engine = Engine()
        let bytes = try Module(engine, text: Self.text).serialize()
        let whole = try Artifact(ByteStorage(bytes))
        let end = whole.module.count + 4096
        var changed = bytes
        var refused = 0
        for place in 0..<min(end, bytes.count) {
            // Zeros between the sections say nothing.
            if bytes[place] == 0, place % 4 != 0 { continue }
            changed[place] = bytes[place] ^ (place % 8 < 4 ? 0xFF : 0x01)
            do {
                let artifact = try Artifact(ByteStorage(changed), nil, isTrusted: true)
                _ = try Module(engine, artifact, since: .now)
            } catch {
                refused += 1
            }
            changed[place] = bytes[place]
        }
        #expect(refused > 250)
    }

    // MARK: Files

    static func withFolder(_ work: (String) throws -> Void) throws {
        let folder = "/tmp/apus-artifacts-\(UInt64.random(in: 0...UInt64.max))"
        unsafe mkdir(folder, 0o700)
        defer { remove(folder) }
        try work(folder)
    }

    private static func remove(_ folder: String) {
        let names = (try? HostDirectory(folder))?.names ?? []
        for name in names + ["link.apus", "pipe.apus"] { unsafe unlink(folder + "/" + name) }
        unsafe rmdir(folder)
    }

    @Test func onlyFilesOfTheUserAreTrusted() throws {
        let engine = Engine()
        try Self.withFolder { folder in
            let path = folder + "/m.apus"
            try Module(engine, text: "(module)").serialize(to: path)
            func reason(_ path: String) -> String? {
                do {
                    _ = try Module(engine, precompiledAt: path)
                    return nil
                } catch ArtifactError.untrusted(_, let reason) {
                    return reason
                } catch {
                    return "\(error)"
                }
            }
            #expect(reason(path) == nil)
            for mode: mode_t in [0o666, 0o664, 0o622, 0o646] {
                unsafe chmod(path, mode)
                #expect(reason(path) == "others may write to it")
            }
            unsafe chmod(path, 0o444)
            #expect(reason(path) == nil)
            unsafe symlink(path, folder + "/link.apus")
            #expect(reason(folder + "/link.apus") == "it is a link")
            unsafe mkfifo(folder + "/pipe.apus", 0o600)
            #expect(reason(folder + "/pipe.apus") == "it is no regular file")
            #expect(reason("/dev/null") == "it is no regular file")
            let none = folder + "/none.apus"
            #expect(reason(none) == "\(none): No such file or directory")
            if geteuid() == 0 {
                unsafe chown(path, 12345, 12345)
                #expect(reason(path) == "it belongs to somebody else")
            }
            // Nothing but a regular file is replaced.
            #expect(throws: FileError(path: "/dev/null", reason: "it is no regular file")) {
                try Module(engine, text: "(module)").serialize(to: "/dev/null")
            }
            #expect(throws: FileError.self) {
                try Module(engine, text: "(module)").serialize(to: folder + "/none/m.apus")
            }
        }
    }

    /// Any file in the form of an artifact is taken for the module that it was made of where its
    /// code is not to be trusted.
    @Test func elsewhereItIsAModule() throws {
        let engine = Engine()
        try Self.withFolder { folder in
            let path = folder + "/m.apus"
            try Module(engine, text: Self.text).serialize(to: path)
            unsafe chmod(path, 0o666)
            let module = try Module(engine, contentsOf: path)
            #expect(!module.statistics.isPrecompiled)
            #expect(try Self.behaviour(module).count > 10)
            try Module.validate(engine, contentsOf: path)
        }
    }
}

extension HostDirectory {
    var names: [String] { entries.map(\.name) }
}
