internal import ApusCollections
internal import ApusFormat

/// Makes valid modules that find faults in compilers, from a seed or a record of decisions.
///
/// Every function, memory, table and global is exported; functions of the host are `host.f0`, ….
/// Sometimes a second module imports what the first, named `first`, exports.
/// The function exported as `f<n>` with the greatest n refills the fuel, if the module has any.
public struct GeneratedModule: Sendable {
    public internal(set) var bytes: [UInt8]
    /// The second module, if there is one.
    public internal(set) var importer: [UInt8]?
    /// The decisions that led to it.
    public let record: [UInt32]
    /// The decisions that come next: for arguments.
    public var choices: ChoiceSource
    /// Name of the exported function that must be called before each other call, if there is one.
    public let refuel: String?

    /// With `usesAggregates` it has structures and arrays.
    public init(seed: UInt64, usesAggregates: Bool = false) {
        self.init(ChoiceSource(seed: seed), usesAggregates)
    }

    public init(replaying record: [UInt32], usesAggregates: Bool = false) {
        self.init(ChoiceSource(replaying: record), usesAggregates)
    }

    private init(_ source: ChoiceSource, _ usesAggregates: Bool) {
        var choices = source
        let shape = ModuleShape(&choices, usesAggregates: usesAggregates)
        bytes = Self.encode(shape, &choices)
        if choices.chance(30) {
            let second = ModuleShape(
                &choices, importing: shape, usesAggregates: usesAggregates)
            importer = Self.encode(second, &choices)
        } else {
            importer = nil
        }
        record = choices.record
        self.choices = choices
        refuel = shape.fuelGlobal == nil ? nil : "f\(shape.functions.count - 1)"
    }

    private static func encode(_ shape: ModuleShape, _ choices: inout ChoiceSource) -> [UInt8] {
        var bodies: [[UInt8]] = []
        let bodyCount = shape.functions.count - shape.importedFunctionCount
        for position in 0..<bodyCount {
            if let fuel = shape.ownFuelGlobal, position == bodyCount - 1 {
                bodies.append(shape.refuelingBody(fuel))
                continue
            }
            var generator = FunctionGenerator(
                shape.importedFunctionCount + position, in: shape, choices)
            bodies.append(generator.generate())
            choices = generator.choices
        }
        return shape.encode(bodies)
    }
}

extension ModuleShape {
    /// The fuel, if the module itself defines and refills it.
    var ownFuelGlobal: Int? {
        guard let fuelGlobal, fuelGlobal >= importedGlobals.count else { return nil }
        return fuelGlobal
    }

    /// Function calls and rounds of loops that one call from outside may use.
    private static let fuel = 1000

    /// Sets the fuel again.
    func refuelingBody(_ global: Int) -> [UInt8] {
        var code = BinaryWriter()
        code.byte(0)
        code.address(Self.fuel, is64: false)
        code.byte(0x24)
        code.unsigned(global)
        code.byte(0x0B)
        return code.bytes
    }

    /// The functions that element segments put into tables at the start, and where.
    func places(of function: Int) -> [(table: Int, index: Int)] {
        elements.filter { $0.mode == .active }.flatMap { element in
            element.items.indices.filter { element.items[$0] == function }
                .map { (element.table, element.offset + $0) }
        }
    }

    /// `provider` is the module that this one imports from besides the host.
    init(
        _ choices: inout ChoiceSource, importing provider: ModuleShape? = nil,
        usesAggregates: Bool = false
    ) {
        if choices.chance(35) { localTypes += [.v128, .v128, .v128] }
        usesAtomics = choices.chance(30)
        if usesAggregates { chooseAggregates(&choices, like: provider) }
        chooseTypes(&choices)
        chooseTags(&choices)
        // Functions of the host know nothing of a module's types.
        let plain = types.indices.filter { index in
            !(types[index].parameters + types[index].results).contains {
                $0.isTypedReference || $0.isManaged
            }
        }
        for index in 0..<choices.below(4) {
            if plain.isEmpty { break }
            importedFunctions.append(Source(module: "host", name: "f\(index)"))
            functions.append(choices.pick(Array(plain)))
        }
        let shift = types.count
        if let provider { takeFunctions(provider, shift, &choices) }
        for _ in 0..<1 + choices.below(7) { functions.append(choices.below(types.count)) }
        if let provider { takeTags(provider, shift, &choices) }
        if let provider { takeGlobals(provider, shift, &choices) }
        chooseGlobals(&choices)
        if provider == nil, choices.chance(50) {
            fuelGlobal = globals.count
            globals.append(GlobalType(.i32, isMutable: true))
            var code = BinaryWriter()
            code.address(Self.fuel, is64: false)
            initializers.append(code.bytes)
            types.append(FunctionType())
            functions.append(types.count - 1)
        }
        if let provider { takeMemories(provider, &choices) }
        chooseMemories(&choices)
        chooseData(&choices)
        if let provider { takeTables(provider, shift, &choices) }
        chooseTables(&choices)
        chooseElements(&choices, declaringImports: provider != nil || !typedReferences.isEmpty)
        if choices.chance(5) {
            start = functions.indices.first {
                $0 >= importedFunctionCount && type(of: $0) == FunctionType()
            }
        }
    }

