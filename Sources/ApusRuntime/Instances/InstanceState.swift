internal import ApusABI
internal import ApusCollections
public import ApusFormat
internal import CApusHost

/// An instance of a module: its context, which compiled code sees, and what the runtime keeps
/// beside it. Lives as long as its store.
///
/// Specification: 4.2.6 “Module Instances”.
@safe
public final class InstanceState {
    // SAFETY: `context` is an allocation of `module.layout.size` bytes that this object owns. The
    // store keeps the object for its whole life.
    public let module: LoadedModule
    private unowned(unsafe) let owner: RuntimeStore
    public let hostState: AnyObject?
    let context: UnsafeMutablePointer<apus_context>
    /// In the module's index spaces, imported ones first.
    public let memories: [LinearMemory]
    public let tables: [ReferenceTable]
    public let globals: [GlobalCell]
    /// The memory that is exported as “memory”, as WASI's guests have it.
    public let exportedMemory: LinearMemory?
    private var droppedData: [Bool]
    private var droppedElements: [Bool]

    init(_ request: InstanceAllocationRequest) throws(ResourceError) {
        let module = request.module
        let bytes = UInt64(module.layout.size)
        guard let memory = unsafe apus_allocate(bytes) else {
            throw ResourceError(.context, requested: bytes)
        }
        let writer = unsafe ContextWriter(memory, module)
        let parts: ContextWriter.Parts
        do throws(ResourceError) {
            parts = try writer.makeParts(request)
        } catch {
            unsafe apus_free(memory)
            throw error
        }
        self.module = module
        unsafe owner = request.store
        hostState = request.hostState
        unsafe context = memory.assumingMemoryBound(to: apus_context.self)
        memories = parts.memories
        tables = parts.tables
        globals = parts.globals
        exportedMemory = Self.exportedMemory(module.module, parts.memories)
        droppedData = Array(repeating: false, count: module.module.data.count)
        droppedElements = Array(repeating: false, count: module.module.elements.count)
        writer.writeHead(request, owner: self, memories: parts.memories)
        writer.writeImports(request.imports)
        writer.writeSignatures()
        writer.writeFunctionReferences(owner: self, request.imports)
    }

    deinit { unsafe apus_free(context) }

    /// The store that keeps the instance.
    // SAFETY: it outlives the instance; whoever holds an instance holds its store too.
    public var store: RuntimeStore { unsafe owner }

    private static func exportedMemory(
        _ module: DecodedModule, _ memories: [LinearMemory]
    ) -> LinearMemory? {
        for export in module.exports where export.name == "memory" {
            if case .memory(let index) = export.item { return memories[Int(index)] }
        }
        return nil
    }

    var ownTables: ArraySlice<ReferenceTable> {
        tables.dropFirst(module.module.importedTableCount)
    }

    var ownGlobals: ArraySlice<GlobalCell> {
        globals.dropFirst(module.module.importedGlobalCount)
    }

    // MARK: Exports

    /// What the instance exports as `name`.
    public func export(_ name: String) -> ExternalItem? {
        let name = ExactName(name)
        for export in module.module.exports where ExactName(export.name) == name {
            return item(export.item)
        }
        return nil
    }

    /// What `index` means in this instance; nil for a function that does not escape.
    public func item(_ index: ExternalIndex) -> ExternalItem? {
        switch index {
        case .function(let index): function(Int(index)).map { .function($0) }
        case .table(let index): .table(tables[Int(index)])
        case .memory(let index): .memory(memories[Int(index)])
        case .global(let index): .global(globals[Int(index)])
        }
    }

    /// The reference to function `index`, which must be one whose reference can be taken.
    public func function(_ index: Int) -> FunctionReference? {
        guard let ordinal = module.ordinal(ofFunction: index) else { return nil }
        let offset = Int(module.layout.funcref(ordinal))
        let record = unsafe (UnsafeMutableRawPointer(context) + offset)
            .assumingMemoryBound(to: apus_funcref.self)
        return unsafe FunctionReference(record)
    }

    // MARK: Segments

    // Between the check of the ranges and the work `pay` may refuse; `mayGoOn` is asked now and
    // then, and the work ends unfinished where it answers false.

    /// Copies a part of a data segment into a memory. Returns false, changing nothing, if either
    /// range is out of bounds. Specification: 4.6.10 “memory.init”.
    func initializeMemory(
        _ memory: Int, fromSegment segment: Int, at destination: UInt64, source: UInt64,
        count: UInt64, pay: () -> Bool = { true }, mayGoOn: () -> Bool
    ) -> Bool {
        let contents = module.module.data[segment].contents
        let size = droppedData[segment] ? 0 : UInt64(contents.count)
        guard count <= size, source <= size &- count else { return false }
        let start = contents.lowerBound + Int(truncatingIfNeeded: source)
        let end = start + Int(truncatingIfNeeded: count)
        let bytes = module.module.bytes
        let memory = memories[memory]
        guard memory.contains(destination, count: count) else { return false }
        guard pay() else { return true }
        Pieces.forEach(in: end - start, of: Pieces.bytes, mayGoOn: mayGoOn) { offset, length in
            let piece = bytes.span.extracting((start + offset)..<(start + offset + length))
            _ = memory.write(piece, at: destination &+ UInt64(offset))
        }
        return true
    }

    func dropData(_ segment: Int) { droppedData[segment] = true }

    /// Copies a part of an element segment into a table. Returns false, changing nothing, if
    /// either range is out of bounds. Specification: 4.6.9 “table.init”.
    func initializeTable(
        _ table: Int, fromSegment segment: Int, at destination: UInt64, source: UInt64,
        count: UInt64, pay: () -> Bool = { true }, mayGoOn: () -> Bool
    ) -> Bool {
        let elements = module.module.elements[segment].initializers
        let size = droppedElements[segment] ? 0 : UInt64(elements.count)
        guard count <= size, source <= size &- count else { return false }
        let table = tables[table]
        guard table.contains(destination, count) else { return false }
        guard pay() else { return true }
        Pieces.forEach(
            in: Int(truncatingIfNeeded: count), of: Pieces.elements, mayGoOn: mayGoOn
        ) { offset, length in
            for position in UInt64(offset)..<UInt64(offset + length) {
                let value = reference(elements, Int(truncatingIfNeeded: source &+ position))
                _ = table.set(destination &+ position, value)
            }
        }
        return true
    }

    func dropElements(_ segment: Int) { droppedElements[segment] = true }

    private func reference(_ elements: ElementSegment.Initializers, _ position: Int) -> UInt64 {
        switch elements {
        case .functions(let indices): function(Int(indices[position]))?.bits ?? 0
        case .expressions(let expressions): evaluate(expressions[position]).low
        }
    }
}
