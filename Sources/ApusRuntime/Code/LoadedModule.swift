public import ApusABI
internal import ApusCollections
public import ApusDWARF
public import ApusFormat
internal import CApusHost

/// A module whose code is in executable memory: what instances are made from.
///
/// Made by `Apus` from what the compilers gave; shared by all its instances, in any number of
/// stores and threads.
public final class LoadedModule: Sendable {
    public let module: DecodedModule
    /// For those who must not keep it.
    public let reference = BackReference<LoadedModule>()
    public let layout: ContextLayout
    /// Engine-wide ids of the module's types.
    public let sharedTypes: SharedTypes
    /// What code with stop points looks at while nobody wants it to stop.
    let noStops: StopTable?
    /// Bytes of code that it was loaded with.
    public let codeBytes: Int
    /// Function types of the module by type index, as the engine's other modules see them.
    private let functionTypes: [FunctionType]
    /// Bytes of stack that its code takes for one call at most, besides its own frame.
    let callBytes: UInt
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
    /// How many memories it defines.
    let memoryCount: Int
    /// Whether it imports something that is no function.
    let importsThings: Bool
    /// Index of the memory that is exported as “memory”.
    let exportedMemory: Int?
    /// Where its functions' code is.
    let code: ModuleCode
    /// Which sources that comes from.
    private let sources = ModuleSources()
    /// Who makes that code while the module runs; nil if all of it was there at first.
    public let functionCompiler: (any FunctionCompiler)?
    /// Whether its functions can get other code.
    let isReplaceable: Bool
    /// Position among the escaping functions, by function index; -1: the function does not escape.
    private let ordinals: [Int32]

    /// A module whose functions are all in `image`, at first, or for good if the linkage is direct,
    /// and whose memories begin as `images` if there are some that fit it.
    public convenience init(
        _ module: DecodedModule, _ image: consuming LinkedImage, _ linkage: CodeLinkage = .direct,
        images: ArtifactImages = ArtifactImages(), in environment: RuntimeEnvironment
    ) throws(ResourceError) {
        precondition(image.functions.count == module.bodies.count)
        var image = image
        let types = try SharedTypes(module.types, in: environment.types)
        let functionTypes = Self.functionTypes(of: module, types)
        let trampolines = try ModuleTrampolines(
            module, functionTypes, behind: &image, staying: linkage == .direct,
            environment.trampolines)
        let codeImage = try CodeImage(image)
        try self.init(
            module, types, functionTypes, trampolines,
            try ModuleCode(
                codeImage, linkage, importedFunctionCount: module.importedFunctionCount,
                environment),
            codeBytes: codeImage.codeBytes, writesTables: codeImage.writesTables,
            isReplaceable: linkage == .replaceable, nil, images, in: environment)
        CodeRegistry.shared.add(codeImage, of: self)
        codeImage.announce(of: self)
    }

    /// A module whose functions have no code yet: `compiler` makes it. `writesTables` says whether
    /// that will store to elements of tables without calling the runtime. Its memories begin as
    /// `images` if there are some that fit it.
    public convenience init(
        _ module: DecodedModule, compiledBy compiler: any FunctionCompiler, writesTables: Bool,
        images: ArtifactImages = ArtifactImages(), in environment: RuntimeEnvironment
    ) throws(ResourceError) {
        let types = try SharedTypes(module.types, in: environment.types)
        let functionTypes = Self.functionTypes(of: module, types)
        try self.init(
            module, types, functionTypes,
            try ModuleTrampolines(module, functionTypes, environment.trampolines),
            try ModuleCode(
                functionCount: module.bodies.count, roomBytes: Self.roomBytes(module),
                importedFunctionCount: module.importedFunctionCount, environment,
                heat: { compiler.heat(ofBody: module.bodies[$0]) }),
            codeBytes: 0, writesTables: writesTables, isReplaceable: true, compiler,
            images, in: environment)
    }

    /// Address space for code of all kinds that `module` may have: 1 GiB at most, so that all of it
    /// is in reach of itself. As much as the standard limits let the first tier and the other one
    /// make, and what is lost between pieces.
    private static func roomBytes(_ module: DecodedModule) -> Int {
        min(module.bodyBytes * 96 + module.bodies.count * 256 + (48 << 20), 1 << 30)
    }