    // MARK: Imports

    private mutating func takeFunctions(
        _ provider: ModuleShape, _ shift: Int, _ choices: inout ChoiceSource
    ) {
        types += provider.types.map { type in
            FunctionType(
                type.parameters.map { $0.shifted(by: shift) },
                type.results.map { $0.shifted(by: shift) })
        }
        for index in provider.importedFunctionCount..<provider.functions.count
        where choices.chance(60) {
            importedFunctions.append(Source(module: "first", name: "f\(index)"))
            functions.append(shift + provider.functions[index])
        }
    }

    /// Those that the module has itself come behind.
    private mutating func takeTags(
        _ provider: ModuleShape, _ shift: Int, _ choices: inout ChoiceSource
    ) {
        var taken: [Int] = []
        for (index, type) in provider.tags.enumerated() where choices.chance(60) {
            importedTags.append(Source(module: "first", name: "e\(index)"))
            taken.append(shift + type)
            if choices.chance(10) {
                // The same under another index.
                importedTags.append(Source(module: "first", name: "e\(index)"))
                taken.append(shift + type)
            }
        }
        tags.insert(contentsOf: taken, at: 0)
        if !tags.isEmpty, !localTypes.contains(.exnref) { localTypes.append(.exnref) }
    }

    /// Takes the fuel in any case: else functions that call each other would not end.
    private mutating func takeGlobals(
        _ provider: ModuleShape, _ shift: Int, _ choices: inout ChoiceSource
    ) {
        for (index, global) in provider.globals.enumerated()
        where index == provider.fuelGlobal || choices.chance(60) {
            if index == provider.fuelGlobal { fuelGlobal = globals.count }
            importedGlobals.append(Source(module: "first", name: "g\(index)"))
            globals.append(
                GlobalType(global.value.shifted(by: shift), isMutable: global.isMutable))
        }
    }

    private mutating func takeMemories(_ provider: ModuleShape, _ choices: inout ChoiceSource) {
        for (index, memory) in provider.memories.enumerated() where choices.chance(70) {
            importedMemories.append(Source(module: "first", name: "m\(index)"))
            memories.append(memory)
        }
    }

    private mutating func takeTables(
        _ provider: ModuleShape, _ shift: Int, _ choices: inout ChoiceSource
    ) {
        for (index, table) in provider.tables.enumerated() where choices.chance(70) {
            importedTables.append(Source(module: "first", name: "t\(index)"))
            tables.append(table)
            tables[tables.count - 1].element = table.element.shifted(by: shift)
        }
    }

    // MARK: Types and globals

    /// Some of several types, some of one, so many that they do not fit into registers.
    private func list(_ most: Int, _ choices: inout ChoiceSource) -> [ValueType] {
        let plain: [ValueType] = [.i32, .i64, .f32, .f64]
        let kind = choices.pick(weighted: [(14, 0), (4, 1), (2, 2)])
        let only = kind == 2 ? choices.pick(localTypes) : .i32
        return (0..<choices.below(most + 1)).map { _ in
            kind == 2 ? only : choices.pick(kind == 1 ? localTypes : plain)
        }
    }

    private mutating func chooseTypes(_ choices: inout ChoiceSource) {
        let hasTypedReferences = choices.chance(30)
        for index in 0..<2 + choices.below(6) {
            let parameters = list(choices.pick([2, 4, 8, 20]), &choices)
            // Functions can leave each other by tail calls if they have the same results.
            let results =
                index > 0 && choices.chance(35)
                ? choices.pick(types).results : list(choices.pick([1, 1, 2, 9, 20]), &choices)
            types.append(FunctionType(parameters, results))
            if hasTypedReferences && choices.chance(60) {
                localTypes.append(.reference(HeapType(typeIndex: UInt32(index)), nullable: true))
            }
        }
    }

    /// Of each tag there are, besides its own, the types of the blocks that its exceptions end.
    private mutating func chooseTags(_ choices: inout ChoiceSource) {
        guard choices.chance(45) else { return }
        localTypes.append(.exnref)
        for _ in 0..<1 + choices.below(4) {
            let carried = list(choices.pick([0, 1, 1, 2, 6]), &choices)
            tags.append(types.count)
            types.append(FunctionType(carried, []))
            types.append(FunctionType([], carried))
            types.append(FunctionType([], carried + [.exnref]))
        }
    }

    private mutating func chooseGlobals(_ choices: inout ChoiceSource) {
        for _ in 0..<choices.below(6) {
            let type = choices.pick(localTypes)
            initializers.append(initializer(type, &choices))
            globals.append(GlobalType(type, isMutable: choices.chance(70)))
        }
    }

    /// The globals so far that later ones of `type` may begin as.
    private func constants(_ type: ValueType) -> [Int] {
        globals.indices.filter { globals[$0] == GlobalType(type, isMutable: false) }
    }

