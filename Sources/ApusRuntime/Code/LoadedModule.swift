public import ApusABI
internal import ApusCollections
public import ApusFormat
internal import CApusHost

/// A module whose code is in executable memory: what instances are made from.
///
/// Made by `Apus` from what the compilers gave; shared by all its instances, in any number of
/// stores and threads.
@safe
public final class LoadedModule: @unchecked Sendable {
    // SAFETY: everything is set in init, before others see it, and never changed; the arenas are
    // read only.
    public let module: DecodedModule
    public let layout: ContextLayout
    /// Engine-wide ids of the module's types.
    public let sharedTypes: SharedTypes
    /// Address of the first byte of code.
    public let imageBase: UInt
    /// Bytes of code.
    public let codeBytes: Int
    /// Function types of the module by type index, as the engine's other modules see them.
    private let functionTypes: [FunctionType]
    let environment: RuntimeEnvironment
    /// What each instance begins with: its own memories, then its own tables.
    let demand: [Growth]
    /// Stands for the module in lists of the allocator.
    let number: UInt32
    /// What all its instances begin with.
    let template: InstanceTemplate
    let images = ModuleImages()
    /// What joins its functions, and those that it imports, and the host.
    let trampolines: ModuleTrampolines
    /// Whether its code stores to elements of tables without calling the runtime.
    let writesTables: Bool
    /// Whether its tables or globals can hold references to host objects.
    let holdsExternals: Bool
    /// Whether it imports something that is no function.
    let importsThings: Bool
    /// Index of the memory that is exported as “memory”.
    let exportedMemory: Int?
    private let jumpSlots: Int?
    private let code: CodeMemory
    private let functions: Arena<CompiledFunction>
    private let sites: CodeSites
    /// Position among the escaping functions, by function index; -1: the function does not escape.
    private let ordinals: [Int32]
    private var isAnnounced = false

    /// Makes the code of `image` executable and announces it to the trap handler.
    public init(
        _ module: DecodedModule, _ image: consuming LinkedImage, in environment: RuntimeEnvironment
    ) throws(ResourceError) {
        self.module = module
        layout = ContextLayout(module)
        demand = Growth.demand(of: module)
        self.environment = environment
        sharedTypes = try SharedTypes(module.types, in: environment.types)
        functionTypes = Self.functionTypes(of: module, sharedTypes)
        precondition(image.functions.count == module.bodies.count)
        trampolines = try ModuleTrampolines(
            module, functionTypes, behind: image.codeBytes, of: &image.code,
            environment.trampolines)
        try image.code.makeExecutable()
        let traps = unsafe image.sites.traps.span.withUnsafeBufferPointer {
            UInt(bitPattern: $0.baseAddress)
        }
        codeBytes = image.codeBytes
        imageBase = image.code.base
        jumpSlots = image.jumpSlots
        writesTables = image.writesTables
        code = image.code
        functions = image.functions
        sites = image.sites
        ordinals = Self.ordinals(of: module)
        template = InstanceTemplate(module, ordinals: ordinals)
        holdsExternals =
            module.tables.contains { $0.element.isExternal }
            || module.globals.contains { $0.value.isExternal }
        importsThings = module.imports.count > module.importedFunctionCount
        exportedMemory = Self.exportedMemory(of: module)
        number = environment.moduleNumbers.take()
        try environment.allocator.validate(self)
        try announce(traps)
    }

    deinit {
        environment.allocator.purge(self)
        environment.moduleNumbers.giveBack(number)
        CodeRegistry.shared.remove(base: imageBase)
        if isAnnounced { apus_code_range_remove(imageBase) }
    }

    private func announce(_ traps: UInt) throws(ResourceError) {
        if codeBytes == 0 { return }
        // SAFETY: TrapSite and apus_trap_site have the same layout; the arena is never changed
        // and its elements stay where they are until deinit has withdrawn the range.
        let isAdded = unsafe apus_code_range_add(
            imageBase, imageBase &+ UInt(codeBytes), UnsafePointer(bitPattern: traps),
            UInt64(sites.traps.count))
        guard isAdded != 0 else { throw ResourceError(.code, requested: UInt64(codeBytes)) }
        isAnnounced = true
        CodeRegistry.shared.add(self)
    }

    private static func ordinals(of module: DecodedModule) -> [Int32] {
        var ordinals = [Int32](repeating: -1, count: module.functions.count)
        for (ordinal, function) in module.escapingFunctions.enumerated() {
            ordinals[Int(function)] = Int32(truncatingIfNeeded: ordinal)
        }
        return ordinals
    }

