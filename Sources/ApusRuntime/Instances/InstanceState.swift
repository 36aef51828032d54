internal import ApusABI
internal import ApusCollections
public import ApusFormat
internal import CApusHost

/// An instance of a module: its context, which compiled code sees, and what the runtime keeps
/// beside it.
///
/// It is bound to a store, and lives as long as that; then its allocator may make it as it was
/// and bind it to another one. Specification: 4.2.6 “Module Instances”.
@safe
public final class InstanceState {
    // SAFETY: `context` is an allocation of `module.layout.size` bytes that this object owns, or
    // a part of the slot that `place` names and that it has for itself. While it is bound, it
    // keeps the module, and the store, which it does not keep, keeps it.
    private unowned(unsafe) let origin: LoadedModule
    @exclusivity(unchecked) private unowned(unsafe) var owner: RuntimeStore
    private var isBound = false
    /// What changes from life to life.
    private struct Life {
        var hostState: AnyObject?
        var phase = InstancePhase.allocated
        var older: InstanceState?
    }
    // SAFETY: it is used by one thread at a time, and nothing else runs during an access.
    @exclusivity(unchecked) private var life = Life()
    public var hostState: AnyObject? { unsafe life.hostState }
    /// Whether it may be used: its globals and tables have their first values.
    public internal(set) var phase: InstancePhase {
        get { unsafe life.phase }
        set { unsafe life.phase = newValue }
    }
    /// The one that the store has got before it (`InstanceList`).
    var older: InstanceState? {
        get { unsafe life.older }
        _modify { yield unsafe &life.older }
    }
    let context: UnsafeMutablePointer<apus_context>
    /// Read in many calls out of wasm, changed only between two lives.
    @exclusivity(unchecked) private var parts: InstanceParts
    /// Whether it is somebody else who runs its start function.
    var defersStart = false
    /// What it has instead of its module's own code or data.
    private let substitute: InstanceSubstitute?
    /// The references of the passive element segments, one after the other.
    private var segmentElements: UnsafeMutablePointer<UInt64>?
    /// The slot of a pool that it lies in; nil: it has its own memory.
    private var place: InstancePlace?
    /// Whether its memories come with what the data segments say.
    let isImaged: Bool
    private let ownsContext: Bool
    /// As the module has it, which the store does not want to look for.
    private let callBytes: UInt
    /// The number of the module, which may have gone when the instance is not bound.
    let moduleNumber: UInt32
    /// What the host gives it while it is bound, and the contexts of these functions, which stay:
    /// an instance that is bound again with the same ones only gets another store.
    private var hostImports: HostImports?
    private let hostContexts: HostContexts
    /// The number of the host imports whose functions the contexts are; 0: of none.
    private var hostNumber: UInt64 = 0
    /// Whether others may have got hold of one of its tables, and change it.
    private var hasSharedTables = false

    /// A new instance, bound to the request's store, whose memories and tables come from
    /// `allocator`. If it cannot be made, `place` may be changed.
    init(
        _ request: InstanceAllocationRequest, by allocator: some InstanceAllocator,
        in place: InstancePlace? = nil
    ) throws(ResourceError) {
        // SAFETY: the context is this object's, or in the slot that the allocator has taken for it.
        // All that writes it is done by the layout of the module, which the request keeps
        // meanwhile.
        let module = request.module
        let bytes = UInt64(module.layout.size)
        let isPlaced = place != nil
        guard let memory = unsafe place?.context ?? apus_allocate(bytes) else {
            throw ResourceError(.context, requested: bytes)
        }
        let isImaged =
            module.template.isStatic && allocator.mapsImages && request.substitute == nil
        let images = isImaged ? module.images.images(for: request) : nil
        let writer = unsafe ContextWriter(memory, module)
        let parts: InstanceParts
        do throws(ResourceError) {
            hostContexts = try HostContexts(count: module.module.importedFunctionCount)
            parts = try InstanceParts(request, by: allocator, writer, place, images)
        } catch {
            if !isPlaced { unsafe apus_free(memory) }
            throw error
        }
        unsafe origin = module
        moduleNumber = module.number
        ownsContext = !isPlaced
        callBytes = module.callBytes
        unsafe owner = request.store
        self.place = place
        self.isImaged = images != nil
        substitute = request.substitute
        unsafe context = memory.assumingMemoryBound(to: apus_context.self)
        unsafe self.parts = parts
        unsafe segmentElements = nil
        writer.writeConstantPart(request, owner: self)
        if module.template.isStatic {
            for (table, first) in zip(tables, module.template.tables) { fill(table, first) }
        }
        writeDataSegments(of: module)
        if !module.importsThings { findExportedMemory(of: module) }
        bind(request)
    }

