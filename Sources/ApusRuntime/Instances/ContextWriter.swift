internal import ApusABI
internal import ApusCollections
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

    // SAFETY: the allocator gives `base` to one instance, which keeps it as long as this writes.
    init(_ base: UnsafeMutableRawPointer, _ module: LoadedModule) {
        unsafe self.base = base
        self.module = module
    }

    /// Where compiled code looks for memory `index`, which the module defines.
    func memoryRecord(_ index: Int) -> UnsafeMutablePointer<apus_memory> {
        // SAFETY: the layout has a record there, for memories that the module defines.
        unsafe field(layout.memory(index), apus_memory.self)
    }

    /// Leads compiled code to the record of memory `index`, which the module defines and others
    /// may have, too.
    func writeShared(_ memory: LinearMemory, _ index: Int) {
        // SAFETY: of a shared memory, the layout has an address in the place of the record. The
        // instance keeps the memory, and so its record.
        unsafe field(layout.memory(index), UnsafeMutableRawPointer.self).pointee =
            UnsafeMutableRawPointer(memory.record)
    }

    /// Where compiled code looks for table `index`, which the module defines.
    func tableRecord(_ index: Int) -> UnsafeMutablePointer<apus_table> {
        // SAFETY: the layout has a record there, for tables that the module defines.
        unsafe field(layout.table(index), apus_table.self)
    }

    /// The globals that the module defines, in the context.
    func makeGlobals() throws(ResourceError) -> [GlobalCell] {
        // SAFETY: the layout has 16 bytes for each global that the module defines; the instance
        // keeps its context as long as it keeps the cells.
        let decoded = module.module
        var globals: [GlobalCell] = []
        for index in decoded.importedGlobalCount..<decoded.globals.count {
            globals.append(
                try unsafe GlobalCell(
                    module.resolve(decoded.globals[index]),
                    at: unsafe field(layout.global(index), UInt64.self)))
        }
        return globals
    }

    /// Writes what stays the same for all stores that the instance may be bound to.
    func writeConstantPart(_ request: InstanceAllocationRequest, owner: InstanceState) {
        // SAFETY: the head comes first in each context. The environment keeps the stubs; the owner
        // takes its context along when it goes.
        let trampolines = module.environment.trampolines
        let head = unsafe field(0, apus_context.self)
        unsafe head.pointee.runtime_functions = RuntimeFunctions.table
        unsafe head.pointee.runtime_call = UnsafeRawPointer(bitPattern: trampolines.runtimeCall)
        unsafe head.pointee.trap_exit = UnsafeRawPointer(bitPattern: trampolines.trapExit)
        unsafe head.pointee.tail_return = UnsafeRawPointer(bitPattern: trampolines.tailReturn)
        unsafe head.pointee.owner = Unmanaged.passUnretained(owner).toOpaque()
        writeSignatures(request.sharedSignatures)
        writeFunctionReferences(request, owner: owner)
    }

    // SAFETY: the layout has an address there.
    /// Where compiled code finds the bytes that say where to stop; nil if it does not look.
    var stops: UnsafeMutablePointer<UInt>? {
        guard let offset = layout.stops else { return nil }
        return unsafe field(offset, UInt.self)
    }

    /// Writes what is imported, but functions.
    func writeImports(_ imports: Imports) {
        // SAFETY: the layout has an address for each import; linking has seen to it that there are
        // as many as the module wants. Their owners belong to the same store, or are shared and
        // kept.
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
        writeTags(imports.tags, from: 0)
    }

    /// Writes the addresses of tags, of which the first has the index `start`.
    func writeTags(_ tags: [ExceptionTag], from start: Int) {
        // SAFETY: the layout has an address for each tag; the instance keeps them.
        for (place, tag) in tags.enumerated() {
            unsafe field(layout.tag(start + place), UnsafeRawPointer.self).pointee =
                tag.address
        }
    }

    /// Writes the functions that are imported, those of the host from `contexts`, and function
    /// values of those that escape: these are copies of their definitions', so that calls through
    /// them go straight there.
    func writeFunctionImports(_ imports: Imports, _ contexts: borrowing HostContexts) {
        // SAFETY: the layout has a record for each import and for each function that escapes.
        for index in 0..<module.module.importedFunctionCount {
            let record = unsafe record(index, imports, contexts)
            let slot = unsafe field(layout.functionImport(index), apus_function_import.self)
            unsafe slot.pointee.code = record.pointee.code
            unsafe slot.pointee.context = record.pointee.context
        }
        for (ordinal, function) in module.module.escapingFunctions.enumerated() {
            guard Int(function) < module.module.importedFunctionCount else { break }
            unsafe field(layout.funcref(ordinal), apus_funcref.self).pointee =
                record(Int(function), imports, contexts).pointee
        }
    }

    private func record(
        _ index: Int, _ imports: Imports, _ contexts: borrowing HostContexts
    ) -> UnsafeMutablePointer<apus_funcref> {
        // SAFETY: the record of a function of wasm is in its instance's context, that of one of the
        // host's in `contexts`; both live as long as the store.
        if index < imports.functions.count, let function = imports.functions[index] {
            return unsafe function.record
        }
        return unsafe contexts.record(index)
    }

    private func writeSignatures(_ signatures: SharedTypes) {
        // SAFETY: the layout has an id for each type of the module, and there are as many.
        for (index, id) in signatures.ids.enumerated() {
            unsafe field(layout.signature(index), UInt32.self).pointee = id
        }
    }

    /// Function values of the escaping functions that the module defines.
    private func writeFunctionReferences(
        _ request: InstanceAllocationRequest, owner: InstanceState
    ) {
        // SAFETY: the layout has a record for each function that escapes; their indices and types
        // are the module's. The owner takes its context along when it goes.
        let decoded = module.module
        let functions = request.functions
        let base = functions.imageBase
        let types = request.sharedSignatures
        let own = unsafe Unmanaged.passUnretained(owner).toOpaque()
        for (ordinal, function) in decoded.escapingFunctions.enumerated() {
            let index = Int(function)
            if index < decoded.importedFunctionCount { continue }
            let record = unsafe field(layout.funcref(ordinal), apus_funcref.self)
            let start = functions.codeStart(index - decoded.importedFunctionCount)
            unsafe record.pointee.code = UnsafeMutableRawPointer(bitPattern: base &+ UInt(start))
            unsafe record.pointee.context = field(0, apus_context.self)
            unsafe record.pointee.signature = types.ids[Int(decoded.functions[index])]
            unsafe record.pointee.function_index = function
            unsafe record.pointee.owner = own
        }
    }

    private func field<Field>(_ offset: Int32, _: Field.Type) -> UnsafeMutablePointer<Field> {
        // SAFETY: callers take `offset` from the layout, which has a `Field` there, aligned.
        unsafe (base + Int(offset)).assumingMemoryBound(to: Field.self)
    }
}
