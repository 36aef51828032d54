import ApusABI
import ApusCollections
import ApusFormat
import CApusHost
import Testing

@testable import ApusRuntime

/// Whoever makes an instance reads what it is made of in the request.
@Suite struct AllocationRequestTests {
    private static let functions: [TestFunction] = [.constant(1), .unreachable]

    /// A module with a memory, an active and a passive data segment, and a table with f0.
    private static func module(
        _ functions: [TestFunction] = functions, _ linkage: CodeLinkage = .direct,
        in environment: RuntimeEnvironment
    ) throws -> LoadedModule {
        var parts = parts(functions, bytes: [1, 2, 3, 4])
        parts.memories = [MemoryType(limits: SizeLimits(minimum: 1))]
        parts.tables = [TableType(element: .funcref, limits: SizeLimits(minimum: 2))]
        parts.tableInitializers = [nil]
        parts.data = [
            DataSegment(
                mode: .active(memory: 0, offset: ConstantExpression([.i32Const(8)])),
                contents: 0..<2),
            DataSegment(mode: .passive, contents: 2..<4),
        ]
        parts.elements = [
            ElementSegment(
                mode: .active(table: 0, offset: ConstantExpression([.i32Const(0)])),
                type: .funcref, initializers: .functions([0]))
        ]
        return try load(functions, parts, linkage, in: environment)
    }

    private static func request(
        _ module: LoadedModule, _ store: RuntimeStore, _ substitute: InstanceSubstitute? = nil
    ) throws -> InstanceAllocationRequest {
        InstanceAllocationRequest(
            imports: try Imports([], for: module, in: store), store: store,
            substitute: substitute)
    }

    @Test func requestsSayWhereCodeAndDataAre() throws {
        let environment = try makeEnvironment()
        let module = try Self.module(in: environment)
        let request = try Self.request(module, RuntimeStore(environment))
        let image = try #require(module.image(ofFunction: 0))
        #expect(request.imageBase == image.base)
        #expect(request.functions.map(\.index) == [0, 1])
        #expect(request.functions.map(\.codeStart) == [0, 64])
        #expect(request.functions.map(\.codeLength) == [6, 6])
        #expect(request.functions.map(\.body.start) == [1000, 2000])
        let place = request.functions.place(
            at: request.imageBase + 64 + 4, isReturnAddress: false)
        #expect(place?.code.trap == .unreachable && place?.moduleOffset == 2004)
        #expect(request.dataSegments.map(\.contents) == [0..<2, 2..<4])
        #expect(request.dataBytes === module.module.bytes)
        #expect(request.sharedSignatures.ids == module.sharedTypes.ids)
    }

    @Test func functionsThatCanBeReplacedAreInTheTable() throws {
        let environment = try makeEnvironment()
        let module = try Self.module(Self.functions, .replaceable, in: environment)
        let request = try Self.request(module, RuntimeStore(environment))
        for (position, function) in request.functions.enumerated() {
            #expect(
                request.imageBase + UInt(function.codeStart)
                    == module.codeAddress(ofFunction: position))
        }
        #expect(request.functions.count == 2)
    }

    /// What is in the instance, or its store, is what the request has.
    @Test func instancesAreMadeOfWhatTheRequestHas() throws {
        let environment = try makeEnvironment()
        let module = try Self.module(in: environment)
        let other = try module.makeImage(image([.constant(9), .unreachable]))
        let substitute = InstanceSubstitute(
            module, image: other, data: (ByteStorage([5, 6, 7, 8]), [1..<4, 0..<1]))
        let store = try RuntimeStore(environment)
        let request = try Self.request(module, store, substitute)
        #expect(request.imageBase == other.base)
        let guest = Guest(store: store, state: try store.allocate(request))
        try store.initialize(guest.state)
        #expect(guest.memories[0].read(4, at: 7) == [0, 6, 7, 8])
        #expect(try guest.call("f0") == 9)
        // Function values in tables.
        let element = try #require(guest.tables[0].get(0).flatMap { FunctionReference(bits: $0) })
        #expect(try store.call(element, []) == 9)
        // The passive segment.
        let record = unsafe UnsafeRawPointer(guest.context)
            .advanced(by: Int(module.layout.dataSegment(1)))
            .assumingMemoryBound(to: apus_memory.self)
        #expect(unsafe record.pointee.bytes == 1 && record.pointee.base[0] == 5)
        #expect(trap { try guest.call("f1") } == .unreachable)
        #expect(store.lastBacktrace.frames.map(\.moduleOffset) == [2004])
        let signature = unsafe UnsafeRawPointer(guest.context)
            .load(fromByteOffset: Int(module.layout.signature(0)), as: UInt32.self)
        #expect(signature == request.sharedSignatures.ids[0])
        // The module's own is still what others get.
        let plain = Guest(
            store: store,
            state: try store.instantiate(Imports([], for: module, in: store)))
        #expect(try plain.call("f0") == 1)
        #expect(plain.memories[0].read(4, at: 7) == [0, 1, 2, 0])
    }

    @Test func nobodyGetsAnInstanceWithASubstituteNext() throws {
        let environment = try makeEnvironment()
        let module = try Self.module(in: environment)
        let substitute = InstanceSubstitute(
            module, data: (ByteStorage([5, 6, 7, 8]), [1..<4, 0..<1]))
        do {
            let store = try RuntimeStore(environment)
            let state = try store.allocate(Self.request(module, store, substitute))
            try store.initialize(state)
        }
        #expect(environment.allocator.statistics.warmInstances == 0)
        let store = try RuntimeStore(environment)
        let state = try store.instantiate(Imports([], for: module, in: store))
        #expect(state.memories[0].read(4, at: 7) == [0, 1, 2, 0])
    }

    /// What a substitute has may not fit, although the module's own does.
    @Test func dataThatDoesNotFitIsATrap() throws {
        let environment = try makeEnvironment()
        let module = try Self.module(in: environment)
        let large = [UInt8](repeating: 7, count: 65536)
        let substitute = InstanceSubstitute(
            module, data: (ByteStorage(large), [0..<65529, 0..<1]))
        let store = try RuntimeStore(environment)
        let state = try store.allocate(Self.request(module, store, substitute))
        #expect(trap { try store.initialize(state) } == .memoryOutOfBounds)
        #expect(state.phase == .initializing)
    }

    // MARK: Two steps

    @Test func nothingHappensBeforeAnInstanceIsInitialized() throws {
        let environment = try makeEnvironment()
        let functions: [TestFunction] = [.callImport]
        var parts = parts(functions, imported: 1, bytes: [1, 2])
        parts.types = ModuleTypes([nothing, nothing])
        parts.memories = [MemoryType(limits: SizeLimits(minimum: 1))]
        parts.globals = [GlobalType(.i64, isMutable: true)]
        parts.globalInitializers = [ConstantExpression([.i64Const(5)])]
        parts.start = 1
        let module = try load(functions, parts, in: environment)
        let store = try RuntimeStore(environment)
        var callers: [InstanceState] = []
        let host = try store.makeHostFunction(nothing) { frame in
            if let caller = frame.caller { callers.append(caller) }
        }
        let request = InstanceAllocationRequest(
            imports: try Imports([.function(host)], for: module, in: store),
            store: store)
        let state = try store.allocate(request)
        #expect(state.phase == .allocated && callers.isEmpty && state.globals[0].bits == 0)
        try environment.allocator.initialize(state)
        #expect(state.phase == .ready && state.globals[0].bits == 5)
        #expect(callers.count == 1 && callers.first === state)
    }
}
