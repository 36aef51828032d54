import Apus
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// What hosts do wrong, and what systems refuse, with guests in the middle of it.
struct RobustnessTests {
    // MARK: Things of one store in another

    private static let exporting = """
        (module
          (memory (export "memory") 1)
          (table (export "table") 2 funcref)
          (global (export "global") (mut funcref) (ref.null func))
          (func (export "function"))
          (func (export "take") (param funcref)))
        """

    @Test(arguments: ["memory", "table", "global", "function"])
    func importsOfAnotherStoreAreRefused(_ name: String) throws {
        let engine = Engine()
        let exporter = try Instance(Store(engine), Module(engine, text: Self.exporting))
        let type = [
            "memory": "(memory 1)", "table": "(table 2 funcref)",
            "global": "(global (mut funcref))",
            "function": "(func)",
        ]
        let importer = try Module(
            engine, text: "(module (import \"a\" \"b\" \(type[name] ?? "")))")
        var linker = Linker(engine)
        linker.define("a", "b", try #require(try exporter.export(name)))
        #expect(throws: ForeignStoreError.self) {
            try linker.instantiate(importer, in: Store(engine))
        }
        // In its own store it is taken.
        try linker.instantiate(importer, in: exporter.store)
    }

    @Test func functionsOfAnotherStoreAreRefused() throws {
        let engine = Engine()
        let module = try Module(engine, text: Self.exporting)
        let one = try Instance(Store(engine), module)
        let other = try Instance(Store(engine), module)
        let foreign = Value.function(try other.function("function"))
        #expect(throws: ForeignStoreError.self) { try one.function("take").call(foreign) }
        #expect(throws: ForeignStoreError.self) {
            try one.function("take", as: ((Function?) -> Void).self)(other.function("function"))
        }
        #expect(throws: ForeignStoreError.self) { try one.table("table").set(0, foreign) }
        #expect(throws: ForeignStoreError.self) { try one.table("table").grow(by: 1, foreign) }
        #expect(throws: ForeignStoreError.self) { try one.global("global").set(foreign) }
        #expect(throws: ForeignStoreError.self) {
            try Table(
                one.store, TableType(element: .funcref, limits: SizeLimits(minimum: 1)),
                initial: foreign)
        }
        #expect(throws: ForeignStoreError.self) {
            try Global(one.store, GlobalType(.funcref, isMutable: false), foreign)
        }
        let host = try Function(one.store, FunctionType([], [.funcref])) { _, _ in [foreign] }
        #expect(throws: ForeignStoreError.self) { try host.call() }
    }

    @Test func modulesOfAnotherEngineAreRefused() throws {
        let module = try Module(Engine(), text: Self.exporting)
        #expect(throws: ForeignStoreError.self) { try Instance(Store(Engine()), module) }
        let prepared = try Linker(module.engine).prepare(module)
        #expect(throws: ForeignStoreError.self) { try prepared.instantiate(in: Store(Engine())) }
    }

    // MARK: Hosts that call back, let go, and lend

    /// What the host still holds while a guest runs.
    private final class Holder {
        var instance: Instance?
    }

    @Test func hostMayLetGoOfARunningGuest() throws {
        let holder = Holder()
        weak var store: Store?
        do {
            let engine = Engine()
            let owner = Store(engine)
            store = owner
            let release = try Function(owner, FunctionType()) { _, _ in
                holder.instance = nil
                return []
            }
            var linker = Linker(engine)
            linker.define("host", "release", release)
            let text = """
                (module (import "host" "release" (func $release)) (memory 1)
                  (func (export "run") (result i32)
                    (i32.store (i32.const 8) (i32.const 41))
                    (call $release)
                    (i32.add (i32.load (i32.const 8)) (i32.const 1))))
                """
            holder.instance = try linker.instantiate(Module(engine, text: text), in: owner)
        }
        func run() throws -> Int32 {
            let run = try #require(holder.instance).function("run", as: (() -> Int32).self)
            return try run()
        }
        #expect(store != nil)
        #expect(try run() == 42)
        #expect(holder.instance == nil)
    }

    @Test func memoriesGrowWhileTheirBytesAreLent() throws {
        let engine = Engine()
        let text = """
            (module (memory (export "memory") 1)
              (func (export "write") (i32.store8 (i32.const 0) (i32.const 9))))
            """
        let instance = try Instance(Store(engine), Module(engine, text: text))
        let memory = try instance.memory
        let byte = try memory.withMutableBytes { bytes -> UInt8 in
            #expect((try? memory.grow(by: 100)) == 1)
            // It is as long as it was, and where it was.
            #expect(bytes.byteCount == 65536)
            bytes.storeBytes(of: 7, toByteOffset: 65535, as: UInt8.self)
            return unsafe bytes.bytes.unsafeLoad(fromByteOffset: 65535, as: UInt8.self)
        }
        #expect(byte == 7)
        #expect(try memory.read(at: 65535, count: 1) == [7])
        #expect(memory.pageCount == 101)
    }

    @Test func guestsOfOneHostFunctionNest() throws {
        let engine = Engine()
        let store = Store(engine)
        let text = """
            (module (import "host" "again" (func $again (param i32) (result i32)))
              (memory (export "memory") 1 200)
              (func (export "run") (param i32) (result i32)
                (if (i32.eqz (local.get 0)) (then (return (memory.size))))
                (drop (memory.grow (i32.const 1)))
                (call $again (i32.sub (local.get 0) (i32.const 1)))))
            """
        var linker = Linker(engine)
        linker.define("host", "again") { (caller, n: Int32) -> Int32 in
            // A new instance now and then, in the store that is in use.
            if n % 10 == 0 { try Instance(caller.store, Module(engine, text: "(module)")) }
            guard let instance = caller.instance else { return -1 }
            return try instance.function("run", as: ((Int32) -> Int32).self)(n)
        }
        let instance = try linker.instantiate(Module(engine, text: text), in: store)
        #expect(try instance.function("run", as: ((Int32) -> Int32).self)(50) == 51)
        #expect(store.statistics.instances == 6)
    }

    // MARK: Lives of the host's objects

    private final class Guest {
        private let gone: Counter
        init(_ gone: Counter) { self.gone = gone }
        deinit { gone.add() }
    }

    @Test func objectsGoWhateverBecomesOfTheGuest() throws {
        let text = """
            (module
              (table $t 100 externref)
              (func (export "trap") (param externref) unreachable)
              (func (export "fill") (param externref)
                (table.fill $t (i32.const 0) (local.get 0) (i32.const 100)))
              (func (export "grow") (param externref)
                (drop (table.grow $t (local.get 0) (i32.const 1))))
              (func (export "loop") (param externref) (loop $l (br $l))))
            """
        let gone = Counter()
        var made = 0
        do {
            let engine = Engine()
            let store = Store(engine)
            let instance = try Instance(store, Module(engine, text: text))
            func call(_ name: String) throws {
                made += 1
                let function = try instance.function(name, as: ((ExternReference?) -> Void).self)
                try function(ExternReference(Guest(gone)))
            }
            for _ in 0..<100 { #expect(trap { try call("trap") } != nil) }
            #expect(
                trap { try store.withDeadline(.milliseconds(1)) { try call("loop") } } != nil)
            store.releaseUnreachableReferences()
            #expect(gone.total == made)
            // A hundred places, one object; the next takes them all.
            for _ in 0..<10 { try call("fill") }
            store.releaseUnreachableReferences()
            #expect(gone.total == made - 1)
            for _ in 0..<10 { try call("grow") }
            store.releaseUnreachableReferences()
            #expect(store.externalReferenceCount == 11)
            #expect(gone.total == made - 11)
        }
        #expect(gone.total == made)
    }

    // MARK: What the system refuses

    #if os(Linux)
        /// The child of a fork runs guests, traps and interruption included, and so does the
        /// parent.
        @Test func forkedChildrenRunGuests() async {
            await #expect(processExitsWith: .success) {
                let engine = Engine()
                let store = Store(engine)
                let text = """
                    (module (func (export "trap") unreachable)
                      (func $deep (export "deep") (call $deep))
                      (func (export "add") (param i32 i32) (result i32)
                        (i32.add (local.get 0) (local.get 1))))
                    """
                let instance = try Instance(store, Module(engine, text: text))
                func works() throws -> Bool {
                    let add = try instance.function("add", as: ((Int32, Int32) -> Int32).self)
                    let isRight = try add(1, 2) == 3
                    let first = trap { try instance.function("trap", as: (() -> Void).self)() }
                    let second = trap { try instance.function("deep", as: (() -> Void).self)() }
                    return isRight && first?.code == .unreachable
                        && second?.code == .stackExhausted
                }
                // Its statuses say what went wrong: a fork has all that the test's process uses to
                // report, and must not use it, too.
                guard try works() else { _exit(2) }
                // Swift hides `fork` itself, since children must not do much; this one does not.
                guard let symbol = unsafe dlsym(nil, "fork") else { _exit(3) }
                let fork = unsafe unsafeBitCast(symbol, to: (@convention(c) () -> pid_t).self)
                let child = fork()
                if child == 0 { _exit((try? works()) == true ? 0 : 1) }
                var status: Int32 = -1
                let ended = unsafe waitpid(child, &status, 0)
                guard ended == child else { _exit(4) }
                // A signal, or the child's own status.
                guard status == 0 else { _exit(status & 0x7F != 0 ? 64 + status & 0x7F : 5) }
                _exit(try works() ? 0 : 6)
            }
        }
    #endif

    @Test func enginesDoNotDisturbEachOther() throws {
        let text = """
            (module (import "host" "f" (func $f)) (memory 1)
              (func (export "run") (call $f) (drop (i32.load (i32.const -1)))))
            """
        // Each calls the next from a host function; each traps for itself.
        var inner: (() throws -> Void)?
        var codes: [TrapCode?] = []
        for _ in 0..<4 {
            let engine = Engine()
            let store = Store(engine)
            let next = inner
            let function = try Function(store, FunctionType()) { _, _ in
                codes.append(trap { try next?() }?.code)
                return []
            }
            var linker = Linker(engine)
            linker.define("host", "f", function)
            let instance = try linker.instantiate(Module(engine, text: text), in: store)
            inner = { try instance.function("run", as: (() -> Void).self)() }
        }
        #expect(trap { try inner?() }?.code == .memoryOutOfBounds)
        #expect(codes == [nil, .memoryOutOfBounds, .memoryOutOfBounds, .memoryOutOfBounds])
    }
}
