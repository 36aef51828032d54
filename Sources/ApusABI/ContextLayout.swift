internal import ApusCollections
public import ApusFormat
internal import CApusHost

/// Offsets of the fields of C records that compiled code touches, read from the C header itself
/// and folded to constants by the compiler.
public enum ContextField {
    // SAFETY: of each record only the layout is asked; nothing is read or written.
    public static var stackLimit: Int32 {
        offset(unsafe MemoryLayout.offset(of: \apus_context.stack_limit))
    }
    public static var memoryBase: Int32 {
        offset(unsafe MemoryLayout.offset(of: \apus_context.memory_base))
    }
    public static var storeContext: Int32 {
        offset(unsafe MemoryLayout.offset(of: \apus_context.store_context))
    }
    public static var runtimeFunctions: Int32 {
        offset(unsafe MemoryLayout.offset(of: \apus_context.runtime_functions))
    }
    public static var runtimeCall: Int32 {
        offset(unsafe MemoryLayout.offset(of: \apus_context.runtime_call))
    }
    public static var tailReturn: Int32 {
        offset(unsafe MemoryLayout.offset(of: \apus_context.tail_return))
    }
    public static var trapExit: Int32 {
        offset(unsafe MemoryLayout.offset(of: \apus_context.trap_exit))
    }
    public static var owner: Int32 { offset(unsafe MemoryLayout.offset(of: \apus_context.owner)) }
}

/// Offsets within `apus_host_context`.
public enum HostField {
    // SAFETY: of the record only the layout is asked; nothing is read or written.
    public static var closureCode: Int32 {
        offset(unsafe MemoryLayout.offset(of: \apus_host_context.closure_code))
    }
    public static var closureState: Int32 {
        offset(unsafe MemoryLayout.offset(of: \apus_host_context.closure_state))
    }
    public static var closureFailed: Int32 {
        offset(unsafe MemoryLayout.offset(of: \apus_host_context.closure_failed))
    }
}

/// Offsets within `apus_function_import`.
public enum FunctionImportField {
    // SAFETY: of the record only the layout is asked; nothing is read or written.
    public static var code: Int32 {
        offset(unsafe MemoryLayout.offset(of: \apus_function_import.code))
    }
    public static var context: Int32 {
        offset(unsafe MemoryLayout.offset(of: \apus_function_import.context))
    }
}

/// Offsets within `apus_funcref`.
public enum FuncrefField {
    // SAFETY: of the record only the layout is asked; nothing is read or written.
    public static var code: Int32 { offset(unsafe MemoryLayout.offset(of: \apus_funcref.code)) }
    public static var context: Int32 {
        offset(unsafe MemoryLayout.offset(of: \apus_funcref.context))
    }
    public static var signature: Int32 {
        offset(unsafe MemoryLayout.offset(of: \apus_funcref.signature))
    }
}