    private init(
        _ module: DecodedModule, _ types: SharedTypes, _ functionTypes: [FunctionType],
        _ trampolines: ModuleTrampolines, _ code: ModuleCode, codeBytes: Int, writesTables: Bool,
        isReplaceable: Bool, _ compiler: (any FunctionCompiler)?, _ images: ArtifactImages,
        in environment: RuntimeEnvironment
    ) throws(ResourceError) {
        self.module = module
        layout = ContextLayout(
            module, hasStopPoints: environment.configuration.hasStopPoints)
        noStops =
            layout.stops == nil ? nil : try StopTable(count: layout.stopRange.count, filled: false)
        demand = Growth.demand(of: module)
        self.environment = environment
        sharedTypes = types
        self.functionTypes = functionTypes
        callBytes = functionTypes.reduce(0) { max($0, CallTarget.stackBytes($1)) }
        self.trampolines = trampolines
        self.code = code
        self.codeBytes = codeBytes
        self.writesTables = writesTables
        self.isReplaceable = isReplaceable
        functionCompiler = compiler
        ordinals = Self.ordinals(of: module)
        template = InstanceTemplate(module, ordinals: ordinals)
        self.images = ModuleImages(images.images, for: template)
        holdsObjects =
            module.tables.contains { ObjectLayout.isTraced($0.element, in: module) }
            || module.globals.contains { ObjectLayout.isTraced($0.value, in: module) }
        hasObjectSegments = module.elements.contains {
            $0.mode == .passive && ObjectLayout.isTraced($0.type, in: module)
        }
        memoryCount = module.memories.count - module.importedMemoryCount
        importsThings = module.imports.count > module.importedFunctionCount
        exportedMemory = Self.exportedMemory(of: module)
        number = environment.moduleNumbers.take()
        reference.open(self)
        try environment.allocator.validate(self)
    }

    deinit {
        reference.close()
        environment.allocator.purge(self)
        environment.moduleNumbers.giveBack(number)
    }

    // MARK: Code

    /// Whether the code of all functions is there for good.
    public var isCompiled: Bool { code.fixedImage != nil }

    /// Adds an image with code of functions that the module defines, which begin there from now on,
    /// whoever calls them. The linkage must be `replaceable`.
    ///
    /// An image in which no function begins any more goes with the last call that is in it.
    public func install(_ image: consuming LinkedImage) throws(ResourceError) -> CodeImage {
        let image = try makeImage(image)
        code.install(image)
        return image
    }

    /// An image with the code of a batch of functions that the module defines, in reach of the
    /// module's table. The linkage must be `replaceable`. It goes with the last one who has it.
    public func makeImage(_ batch: borrowing CodeBatch) throws(ResourceError) -> CodeImage {
        try makeImage(CodePiece(batch), batch.bytes)
    }

    func makeImage(
        _ piece: consuming CodePiece, _ bytes: Span<UInt8>
    ) throws(ResourceError) -> CodeImage {
        guard let space = code.space else {
            throw ResourceError(.code, requested: UInt64(bytes.count), limit: 0)
        }
        return try space.makeImage(piece, bytes, of: self)
    }

    /// Sets how much function `index` may run before it counts as hot.
    public func setHeat(_ heat: Int32, ofFunction index: Int) {
        code.space?.table.setHeat(heat, index - module.importedFunctionCount)
    }

    /// Sets whether function `index` asks for other code at the headers of outermost loops.
    public func setTakeover(_ isReady: Bool, ofFunction index: Int) {
        code.space?.table.setTakeover(isReady, index - module.importedFunctionCount)
    }

    /// An image with code of functions that the module defines. It goes with the last one who has
    /// it.
    public func makeImage(_ image: consuming LinkedImage) throws(ResourceError) -> CodeImage {
        let image = try CodeImage(image)
        CodeRegistry.shared.add(image, of: self)
        image.announce(of: self)
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

    /// Which sources its code comes from; nil if the module does not say, or the configuration does
    /// not want to know.
    public var sourceIndex: SourceIndex? {
        environment.configuration.readsDebugInformation ? sources.index(of: module) : nil
    }

    /// The same, if somebody has asked before: nothing is read, and no code of the embedder's is
    /// called.
    public var knownSourceIndex: SourceIndex? { sources.known }

    /// Has `read` give the source map that the module refers to, when it is first needed.
    public func setSourceMap(_ read: @escaping @Sendable () -> [UInt8]?) {
        sources.setSourceMap(read)
    }

    /// Has `read` give the places in the text that the module was made of, when its sources are
    /// first needed and it says nothing of others.
    public func setText(_ read: @escaping @Sendable (DecodedModule) -> SourceMap?) {
        sources.setText(read)
    }

    /// The name that the module's name section gives function `index`, if any.
    ///
    /// Reads the section anew each time: names are for people.
    public func functionName(_ index: Int) -> String? {
        ModuleNames(module).function(index)
    }
}
