import Apus
import ApusLocks
import Testing

/// Instances are allocated, and initialized later.
@Suite struct InitializationTests {
    private static let text = """
        (module
          (import "host" "note" (func $note (param i32)))
          (memory (export "memory") 1)
          (table (export "table") 1 funcref)
          (global (export "global") i32 (i32.const 5))
          (data (i32.const 8) "abc")
          (elem (i32.const 0) $f)
          (func $f (export "f") (result i32) (i32.load8_u (i32.const 8)))
          (func $start (call $note (i32.load8_u (i32.const 8))))
          (start $start))
        """

    private final class Session {}

    /// What was noted, by whom.
    private final class Notes: Sendable {
        let numbers = SystemMutex<[Int32]>([])
        let sessions = SystemMutex<[ObjectIdentifier?]>([])
    }

    private static func linker(_ engine: Engine, _ notes: Notes) -> Linker {
        var linker = Linker(engine)
        linker.define("host", "note") { (caller: Caller, number: Int32) in
            notes.numbers.withLock { $0.append(number) }
            let session = caller.hostState.map { ObjectIdentifier($0) }
            notes.sessions.withLock { $0.append(session) }
            // Its exports can be had by now.
            _ = try caller.instance?.function("f")
        }
        return linker
    }

    private static let engines: [Engine] = [
        Engine(), Engine(.init(allocator: .pooling(.init(instances: 4)))),
    ]

    @Test(arguments: engines)
    func startFunctionsRunWhenTheHostSays(engine: Engine) throws {
        let notes = Notes()
        let linker = Self.linker(engine, notes)
        let module = try Module(engine, text: Self.text)
        let prepared = try linker.prepare(module)
        for round in 0..<3 {
            let store = Store(engine)
            let session = Session()
            let instance =
                round == 0
                ? try linker.allocate(module, in: store, hostState: session)
                : try prepared.allocate(in: store, hostState: session)
            #expect(!instance.isInitialized && instance.hostState === session)
            #expect(notes.numbers.withLock { $0 }.isEmpty)
            // Only its memories can be had.
            #expect(throws: InitializationError.isMissing) { try instance.export("f") }
            #expect(throws: InitializationError.isMissing) { try instance.export("table") }
            #expect(throws: InitializationError.isMissing) { try instance.export("global") }
            #expect(throws: InitializationError.isMissing) { try instance.exports }
            #expect(try instance.export("nothing") == nil)
            try instance.memory.write([9], at: 100)
            try instance.initialize()
            #expect(instance.isInitialized)
            #expect(notes.numbers.withLock { $0 } == [97])
            #expect(notes.sessions.withLock { $0 } == [ObjectIdentifier(session)])
            #expect(try instance.function("f", as: (() -> Int32).self)() == 97)
            #expect(try instance.memory.load(UInt8.self, at: 100) == 9)
            #expect(throws: InitializationError.isDone) { try instance.initialize() }
            notes.numbers.withLock { $0 = [] }
            notes.sessions.withLock { $0 = [] }
        }
    }

    @Test func instancesThatAreNeverInitializedGo() throws {
        let engine = Engine(.init(allocator: .pooling(.init(instances: 1))))
        let notes = Notes()
        let prepared = try Self.linker(engine, notes).prepare(Module(engine, text: Self.text))
        for _ in 0..<3 { _ = try prepared.allocate(in: Store(engine)) }
        _ = try prepared.instantiate(in: Store(engine))
        #expect(notes.numbers.withLock { $0 } == [97])
    }

    @Test func hostStateIsTheInstances() throws {
        let engine = Engine()
        let notes = Notes()
        let linker = Self.linker(engine, notes)
        let module = try Module(engine, text: Self.text)
        let store = Store(engine)
        let first = Session()
        let second = Session()
        let one = try linker.instantiate(module, in: store, hostState: first)
        let two = try linker.prepare(module).instantiate(in: store, hostState: second)
        let none = try linker.instantiate(module, in: store)
        #expect(one.hostState === first && two.hostState === second && none.hostState == nil)
        #expect(one == one && one != two)
        #expect(
            notes.sessions.withLock { $0 }
                == [ObjectIdentifier(first), ObjectIdentifier(second), nil])
    }

    @Test func hostStateGoesWithItsStore() throws {
        let engine = Engine()
        let prepared = try Self.linker(engine, Notes()).prepare(Module(engine, text: Self.text))
        weak var weakSession: Session?
        do {
            let session = Session()
            weakSession = session
            _ = try prepared.instantiate(in: Store(engine), hostState: session)
        }
        #expect(weakSession == nil)
        // The next life of the instance has none.
        #expect(try prepared.instantiate(in: Store(engine)).hostState == nil)
    }

    @Test func instancesThatFailedToInitializeCannotBeUsed() throws {
        let engine = Engine()
        let module = try Module(
            engine,
            text: """
                (module (memory (export "memory") 1) (func (export "f"))
                  (data (i32.const 65535) "ab"))
                """)
        let instance = try Linker(engine).allocate(module, in: Store(engine))
        #expect(trap { try instance.initialize() }?.code == .memoryOutOfBounds)
        #expect(!instance.isInitialized)
        #expect(throws: InitializationError.isMissing) { try instance.function("f") }
        #expect(throws: InitializationError.isDone) { try instance.initialize() }
    }

    @Test func errorsSayWhatIsWrong() {
        #expect("\(InitializationError.isMissing)" == "the instance is not initialized")
        #expect("\(InitializationError.isDone)" == "the instance has been initialized before")
    }

    // MARK: Segments

    /// Without bulk instructions all segments are looked at before any is written.
    @Test(arguments: [true, false], ["memory", "table"])
    func segmentsAreWrittenAllOrInOrder(hasBulkMemory: Bool, wrong: String) throws {
        var configuration = Engine.Configuration()
        if !hasBulkMemory { configuration.features.remove(FeatureSet(.bulkMemory)) }
        let engine = Engine(configuration)
        let store = Store(engine)
        let memory = try Memory(store, MemoryType(limits: SizeLimits(minimum: 1)))
        let table = try Table(store, TableType(element: .funcref, limits: SizeLimits(minimum: 2)))
        let module = try Module(
            engine,
            text: """
                (module
                  (memory (import "host" "memory") 1)
                  (table (import "host" "table") 2 funcref)
                  (func $f)
                  (elem (i32.const 0) $f)
                  (elem (i32.const \(wrong == "table" ? 2 : 1)) $f)
                  (data (i32.const 0) "a")
                  (data (i32.const \(wrong == "memory" ? 65536 : 1)) "b"))
                """)
        var linker = Linker(engine)
        linker.define("host", "memory", memory)
        linker.define("host", "table", table)
        let code = trap { try linker.instantiate(module, in: store) }?.code
        #expect(code == (wrong == "memory" ? .memoryOutOfBounds : .tableOutOfBounds))
        // What was written before the one that does not fit.
        let isTableWritten = hasBulkMemory
        let isMemoryWritten = hasBulkMemory && wrong == "memory"
        #expect(try memory.load(UInt8.self, at: 0) == (isMemoryWritten ? 97 : 0))
        var isNull = false
        if case .function(nil) = try table.get(0) { isNull = true }
        #expect(isNull == !isTableWritten)
    }
}