    deinit {
        // SAFETY: `bind` has retained the module once, and `leaveModule` says so if somebody else
        // is to release it. Nobody runs the instance's code or has what is in its context any more.
        if isBound { unsafe Unmanaged.passUnretained(origin).release() }
        place?.giveBack()
        if ownsContext { unsafe apus_free(context) }
        if let segmentElements = unsafe segmentElements { unsafe apus_free(segmentElements) }
    }

    // SAFETY: whoever holds a bound instance holds its store, which keeps the module through it.
    public var module: LoadedModule { unsafe origin }

    /// What `body` gives, which has the module without a reference of its own.
    func withModule<Result>(
        _ body: (LoadedModule) throws -> Result
    ) rethrows -> Result {
        // SAFETY: whoever calls this holds the instance, which is bound, and so the module.
        try unsafe Unmanaged.passUnretained(origin)._withUnsafeGuaranteedRef { try body($0) }
    }

    // SAFETY: it outlives the instance; whoever holds an instance holds its store too.
    /// The store that keeps the instance.
    public var store: RuntimeStore { unsafe owner }

    // In the module's index spaces, imported ones first.

    // SAFETY: `parts` changes only in `bind` and `unbind`, between two lives, and then only one
    // thread has the instance. So nobody reads it while it is written.
    public var memories: [LinearMemory] { unsafe parts.memories }
    public var tables: [ReferenceTable] { unsafe parts.tables }
    public var globals: [GlobalCell] { unsafe parts.globals }
    public var tags: [ExceptionTag] { unsafe parts.tags }
    /// The memory that is exported as “memory”, as WASI's guests have it.
    public var exportedMemory: LinearMemory? { unsafe parts.exportedMemory }

    // MARK: Lives

    /// Makes an unbound instance one of the request's store, whose imports it has.
    func bind(_ request: InstanceAllocationRequest) {
        // SAFETY: the request has the module, which is kept from here on, until the life ends;
        // nobody else has the instance yet. The context is as long as the module's layout says.
        let module = request.module
        _ = unsafe Unmanaged.passUnretained(module).retain()
        isBound = true
        unsafe owner = request.store
        unsafe life.phase = .allocated
        if let hostState = request.hostState { unsafe life.hostState = hostState }
        unsafe context.pointee.store_context = request.store.context
        setStackLimit(unsafe request.store.stackLimit)
        if module.layout.stops != nil { bindStops(request) }
        if !module.module.imports.isEmpty { bindImports(request) }
        if let memory = memories.first {
            unsafe context.pointee.memory_base = memory.record.pointee.base
        }
        for index in module.module.importedMemoryCount..<module.module.memories.count {
            unsafe parts.memories[index].maker = request.store.number
        }
    }

    // What many modules have nothing of.

    private func bindStops(_ request: InstanceAllocationRequest) {
        // SAFETY: called by `bind`.
        let writer = unsafe ContextWriter(context, request.module)
        if let stops = unsafe writer.stops {
            unsafe request.store.watchStops(at: stops, of: request.module)
        }
    }

    private func bindImports(_ request: InstanceAllocationRequest) {
        // SAFETY: called by `bind`.
        let module = request.module
        let writer = unsafe ContextWriter(context, module)
        bindFunctions(request, writer)
        guard module.importsThings else { return }
        bindThings(request.imports, writer)
        findExportedMemory(of: module)
    }

    // SAFETY: see `memories`.
    private func findExportedMemory(of module: LoadedModule) {
        unsafe parts.exportedMemory = module.exportedMemory.map { memories[$0] }
    }

    /// Has frames and calls of its code end at `limit`.
    func setStackLimit(_ limit: UInt) {
        // SAFETY: the context is the instance's, which no other thread runs now.
        unsafe context.pointee.stack_limit = limit &+ min(callBytes, .max &- limit)
    }

