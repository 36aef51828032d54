internal import ApusABI
internal import ApusCollections
internal import ApusFormat
internal import CApusHost

/// How far an instance has come.
public enum InstancePhase: Sendable {
    /// It has its places; its globals, tables and memories may be as they were made.
    case allocated
    /// It is being given its first contents. If that fails it stays so.
    case initializing
    /// All but the start function is done, which may run: it may be used.
    case ready
}

/// What an instance defines, and what it imports before that.
struct InstanceParts {
    var memories: [LinearMemory] = []
    var tables: [ReferenceTable] = []
    var globals: [GlobalCell] = []
    var tags: [ExceptionTag] = []
    var exportedMemory: LinearMemory?

    // SAFETY: the records lie in the context that the instance keeps as long as its parts.
    /// What the request's module defines, from `allocator`, in the records of the context that
    /// `writer` fills. The store hears of what could not be had.
    init(
        _ request: InstanceAllocationRequest, by allocator: some InstanceAllocator,
        _ writer: ContextWriter, _ place: InstancePlace?, _ images: [MemoryImage?]?
    ) throws(ResourceError) {
        let module = request.module
        let decoded = module.module
        let configuration = module.environment.configuration
        var made = 0
        do throws(ResourceError) {
            for index in decoded.importedMemoryCount..<decoded.memories.count {
                let own = memories.count
                let type = decoded.memories[index]
                let memory = try allocator.allocateMemory(
                    unsafe MemoryRequest(
                        type, configuration, index: own, place: place,
                        record: type.isShared ? nil : writer.memoryRecord(index),
                        image: images?[own]))
                if type.isShared { writer.writeShared(memory, index) }
                memories.append(memory)
                made += 1
            }
            for index in decoded.importedTableCount..<decoded.tables.count {
                tables.append(
                    try allocator.allocateTable(
                        unsafe TableRequest(
                            module.resolve(decoded.tables[index]), configuration,
                            index: tables.count, place: place,
                            record: writer.tableRecord(index))))
                made += 1
            }
        } catch {
            request.store.failed(module.demand[made], error)
            throw error
        }
        globals = try writer.makeGlobals()
        tags = (decoded.importedTagCount..<decoded.tags.count).map { number in
            let type = decoded.tags[number]
            return ExceptionTag(
                module.functionType(type), signature: module.sharedTypes.ids[Int(type)],
                definedBy: (module, number))
        }
        writer.writeTags(tags, from: decoded.importedTagCount)
    }
}