/// Offsets within `apus_store_context`.
public enum StoreField {
    /// Reasons for calls of the host to take the long way: bits of `attention`.
    public static var reasonsAtHostCalls: Int32 {
        Int32(apus_attention_collect.rawValue | apus_attention_hook.rawValue)
    }
    // SAFETY: of the record only the layout is asked; nothing is read or written.
    public static var attention: Int32 {
        offset(unsafe MemoryLayout.offset(of: \apus_store_context.attention))
    }
    public static var entryStackPointer: Int32 {
        offset(unsafe MemoryLayout.offset(of: \apus_store_context.entry_sp))
    }
    public static var landing: Int32 {
        offset(unsafe MemoryLayout.offset(of: \apus_store_context.landing))
    }
    public static var entryFramePointer: Int32 {
        offset(unsafe MemoryLayout.offset(of: \apus_store_context.entry_fp))
    }
    public static var exitFramePointer: Int32 {
        offset(unsafe MemoryLayout.offset(of: \apus_store_context.exit_fp))
    }
    public static var exitProgramCounter: Int32 {
        offset(unsafe MemoryLayout.offset(of: \apus_store_context.exit_pc))
    }
    public static var fuel: Int32 {
        offset(unsafe MemoryLayout.offset(of: \apus_store_context.fuel))
    }
    public static var requests: Int32 {
        offset(unsafe MemoryLayout.offset(of: \apus_store_context.requests))
    }
    public static var trap: Int32 {
        offset(unsafe MemoryLayout.offset(of: \apus_store_context.trap))
    }
    public static var types: Int32 {
        offset(unsafe MemoryLayout.offset(of: \apus_store_context.types))
    }
    public static var heapNext: Int32 {
        offset(unsafe MemoryLayout.offset(of: \apus_store_context.heap_next))
    }
    public static var heapLimit: Int32 {
        offset(unsafe MemoryLayout.offset(of: \apus_store_context.heap_limit))
    }
    public static var heapMarks: Int32 {
        offset(unsafe MemoryLayout.offset(of: \apus_store_context.heap_marks))
    }
    public static var allocate: Int32 {
        offset(unsafe MemoryLayout.offset(of: \apus_store_context.allocate))
    }
    public static var catchFramePointer: Int32 {
        offset(unsafe MemoryLayout.offset(of: \apus_store_context.catch_fp))
    }
    /// Of the first of `CallingConvention.calleeSaved`; the others follow.
    public static var catchSaved: Int32 {
        offset(unsafe MemoryLayout.offset(of: \apus_store_context.catch_saved))
    }
    public static var exception: Int32 {
        offset(unsafe MemoryLayout.offset(of: \apus_store_context.exception))
    }
    public static var frame: Int32 {
        offset(unsafe MemoryLayout.offset(of: \apus_store_context.frame))
    }
}

/// Offsets within `apus_exception`.
public enum ExceptionField {
    // SAFETY: of the record only the size is asked.
    /// Of the first of the values that it carries, which lie one after the other as
    /// `ArgumentLayout.cellOffsets` says.
    public static var values: Int32 { Int32(unsafe MemoryLayout<apus_exception>.size) }
}

/// Offsets within `apus_type`, and how a type's record is found.
public enum TypeField {
    /// Bits of an id that hold its slot.
    public static var slotBits: UInt32 { 21 }
    public static var slotMask: UInt32 { 1 << slotBits - 1 }
    /// Binary logarithm of a record's size.
    public static var recordSizeLog2: Int { 6 }
    // SAFETY: of the record only the layout is asked; nothing is read or written.
    /// Where the ids of supertypes from the top on begin: the first `nearCount` of them.
    public static var display: Int32 {
        offset(unsafe MemoryLayout.offset(of: \apus_type.display))
    }
    public static var kind: Int32 { offset(unsafe MemoryLayout.offset(of: \apus_type.kind)) }
    /// Of an array's elements each; 32 bits.
    public static var bytes: Int32 { offset(unsafe MemoryLayout.offset(of: \apus_type.bytes)) }
    /// The address of the others.
    public static var far: Int32 { offset(unsafe MemoryLayout.offset(of: \apus_type.far)) }
    public static var nearCount: Int { Int(apus_type_near) }
    /// Where the id of a type's supertype at `depth` is: in its record, or in what `far` names.
    public static func supertype(atDepth depth: Int) -> (isFar: Bool, offset: Int32) {
        let isFar = depth >= nearCount
        let position = Int32(truncatingIfNeeded: isFar ? depth - nearCount : depth)
        return (isFar, (isFar ? 0 : display) + 4 * position)
    }
    /// The most supertypes that are above a type.
    public static var depthLimit: Int { Int(apus_type_depth) }
}

@inline(__always)
private func offset(_ value: Int?) -> Int32 { Int32(truncatingIfNeeded: value ?? 0) }