    private func bindFunctions(_ request: InstanceAllocationRequest, _ writer: ContextWriter) {
        let imports = request.imports
        let number = imports.functions.isEmpty ? imports.host?.number ?? 0 : 0
        if number == 0 || number != hostNumber {
            if let host = imports.host {
                let trapExit = module.environment.trampolines.trapExit
                for (index, function) in host.functions.enumerated() {
                    if let function { hostContexts.write(index, function, trapExit: trapExit) }
                }
            }
            writer.writeFunctionImports(imports, hostContexts)
            hostNumber = number
        }
        guard let host = imports.host else { return }
        hostImports = host
        for index in 0..<hostContexts.count { hostContexts.bind(index, request.store) }
    }

    private func bindThings(_ imports: Imports, _ writer: ContextWriter) {
        // SAFETY: called by `bind`, before anybody else has the instance.
        writer.writeImports(imports)
        unsafe parts.memories.insert(contentsOf: imports.memories, at: 0)
        unsafe parts.tables.insert(contentsOf: imports.tables, at: 0)
        unsafe parts.globals.insert(contentsOf: imports.globals, at: 0)
        unsafe parts.tags.insert(contentsOf: imports.tags, at: 0)
    }

    /// Makes the instance as it was before it was bound, for another store. Returns false if it
    /// can only be thrown away: the system refused, or it has grown out of its room.
    ///
    /// Nothing runs its code any more, and nothing refers to what it defines.
    func unbind(keepingResident bytes: UInt64) -> Bool {
        // SAFETY: nobody has the instance any more but who calls this. What is taken off is what
        // `bindThings` has put there.
        if substitute != nil { return false }
        if hostImports != nil { hostImports = nil }
        if unsafe life.hostState != nil { unsafe life.hostState = nil }
        return withModule { module in
            if module.importsThings {
                unsafe parts.exportedMemory = nil
                unsafe parts.memories.removeFirst(module.module.importedMemoryCount)
                unsafe parts.tables.removeFirst(module.module.importedTableCount)
                unsafe parts.globals.removeFirst(module.module.importedGlobalCount)
                unsafe parts.tags.removeFirst(module.module.importedTagCount)
            }
            return resetParts(of: module, keepingResident: bytes)
        }
    }

    private func resetParts(of module: LoadedModule, keepingResident bytes: UInt64) -> Bool {
        // SAFETY: called by `unbind`.
        for index in unsafe parts.memories.indices {
            guard unsafe parts.memories[index].reset(keepingResident: bytes) else { return false }
        }
        var tableBytes = place == nil ? Self.tableBytesKept : Self.placedTableBytesKept
        for index in unsafe parts.tables.indices {
            let table = unsafe parts.tables[index]
            guard table.isInPlace, resetTable(table, index, of: module, keeping: &tableBytes) else {
                return false
            }
        }
        for index in unsafe parts.globals.indices {
            let global = unsafe parts.globals[index]
            global.bits = 0
            global.highBits = 0
        }
        hasSharedTables = false
        writeDataSegments(of: module)
        return true
    }

    /// Ends keeping the module: whoever calls this has to release it.
    func leaveModule() -> Unmanaged<LoadedModule> {
        // SAFETY: the module is kept until the caller releases it, as `bind` has retained it.
        isBound = false
        return unsafe Unmanaged.passUnretained(origin)
    }

    /// Gives up the slot that the instance lies in: the caller has it now.
    func leavePlace() { place = nil }

    /// The slot of a pool that it lies in.
    var slot: UInt32? { place?.slot }

    /// Bytes of all its tables that an instance keeps for its next life, besides what its module
    /// begins with: one whose tables have had more goes as a whole…
    private static var tableBytesKept: UInt64 { 1 << 20 }
    /// …and one in a pool gives back what is beyond this, where there are many of them.
    private static var placedTableBytesKept: UInt64 { 64 << 10 }

    private func resetTable(
        _ table: ReferenceTable, _ index: Int, of module: LoadedModule,
        keeping bytes: inout UInt64
    ) -> Bool {
        let isStatic = module.template.isStatic
        if isStatic, !table.isChanged, !module.writesTables, !hasSharedTables { return true }
        guard table.clear(keeping: &bytes) else { return false }
        if isStatic { fill(table, module.template.tables[index]) }
        return true
    }