    private func initializer(_ type: ValueType, _ choices: inout ChoiceSource) -> [UInt8] {
        var code = BinaryWriter(aggregateCount: aggregates.count)
        let constants = constants(type)
        if !constants.isEmpty && choices.chance(40) {
            code.globalGet(choices.pick(constants))
            return code.bytes
        }
        switch type {
        case .i32, .i64:
            code.constant(type, choices.number(type))
            // Extended constant expressions.
            while choices.chance(15) {
                if !constants.isEmpty && choices.chance(50) {
                    code.globalGet(choices.pick(constants))
                } else {
                    code.constant(type, choices.number(type))
                }
                code.byte((type == .i32 ? 0x6A : 0x7C) + UInt8(choices.below(3)))
            }
        case .v128: code.constant(choices.vector())
        case _ where type.isManaged: managedInitializer(type, &code, &choices)
        case _ where type.isReference:
            let candidates = type.isOfFunctions ? functions(for: type) : []
            if !candidates.isEmpty && choices.chance(30) {
                code.byte(0xD2)
                code.unsigned(choices.pick(candidates))
            } else {
                code.constant(type, 0)
            }
        default: code.constant(type, choices.number(type))
        }
        return code.bytes
    }

    // MARK: Memories

    private mutating func chooseMemories(_ choices: inout ChoiceSource) {
        for _ in 0..<choices.pick([1, 1, 1, 1, 1, 2, 3, 0]) {
            let minimum = choices.pick([1, 1, 1, 2, 0])
            let maximum = minimum + choices.below(4)
            var memory = MemoryType(
                limits: SizeLimits(minimum: UInt64(minimum), maximum: UInt64(maximum)))
            memory.is64 = choices.chance(30)
            memory.isShared = usesAtomics && choices.chance(50)
            if choices.chance(15) {
                memory.pageSizeLog2 = 0
                memory.limits.minimum = choices.pick([70_000, 65_536, 4097, 100, 1])
                memory.limits.maximum = memory.limits.minimum + choices.pick([0, 3, 1000, 65_536])
            }
            memories.append(memory)
        }
    }

    private mutating func chooseData(_ choices: inout ChoiceSource) {
        for _ in 0..<choices.below(4) where !memories.isEmpty {
            let count = choices.pick([0, 1, 4, 16, 60])
            var segment = Data(mode: choices.chance(50) ? .passive : .active)
            segment.contents = (0..<count).map { _ in UInt8(choices.below(256)) }
            segment.memory = choices.below(memories.count)
            let memory = memories[segment.memory]
            let size = Int(memory.byteCount(ofPages: memory.limits.minimum))
            if size > 0 { segment.offset = choices.pick([0, 8, 100, 1000, size - count]) }
            if segment.mode == .active, segment.offset < 0 || segment.offset + count > size {
                segment.offset = 0
                segment.contents.removeLast(max(count - size, 0))
            }
            data.append(segment)
        }
    }

    // MARK: Tables

    private mutating func chooseTables(_ choices: inout ChoiceSource) {
        for _ in 0..<choices.below(4) {
            let size = choices.pick([4, 10, 1, 0])
            let maximum = choices.chance(50) ? UInt64(size + choices.below(10)) : nil
            let typed = typedReferences
            let element: ValueType =
                !typed.isEmpty && choices.chance(40)
                ? choices.pick(typed) : choices.chance(20) ? .externref : .funcref
            let managed = localTypes.filter(\.isManaged)
            let held =
                !managed.isEmpty && choices.chance(30) ? choices.pick(managed) : element
            var table = TableType(
                element: held, limits: SizeLimits(minimum: UInt64(size), maximum: maximum))
            table.is64 = choices.chance(20)
            tables.append(table)
            let candidates = held.isOfFunctions ? functions(for: held) : []
            let percent = held.isTypedReference ? 70 : 10
            tableInitializers.append(
                !candidates.isEmpty && choices.chance(percent) ? choices.pick(candidates) : nil)
        }
    }

    private mutating func chooseElements(
        _ choices: inout ChoiceSource, declaringImports: Bool
    ) {
        let targets = tables.indices.filter { tables[$0].element == .funcref }
        for _ in 0..<choices.below(5) {
            let usual: Mode = targets.isEmpty ? .passive : .active
            var segment = Element(
                mode: choices.pick(weighted: [(6, usual), (2, .passive), (1, .declarative)]))
            segment.usesExpressions = choices.chance(30)
            let nullPercent = segment.usesExpressions ? 20 : 0
            var room = 6
            if segment.mode == .active {
                segment.table = choices.pick(Array(targets))
                let size = Int(tables[segment.table].limits.minimum)
                segment.offset = choices.below(max(size, 1))
                room = size - segment.offset
            }
            for _ in 0..<choices.below(room + 1) {
                let isNull = choices.chance(nullPercent)
                segment.items.append(isNull ? nil : choices.below(functions.count))
            }
            elements.append(segment)
        }
        if declaringImports && importedFunctionCount > 0 {
            // Only so may references to imported functions be made.
            elements.append(
                Element(mode: .declarative, items: Array(0..<importedFunctionCount)))
        }
    }
}
