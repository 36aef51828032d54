internal import ApusABI
internal import ApusFormat
internal import CApusHost

/// Fills the context of a new instance, as `ContextLayout` lays it out.
@safe
struct ContextWriter {
    // SAFETY: `base` is a zeroed allocation of `layout.size` bytes, aligned to 16; all offsets come
    // from that layout, for indices that the module declares.
    private let base: UnsafeMutableRawPointer
    private let module: LoadedModule
    private var layout: ContextLayout { module.layout }

    init(_ base: UnsafeMutableRawPointer, _ module: LoadedModule) {
        unsafe self.base = base
        self.module = module
    }

    /// What an instance has, imported things first.
    struct Parts {
        var memories: [LinearMemory]
        var tables: [ReferenceTable]
        var globals: [GlobalCell]
    }

    /// Makes the memories, tables and globals that the module defines, in the context's records.
    func makeParts(_ request: InstanceAllocationRequest) throws(ResourceError) -> Parts {
        let decoded = module.module
        let configuration = module.environment.configuration
        var parts = Parts(
            memories: request.imports.memories, tables: request.imports.tables,
            globals: request.imports.globals)
        for index in decoded.importedMemoryCount..<decoded.memories.count {
            parts.memories.append(
                try unsafe LinearMemory(
                    decoded.memories[index], limit: configuration.memoryBytesLimit,
                    alwaysChecksBounds: configuration.alwaysChecksBounds,
                    record: unsafe field(layout.memory(index), apus_memory.self)))
        }
        for index in decoded.importedTableCount..<decoded.tables.count {
            parts.tables.append(
                try unsafe ReferenceTable(
                    module.resolve(decoded.tables[index]), initial: 0,
                    limit: configuration.tableElementsLimit,
                    record: unsafe field(layout.table(index), apus_table.self)))
        }
        for index in decoded.importedGlobalCount..<decoded.globals.count {
            parts.globals.append(
                try unsafe GlobalCell(
                    module.resolve(decoded.globals[index]),
                    at: unsafe field(layout.global(index), UInt64.self)))
        }
        return parts
    }

    func writeHead(
        _ request: InstanceAllocationRequest, owner: InstanceState, memories: [LinearMemory]
    ) {
        let trampolines = module.environment.trampolines
        let head = unsafe field(0, apus_context.self)
        unsafe head.pointee.stack_limit = .max
        if let memory = memories.first {
            unsafe head.pointee.memory_base = memory.record.pointee.base
        }
        unsafe head.pointee.store_context = request.store.context
        unsafe head.pointee.runtime_functions = RuntimeFunctions.table
        unsafe head.pointee.runtime_call = UnsafeRawPointer(bitPattern: trampolines.runtimeCall)
        unsafe head.pointee.trap_exit = UnsafeRawPointer(bitPattern: trampolines.trapExit)
        unsafe head.pointee.tail_return = UnsafeRawPointer(bitPattern: trampolines.tailReturn)
        unsafe head.pointee.owner = Unmanaged.passUnretained(owner).toOpaque()
    }

    func writeImports(_ imports: Imports) {
        for (index, function) in imports.functions.enumerated() {
            let slot = unsafe field(layout.functionImport(index), apus_function_import.self)
            unsafe slot.pointee.code = function.record.pointee.code
            unsafe slot.pointee.context = function.record.pointee.context
        }
        for (index, table) in imports.tables.enumerated() {
            unsafe field(layout.tableImport(index), UnsafeMutableRawPointer.self).pointee =
                UnsafeMutableRawPointer(table.record)
        }
        for (index, memory) in imports.memories.enumerated() {
            unsafe field(layout.memoryImport(index), UnsafeMutableRawPointer.self).pointee =
                UnsafeMutableRawPointer(memory.record)
        }
        for (index, global) in imports.globals.enumerated() {
            unsafe field(layout.globalImport(index), UnsafeMutableRawPointer.self).pointee =
                UnsafeMutableRawPointer(global.address)
        }
    }

    func writeSignatures() {
        for (index, id) in module.sharedSignatures.ids.enumerated() {
            unsafe field(layout.signature(index), UInt32.self).pointee = id
        }
    }

    /// Function values of the escaping functions. An imported one is a copy of its definition's,
    /// so that calls through it go straight there.
    func writeFunctionReferences(owner: InstanceState, _ imports: Imports) {
        let decoded = module.module
        let own = unsafe Unmanaged.passUnretained(owner).toOpaque()
        for (ordinal, function) in decoded.escapingFunctions.enumerated() {
            let index = Int(function)
            let record = unsafe field(layout.funcref(ordinal), apus_funcref.self)
            if index < decoded.importedFunctionCount {
                unsafe record.pointee = imports.functions[index].record.pointee
                continue
            }
            unsafe record.pointee.code = UnsafeMutableRawPointer(
                bitPattern: module.codeAddress(ofFunction: index))
            unsafe record.pointee.context = field(0, apus_context.self)
            unsafe record.pointee.signature =
                module.sharedSignatures.ids[Int(decoded.functions[index])]
            unsafe record.pointee.function_index = function
            unsafe record.pointee.owner = own
        }
    }

    private func field<Field>(_ offset: Int32, _: Field.Type) -> UnsafeMutablePointer<Field> {
        unsafe (base + Int(offset)).assumingMemoryBound(to: Field.self)
    }
}