    /// Writes the first elements of a table that is all null.
    private func fill(_ table: ReferenceTable, _ first: [UInt32]) {
        // SAFETY: only the address is taken; the records of functions are where the layout has
        // them.
        let start = UInt64(UInt(bitPattern: unsafe context))
        let funcrefs = module.layout
        for (position, ordinal) in first.enumerated() where ordinal != 0 {
            let offset = UInt64(funcrefs.funcref(Int(ordinal) - 1))
            _ = table.set(UInt64(position), start &+ offset)
        }
        table.noteReset()
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
        let item = withModule { module in
            module.module.exports.first { ExactName($0.name) == name }?.item
        }
        return item.flatMap { self.item($0) }
    }

    /// What `index` means in this instance; nil for a function that does not escape.
    public func item(_ index: ExternalIndex) -> ExternalItem? {
        switch index {
        case .function(let index): function(Int(index)).map { .function($0) }
        case .table(let index): .table(share(tables[Int(index)]))
        case .memory(let index): .memory(memories[Int(index)])
        case .global(let index): .global(globals[Int(index)])
        case .tag(let index): .tag(tags[Int(index)])
        }
    }

    private func share(_ table: ReferenceTable) -> ReferenceTable {
        hasSharedTables = true
        return table
    }

    /// The reference to function `index`, which must be one whose reference can be taken.
    public func function(_ index: Int) -> FunctionReference? {
        withModule { $0.ordinal(ofFunction: index) }.map { reference(toEscaping: $0) }
    }

    /// The reference to the escaping function at position `ordinal` of the module's list of them.
    func reference(toEscaping ordinal: Int) -> FunctionReference {
        // SAFETY: the layout has a record for each function that escapes, and `ContextWriter` has
        // written it. The store keeps the context as long as references are of use.
        let offset = Int(withModule { $0.layout.funcref(ordinal) })
        let record = unsafe (UnsafeMutableRawPointer(context) + offset)
            .assumingMemoryBound(to: apus_funcref.self)
        return unsafe FunctionReference(record)
    }

    // MARK: Segments

    // As its request had them.

    private var dataBytes: ByteStorage { substitute?.dataBytes ?? module.module.bytes }
    var dataSegments: [DataSegment] { substitute?.dataSegments ?? module.module.data }

    // `mayGoOn` is asked now and then; the work ends unfinished where it answers false.

    /// Copies a data segment into a memory. Returns false, changing nothing, if it does not fit.
    func initializeMemory(
        _ memory: Int, fromSegment segment: Int, at destination: UInt64, mayGoOn: () -> Bool
    ) -> Bool {
        let contents = dataSegments[segment].contents
        let bytes = dataBytes
        let memory = memories[memory]
        guard memory.contains(destination, count: UInt64(contents.count)) else { return false }
        Pieces.forEach(
            in: contents.count, of: Pieces.bytes, mayGoOn: mayGoOn
        ) { offset, length in
            let start = contents.lowerBound + offset
            let piece = bytes.span.extracting(start..<(start + length))
            _ = memory.write(piece, at: destination &+ UInt64(offset))
        }
        return true
    }

    // SAFETY: the records lie within the context; the module or the substitute, which its instances
    // keep, keeps the bytes, which nobody writes.
    /// Writes the records of the passive segments, from which code copies as from memories.
    private func writeDataSegments(of module: LoadedModule) {
        guard module.layout.passiveDataCount > 0 else { return }
        let bytes = dataBytes
        for (index, segment) in dataSegments.enumerated()
        where module.layout.hasRecord(ofData: index) {
            let record = unsafe dataRecord(index)
            unsafe record.pointee.base = bytes.address(at: segment.contents)
            unsafe record.pointee.bytes = UInt64(segment.contents.count)
        }
    }

    /// Nothing is left of a segment that is dropped; active ones have been long ago.
    func dropData(_ segment: Int) {
        // SAFETY: the segment has a record; only this thread reads it.
        guard module.layout.hasRecord(ofData: segment) else { return }
        unsafe dataRecord(segment).pointee.bytes = 0
    }

    private func dataRecord(_ segment: Int) -> UnsafeMutablePointer<apus_memory> {
        // SAFETY: callers ask first whether the layout has a record for the segment.
        let offset = Int(module.layout.dataSegment(segment))
        return unsafe (UnsafeMutableRawPointer(context) + offset)
            .assumingMemoryBound(to: apus_memory.self)
    }