/// Where everything lies in the context of a module's instances, from r15.
///
/// After the fixed head (`apus_context`) come, each group aligned to 16 bytes:
/// imported functions (16 bytes each: code, context); imported tables, memories and globals
/// (8 bytes each: the address of the definition); own tables and memories (16 bytes each,
/// `apus_table` and `apus_memory`; of a shared memory the address of its record, which others have
/// as well); the passive data segments (16 bytes each, as if they were
/// memories, and one of no bytes that stands for all others); the passive element segments
/// likewise, as if they were tables; own globals (16 bytes each, the value
/// in the low bytes);
/// the addresses of all tags, imported ones first (8 bytes each);
/// engine-wide signature ids (4 bytes per type); `apus_funcref` records of the escaping functions;
/// where code has stop points, the address of the bytes that say where to stop.
public struct ContextLayout: Sendable {
    public let functionImports: Int32
    public let tableImports: Int32
    public let memoryImports: Int32
    public let globalImports: Int32
    public let tables: Int32
    public let memories: Int32
    public let dataSegments: Int32
    public let elementSegments: Int32
    public let globals: Int32
    public let tags: Int32
    public let signatures: Int32
    public let funcrefs: Int32
    /// Of the address of a byte for each byte of the module's code: not 0 where an instruction
    /// begins before which to stop. Nil if code does not look.
    public let stops: Int32?
    /// The bytes of the module that these bytes are about: all that there is of its code.
    public let stopRange: Range<Int>
    /// Size of the whole context in bytes.
    public let size: Int32

    public let importedTableCount: Int32
    public let importedMemoryCount: Int32
    public let importedGlobalCount: Int32
    /// Of each memory that the module defines, whether it is shared.
    private let areShared: [Bool]
    /// Of each data segment, its place among the passive ones; -1 of others.
    private let passiveData: [Int32]
    /// How many data segments have records of their own.
    public let passiveDataCount: Int32
    /// The same of element segments.
    private let passiveElements: [Int32]
    public let passiveElementCount: Int32

    // SAFETY: of the record only the size is asked.
    private static var funcrefSize: Int { unsafe MemoryLayout<apus_funcref>.size }

    public init(_ module: DecodedModule, hasStopPoints: Bool = false) {
        importedTableCount = Int32(module.importedTableCount)
        importedMemoryCount = Int32(module.importedMemoryCount)
        importedGlobalCount = Int32(module.importedGlobalCount)
        // SAFETY: of the record only the size is asked.
        var next = Int32(unsafe MemoryLayout<apus_context>.size)
        func group(_ count: Int, of size: Int) -> Int32 {
            let start = (next + 15) & ~15
            next = start + Int32(count * size)
            return start
        }
        functionImports = group(module.importedFunctionCount, of: 16)
        tableImports = group(module.importedTableCount, of: 8)
        memoryImports = group(module.importedMemoryCount, of: 8)
        globalImports = group(module.importedGlobalCount, of: 8)
        tables = group(module.tables.count - module.importedTableCount, of: 16)
        memories = group(module.memories.count - module.importedMemoryCount, of: 16)
        areShared = module.memories.dropFirst(module.importedMemoryCount).map(\.isShared)
        (passiveData, passiveDataCount) = Self.number(module.data.map { $0.mode == .passive })
        dataSegments = group(module.data.isEmpty ? 0 : Int(passiveDataCount) + 1, of: 16)
        (passiveElements, passiveElementCount) = Self.number(
            module.elements.map { $0.mode == .passive })
        elementSegments = group(
            module.elements.isEmpty ? 0 : Int(passiveElementCount) + 1, of: 16)
        globals = group(module.globals.count - module.importedGlobalCount, of: 16)
        tags = group(module.tags.count, of: 8)
        signatures = group(module.types.count, of: 4)
        funcrefs = group(module.escapingFunctions.count, of: Self.funcrefSize)
        stops = hasStopPoints ? group(1, of: 8) : nil
        stopRange = hasStopPoints ? Self.codeRange(of: module) : 0..<0
        size = (next + 15) & ~15
    }

    /// From the first byte of a body to the last one: bodies that were rewritten lie behind others.
    private static func codeRange(of module: DecodedModule) -> Range<Int> {
        let start = module.bodies.map(\.start).min() ?? 0
        let end = module.bodies.map(\.end).max() ?? 0
        return Int(start)..<max(Int(start), Int(end))
    }

    /// Of each segment its place among the passive ones, -1 of others; and how many these are.
    private static func number(_ arePassive: [Bool]) -> ([Int32], Int32) {
        var count: Int32 = 0
        let numbers = arePassive.map { isPassive in
            guard isPassive else { return Int32(-1) }
            defer { count += 1 }
            return count
        }
        return (numbers, count)
    }

