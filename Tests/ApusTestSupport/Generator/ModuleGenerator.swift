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

    public init(seed: UInt64) { self.init(ChoiceSource(seed: seed)) }

    public init(replaying record: [UInt32]) { self.init(ChoiceSource(replaying: record)) }

    private init(_ source: ChoiceSource) {
        var choices = source
        let shape = ModuleShape(&choices)
        bytes = Self.encode(shape, &choices)
        if choices.chance(30) {
            importer = Self.encode(ModuleShape(&choices, importing: shape), &choices)
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
    /// Types of locals, numbers more often than references.
    static let localTypes: [ValueType] = [
        .i32, .i32, .i32, .i64, .i64, .f32, .f64, .f64, .i32, .i64, .funcref, .externref,
    ]

    /// The fuel, if the module itself defines and refills it.
    var ownFuelGlobal: Int? {
        guard let fuelGlobal, fuelGlobal >= importedGlobals.count else { return nil }
        return fuelGlobal
    }

    /// Function calls and rounds of loops that one call from outside may use.
    private static let fuel: UInt64 = 1000

    /// Sets the fuel again.
    func refuelingBody(_ global: Int) -> [UInt8] {
        var code = BinaryWriter()
        code.raw([0, 0x41])
        code.signed(Int64(Self.fuel))
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
    init(_ choices: inout ChoiceSource, importing provider: ModuleShape? = nil) {
        chooseTypes(&choices)
        for index in 0..<choices.below(4) {
            importedFunctions.append(Source(module: "host", name: "f\(index)"))
            functions.append(choices.below(types.count))
        }
        if let provider { takeFunctions(provider, &choices) }
        for _ in 0..<1 + choices.below(7) { functions.append(choices.below(types.count)) }
        if let provider { takeGlobals(provider, &choices) }
        chooseGlobals(&choices)
        if provider == nil, choices.chance(50) {
            fuelGlobal = globals.count
            globals.append(GlobalType(.i32, isMutable: true))
            initialValues.append(Self.fuel)
            types.append(FunctionType())
            functions.append(types.count - 1)
        }
        if let provider, let shared = provider.memory, choices.chance(70) {
            importedMemory = Source(module: "first", name: "memory")
            memory = shared
            chooseData(&choices)
        } else {
            chooseMemory(&choices)
        }
        if let provider { takeTables(provider, &choices) }
        chooseTables(&choices)
        if choices.chance(5) {
            start = functions.indices.first {
                $0 >= importedFunctionCount && type(of: $0) == FunctionType()
            }
        }
    }

    private mutating func takeFunctions(_ provider: ModuleShape, _ choices: inout ChoiceSource) {
        let firstType = types.count
        types += provider.types
        for index in provider.importedFunctionCount..<provider.functions.count
        where choices.chance(60) {
            importedFunctions.append(Source(module: "first", name: "f\(index)"))
            functions.append(firstType + provider.functions[index])
        }
    }

    /// Takes the fuel in any case: else functions that call each other would not end.
    private mutating func takeGlobals(_ provider: ModuleShape, _ choices: inout ChoiceSource) {
        for (index, global) in provider.globals.enumerated()
        where index == provider.fuelGlobal || choices.chance(60) {
            if index == provider.fuelGlobal { fuelGlobal = globals.count }
            importedGlobals.append(Source(module: "first", name: "g\(index)"))
            globals.append(global)
        }
    }

    private mutating func takeTables(_ provider: ModuleShape, _ choices: inout ChoiceSource) {
        for (index, table) in provider.tables.enumerated() where choices.chance(70) {
            importedTables.append(Source(module: "first", name: "t\(index)"))
            tables.append(table)
        }
    }

    private mutating func chooseTypes(_ choices: inout ChoiceSource) {
        func list(_ most: Int, _ choices: inout ChoiceSource) -> [ValueType] {
            let plain: [ValueType] = [.i32, .i64, .f32, .f64]
            let mixed = choices.chance(20)
            return (0..<choices.below(most + 1)).map { _ in
                choices.pick(mixed ? Self.localTypes : plain)
            }
        }
        for _ in 0..<2 + choices.below(6) {
            let parameters = list(choices.pick([2, 4, 8, 20]), &choices)
            types.append(FunctionType(parameters, list(choices.pick([1, 1, 2, 9]), &choices)))
        }
    }

    private mutating func chooseGlobals(_ choices: inout ChoiceSource) {
        for _ in 0..<choices.below(6) {
            let type = choices.pick(Self.localTypes)
            globals.append(GlobalType(type, isMutable: choices.chance(80)))
            initialValues.append(type.isReference ? 0 : choices.number(type))
        }
    }

    private mutating func chooseMemory(_ choices: inout ChoiceSource) {
        guard choices.chance(85) else { return }
        let minimum = choices.pick([1, 1, 1, 2, 0])
        memory = MemoryType(
            limits: SizeLimits(
                minimum: UInt64(minimum), maximum: UInt64(minimum + choices.below(4))))
        chooseData(&choices)
    }

    private mutating func chooseData(_ choices: inout ChoiceSource) {
        let minimum = memory?.limits.minimum ?? 0
        for _ in 0..<choices.below(4) {
            let count = choices.pick([0, 1, 4, 16, 60])
            var segment = Data(mode: choices.chance(50) ? .passive : .active)
            segment.contents = (0..<count).map { _ in UInt8(choices.below(256)) }
            if minimum > 0 { segment.offset = choices.pick([0, 8, 100, 1000, 65_536 - count]) }
            if segment.mode == .active && minimum == 0 { segment.contents = [] }
            data.append(segment)
        }
    }

    private mutating func chooseTables(_ choices: inout ChoiceSource) {
        for _ in 0..<choices.below(4) {
            let size = choices.pick([4, 10, 1, 0])
            let maximum = choices.chance(50) ? UInt64(size + choices.below(10)) : nil
            tables.append(
                TableType(
                    element: choices.chance(20) ? .externref : .funcref,
                    limits: SizeLimits(minimum: UInt64(size), maximum: maximum)))
        }
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
    }
}