    // SAFETY: the allocation has room for all elements of passive segments, and lives as long as
    // the instance; the records lie within the context.
    /// Evaluates the passive element segments and writes their records, from which code copies as
    /// from tables. Specification: 4.7.2 “Instantiation”.
    func writeElementSegments() throws {
        let total = module.template.passiveElementCount
        guard module.layout.passiveElementCount > 0 else { return }
        if unsafe segmentElements == nil, total > 0 {
            guard let fresh = unsafe apus_allocate(UInt64(total) &* 8) else {
                throw ResourceError(.table, requested: UInt64(total))
            }
            unsafe segmentElements = fresh.assumingMemoryBound(to: UInt64.self)
        }
        var next = unsafe segmentElements
        for (index, segment) in module.module.elements.enumerated()
        where module.layout.hasRecord(ofElements: index) {
            let count = segment.initializers.count
            let record = unsafe elementRecord(index)
            unsafe record.pointee.elements = next
            unsafe record.pointee.count = UInt64(count)
            guard let first = unsafe next, count > 0 else { continue }
            try unsafe evaluate(segment.initializers, into: first)
            if count > Pieces.elements { try store.checkInterruption() }
            unsafe next = first + count
        }
    }

    /// Calls `visit` with all references of the passive element segments.
    func forEachSegmentWord(_ visit: (UInt64) -> Void) {
        // SAFETY: so many elements were allocated, zeros at first.
        guard let first = unsafe segmentElements else { return }
        for place in 0..<module.template.passiveElementCount { visit(unsafe first[place]) }
    }

    // SAFETY: whether there are any is asked, and nothing is read.
    /// How many there are of these, those of dropped segments included.
    var segmentWordCount: Int {
        unsafe segmentElements == nil ? 0 : module.template.passiveElementCount
    }

    /// As far as the store may go on.
    private func evaluate(
        _ elements: ElementSegment.Initializers, into first: UnsafeMutablePointer<UInt64>
    ) throws {
        // SAFETY: the caller has room for as many elements from `first` on.
        try Pieces.forEach(
            in: elements.count, of: Pieces.elements, mayGoOn: { store.mayGoOn }
        ) { offset, length in
            for position in offset..<offset + length {
                try unsafe first[position] = reference(elements, position)
            }
        }
    }

    private func elementRecord(_ segment: Int) -> UnsafeMutablePointer<apus_table> {
        // SAFETY: callers ask first whether the layout has a record for the segment.
        let offset = Int(module.layout.elementSegment(segment))
        return unsafe (UnsafeMutableRawPointer(context) + offset)
            .assumingMemoryBound(to: apus_table.self)
    }

    /// Nothing is left of a segment that is dropped, and nothing is kept by it.
    func dropElements(_ segment: Int) {
        // SAFETY: the segment has a record, with so many elements; only this thread reads it.
        guard module.layout.hasRecord(ofElements: segment) else { return }
        let record = unsafe elementRecord(segment)
        let count = unsafe Int(record.pointee.count)
        unsafe record.pointee.elements?.update(repeating: 0, count: count)
        unsafe record.pointee.count = 0
    }

    /// Copies an active element segment into a table. Returns false, changing nothing, if it does
    /// not fit.
    func initializeTable(
        _ table: Int, fromSegment segment: Int, at destination: UInt64, mayGoOn: () -> Bool
    ) throws -> Bool {
        let elements = module.module.elements[segment].initializers
        let table = tables[table]
        guard table.contains(destination, UInt64(elements.count)) else { return false }
        try Pieces.forEach(
            in: elements.count, of: Pieces.elements, mayGoOn: mayGoOn
        ) { offset, length in
            for position in offset..<(offset + length) {
                let value = try reference(elements, position)
                _ = table.set(destination &+ UInt64(position), value)
            }
        }
        return true
    }

    private func reference(
        _ elements: ElementSegment.Initializers, _ position: Int
    ) throws -> UInt64 {
        switch elements {
        case .functions(let indices): function(Int(indices[position]))?.bits ?? 0
        case .expressions(let expressions): try evaluate(expressions[position]).low
        }
    }
}