    /// Of the record `apus_function_import` of imported function `index`.
    public func functionImport(_ index: Int) -> Int32 { functionImports + Int32(index) * 16 }
    /// Of the address of imported table `index`.
    public func tableImport(_ index: Int) -> Int32 { tableImports + Int32(index) * 8 }
    /// Of the address of imported memory `index`.
    public func memoryImport(_ index: Int) -> Int32 { memoryImports + Int32(index) * 8 }
    /// Of the address of imported global `index`.
    public func globalImport(_ index: Int) -> Int32 { globalImports + Int32(index) * 8 }
    /// Of the record of a table, memory or global that the module defines; `index` counts imports.
    public func table(_ index: Int) -> Int32 { tables + (Int32(index) - importedTableCount) * 16 }
    /// Where functions of the runtime find the record of table `index`: an offset, plus 1 if it is
    /// only the record's address that is there.
    public func tablePlace(_ index: Int) -> UInt32 {
        index < Int(importedTableCount)
            ? UInt32(bitPattern: tableImport(index)) | 1 : UInt32(bitPattern: table(index))
    }
    /// Where functions of the runtime find the record of element segment `index`, as they find
    /// that of a table. Others than passive ones have been dropped before any code could ask.
    public func elementPlace(_ index: Int) -> UInt32 { UInt32(bitPattern: elementSegment(index)) }
    /// Of the record of element segment `index`, in the form of a table's.
    public func elementSegment(_ index: Int) -> Int32 {
        elementSegments + (passiveElements[index] + 1) * 16
    }
    /// Whether element segment `index` has a record of its own.
    public func hasRecord(ofElements index: Int) -> Bool { passiveElements[index] >= 0 }
    /// Of the record of a memory that the module defines; `index` counts imports.
    public func memory(_ index: Int) -> Int32 {
        memories + (Int32(index) - importedMemoryCount) * 16
    }
    /// Of the address of the record of memory `index`; nil if the record itself is in the context.
    public func memoryPointer(_ index: Int) -> Int32? {
        if index < Int(importedMemoryCount) { return memoryImport(index) }
        return areShared[index - Int(importedMemoryCount)] ? memory(index) : nil
    }
    /// Where functions of the runtime find the record of memory `index`: an offset, plus 1 if it
    /// is only the record's address that is there.
    public func memoryPlace(_ index: Int) -> UInt32 {
        memoryPointer(index).map { UInt32(bitPattern: $0) | 1 }
            ?? UInt32(bitPattern: memory(index))
    }
    /// Where functions of the runtime find the record of data segment `index`, as they find that of
    /// a memory. Active segments have been dropped before any code could ask for them.
    public func dataPlace(_ index: Int) -> UInt32 { UInt32(bitPattern: dataSegment(index)) }
    /// Of the record of data segment `index`, in the form of a memory's.
    public func dataSegment(_ index: Int) -> Int32 {
        dataSegments + (passiveData[index] + 1) * 16
    }
    /// Whether data segment `index` has a record of its own.
    public func hasRecord(ofData index: Int) -> Bool { passiveData[index] >= 0 }
    /// Of the value of a global that the module defines; `index` counts imports.
    public func global(_ index: Int) -> Int32 {
        globals + (Int32(index) - importedGlobalCount) * 16
    }
    /// Of the address of tag `index`.
    public func tag(_ index: Int) -> Int32 { Self.tag(index, from: tags) }
    /// The same where that of the first tag is at `first`.
    @inline(__always)
    public static func tag(_ index: Int, from first: Int32) -> Int32 {
        first &+ Int32(truncatingIfNeeded: index) &* 8
    }
    /// Of the engine-wide id of type `index`.
    public func signature(_ index: Int) -> Int32 { signatures + Int32(index) * 4 }
    /// Of the funcref record of the `ordinal`-th escaping function.
    public func funcref(_ ordinal: Int) -> Int32 {
        funcrefs + Int32(ordinal * Self.funcrefSize)
    }
}