    private static func exportedMemory(of module: DecodedModule) -> Int? {
        for export in module.exports where export.name == "memory" {
            if case .memory(let index) = export.item { return Int(index) }
        }
        return nil
    }

    // MARK: Types

    /// Function type `index` of the module as the engine's other modules see it.
    public func functionType(_ index: UInt32) -> FunctionType { functionTypes[Int(index)] }

    /// What is no function type is an empty one.
    private static func functionTypes(
        of module: DecodedModule, _ shared: SharedTypes
    ) -> [FunctionType] {
        module.types.indices.map { index in
            guard module.types.kind(index) == .function else { return FunctionType() }
            let type = module.types.function(index)
            guard type.namesTypes else { return type }
            func resolve(_ type: ValueType) -> ValueType { shared.resolve(type, of: module) }
            return FunctionType(type.parameters.map(resolve), type.results.map(resolve))
        }
    }

    /// `type` of the module as the engine's other modules see it.
    @inline(__always)
    public func resolve(_ type: ValueType) -> ValueType {
        sharedTypes.resolve(type, of: module)
    }

    /// `type` of the module as the engine's other modules see it.
    public func resolve(_ type: TableType) -> TableType {
        var type = type
        type.element = resolve(type.element)
        return type
    }

    /// `type` of the module as the engine's other modules see it.
    public func resolve(_ type: GlobalType) -> GlobalType {
        GlobalType(resolve(type.value), isMutable: type.isMutable)
    }

    // MARK: Lookup

    /// Address of the code of function `index`, which the module must define.
    func codeAddress(ofFunction index: Int) -> UInt {
        let place = index - module.importedFunctionCount
        if let jumpSlots { return imageBase &+ UInt(jumpSlots + place * JumpSlot.bytes) }
        return imageBase &+ UInt(functions[place].codeStart)
    }

    /// The record of the `position`-th function that the module defines.
    func compiledFunction(_ position: Int) -> CompiledFunction { functions[position] }

    /// Position of function `index` among the escaping ones, if it is one of them.
    func ordinal(ofFunction index: Int) -> Int? {
        guard index >= 0, index < ordinals.count else { return nil }
        let ordinal = ordinals[index]
        return ordinal < 0 ? nil : Int(ordinal)
    }

    /// What is known of a place in the module's code.
    public struct CodePlace: Hashable, Sendable {
        /// In the module's function index space.
        public var functionIndex: UInt32
        /// Offset of the instruction from the start of the function's body.
        public var bodyOffset: UInt32
        /// The trap that is listed there; `none` for a return address.
        public var trap: TrapCode
    }

    /// The place at `address`: a faulting instruction, or a return address if `isReturnAddress`.
    /// Nil if the address is outside the module's functions.
    public func place(at address: UInt, isReturnAddress: Bool) -> CodePlace? {
        guard address >= imageBase, address &- imageBase <= UInt(codeBytes) else { return nil }
        let offset = UInt32(truncatingIfNeeded: address &- imageBase)
        // A call may be a function's last instruction; its return address is then the next's.
        if isReturnAddress, offset == 0 { return nil }
        let inside = isReturnAddress ? offset &- 1 : offset
        let position = functions.partitioningIndex { $0.codeStart > inside } - 1
        guard position >= 0 else { return nil }
        let function = functions[position]
        guard inside &- function.codeStart < function.codeLength else { return nil }
        var place = CodePlace(functionIndex: function.index, bodyOffset: 0, trap: .none)
        if isReturnAddress {
            place.bodyOffset = sites.call(returningTo: offset)?.bodyOffset ?? 0
        } else if let site = sites.trap(at: offset) {
            place.bodyOffset = site.bodyOffset
            place.trap = site.code
        }
        return place
    }

    /// The place at `address`, which need not be one that can stop: code is stopped anywhere by
    /// an interruption. The place is the one before it that is listed.
    public func place(near address: UInt) -> CodePlace? {
        guard var place = place(at: address, isReturnAddress: false) else { return nil }
        let offset = UInt32(truncatingIfNeeded: address &- imageBase)
        let position = functions.partitioningIndex { $0.codeStart > offset } - 1
        let start = functions[position].codeStart
        place.bodyOffset = sites.bodyOffset(near: offset, from: start) ?? place.bodyOffset
        return place
    }

    /// The name that the module's name section gives function `index`, if any.
    ///
    /// Reads the section anew each time: names are for people.
    public func functionName(_ index: Int) -> String? {
        ModuleNames(module).function(index)
    }
}
