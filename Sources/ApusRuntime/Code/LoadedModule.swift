public import ApusABI
internal import ApusCollections
public import ApusFormat
internal import CApusHost

/// A module whose code is in executable memory: what instances are made from.
///
/// Made by `Apus` from what the compilers gave; shared by all its instances, in any number of
/// stores and threads.
public final class LoadedModule: Sendable {
    public let module: DecodedModule
    public let layout: ContextLayout
    /// Engine-wide ids of the module's types.
    public let sharedTypes: SharedTypes
    /// Bytes of code that it was loaded with.
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
    let images: ModuleImages
    /// What joins its functions, and those that it imports, and the host.
    let trampolines: ModuleTrampolines
    /// Whether its code stores to elements of tables without calling the runtime.
    let writesTables: Bool
    /// Whether its tables or globals can hold references to what stores collect.
    let holdsObjects: Bool
    /// Whether a passive element segment may hold such references.
    let hasObjectSegments: Bool
    /// Whether it imports something that is no function.
    let importsThings: Bool
    /// Index of the memory that is exported as “memory”.
    let exportedMemory: Int?
    /// Where its functions' code is.
    let code: ModuleCode
    /// Whether its functions can get other code.
    let isReplaceable: Bool
    /// Position among the escaping functions, by function index; -1: the function does not escape.
    private let ordinals: [Int32]

    /// A module whose functions are all in `image`, at first, or for good if the linkage is direct,
    /// and whose memories begin as `images` if there are some that fit it.
    public init(
        _ module: DecodedModule, _ image: consuming LinkedImage, _ linkage: CodeLinkage = .direct,
        images: ArtifactImages = ArtifactImages(), in environment: RuntimeEnvironment
    ) throws(ResourceError) {
        self.module = module
        layout = ContextLayout(module)
        demand = Growth.demand(of: module)
        self.environment = environment
        sharedTypes = try SharedTypes(module.types, in: environment.types)
        functionTypes = Self.functionTypes(of: module, sharedTypes)
        precondition(image.functions.count == module.bodies.count)
        trampolines = try ModuleTrampolines(
            module, functionTypes, behind: &image, staying: linkage == .direct,
            environment.trampolines)
        codeBytes = image.codeBytes
        writesTables = image.writesTables
        let image = try CodeImage(image)
        isReplaceable = linkage == .replaceable
        code = try ModuleCode(
            image, linkage, importedFunctionCount: module.importedFunctionCount, environment)
        ordinals = Self.ordinals(of: module)
        template = InstanceTemplate(module, ordinals: ordinals)
        self.images = ModuleImages(images.images, for: template)
        holdsObjects =
            module.tables.contains { ObjectLayout.isTraced($0.element, in: module) }
            || module.globals.contains { ObjectLayout.isTraced($0.value, in: module) }
        hasObjectSegments = module.elements.contains {
            $0.mode == .passive && ObjectLayout.isTraced($0.type, in: module)
        }
        importsThings = module.imports.count > module.importedFunctionCount
        exportedMemory = Self.exportedMemory(of: module)
        number = environment.moduleNumbers.take()
        try environment.allocator.validate(self)
        CodeRegistry.shared.add(image, of: self)
    }

    deinit {
        environment.allocator.purge(self)
        environment.moduleNumbers.giveBack(number)
    }

    // MARK: Code

    /// Adds an image with code of functions that the module defines, which begin there from now on,
    /// whoever calls them. The linkage must be `replaceable`.
    ///
    /// An image in which no function begins any more goes with the last call that is in it.
    public func install(_ image: consuming LinkedImage) throws(ResourceError) -> CodeImage {
        let image = try makeImage(image)
        code.install(image)
        return image
    }

    /// An image with code of functions that the module defines. It goes with the last one who has
    /// it.
    public func makeImage(_ image: consuming LinkedImage) throws(ResourceError) -> CodeImage {
        let image = try CodeImage(image)
        CodeRegistry.shared.add(image, of: self)
        return image
    }

    /// Has function `index` begin in `image`, one of the module's that has it, from now on. The
    /// linkage must be `replaceable`.
    public func direct(_ index: Int, to image: CodeImage) { code.direct(index, to: image) }

    /// The image in which function `index`, which the module defines, begins now.
    public func image(ofFunction index: Int) -> CodeImage? { code.image(ofFunction: index) }

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

    /// The functions that it defines, in index order.
    var functions: FunctionDescriptors { code.functions(of: module) }

    /// Where function `index`, which the module must define, is called from elsewhere.
    func codeAddress(ofFunction index: Int) -> UInt { code.entry(ofFunction: index) }

    /// Position of function `index` among the escaping ones, if it is one of them.
    func ordinal(ofFunction index: Int) -> Int? {
        guard index >= 0, index < ordinals.count else { return nil }
        let ordinal = ordinals[index]
        return ordinal < 0 ? nil : Int(ordinal)
    }

    /// The name that the module's name section gives function `index`, if any.
    ///
    /// Reads the section anew each time: names are for people.
    public func functionName(_ index: Int) -> String? {
        ModuleNames(module).function(index)
    }
}
