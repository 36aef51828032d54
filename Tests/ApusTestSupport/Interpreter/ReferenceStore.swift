internal import ApusCollections
public import ApusFormat

/// All that lives while reference instances run. Specification: 4.2.4 “Store”.
///
/// Instances name what they use by address, that is by position in these arrays.
public final class ReferenceStore {
    public internal(set) var functions: [ReferenceFunction] = []
    public internal(set) var tables: [ReferenceTable] = []
    public internal(set) var memories: [ReferenceMemory] = []
    public internal(set) var globals: [ReferenceGlobal] = []
    var tags: [Tag] = []
    var exceptions: [Exception] = []
    /// Calls that may be under way at once; one more is the trap `stackExhausted`.
    public var callDepthLimit = 10_000
    /// Instructions that may still be executed; when they are used up, `outOfFuel` is thrown.
    public var fuel = Int.max
    /// What the instructions that were executed cost in a metered engine.
    public var spentFuel = 0

    /// Whether it is counted how often each instruction is executed.
    public var countsRuns = false
    var runs: [InstructionPlace: UInt64] = [:]

    /// An instruction of an instance, by where it is in the module.
    struct InstructionPlace: Hashable {
        var instance: ObjectIdentifier
        var offset: Int
    }

    /// How often the instruction at `offset` of the module has been executed in `instance`.
    public func runs(of offset: Int, in instance: ReferenceInstance) -> UInt64 {
        runs[InstructionPlace(instance: ObjectIdentifier(instance), offset: offset)] ?? 0
    }

    /// Specification: 4.2.10 “Tag Instances”.
    struct Tag {
        /// The store's number of the type.
        var typeNumber: UInt32
        /// The types of what exceptions carry.
        var types: [ValueType]
    }

    /// Specification: 4.2.12 “Exception Instances”.
    struct Exception {
        var tag: Int
        var values: [ModelVector]
    }

    /// The number of each group's first type, and all types by number; see `ReferenceTypes`.
    var typeNumbers: [[SubType]: UInt32] = [:]
    var types: [SubType] = []
    /// Structures and arrays, all that there ever were, and their fields and elements together.
    var objects: [ReferenceObject] = []
    var fieldCount = 0

    public init() {}

    /// Lets go of all that there is. Instances keep their store and it keeps them: whoever makes
    /// many stores must end them.
    public func removeAll() {
        functions = []
        tables = []
        memories = []
        globals = []
        tags = []
        exceptions = []
        objects = []
        fieldCount = 0
        runs = [:]
    }

    /// Adds a function of the host and returns its address.
    public func addHostFunction(
        _ type: FunctionType,
        _ body: @escaping ([ReferenceValue]) throws(ReferenceTrap) -> [ReferenceValue]
    ) -> Int {
        functions.append(
            ReferenceFunction(
                type: type, typeNumber: number(of: [SubType(.function(type))]), body: .host(body)))
        return functions.count - 1
    }

    public func addGlobal(_ type: GlobalType, _ value: ReferenceValue) -> Int {
        globals.append(ReferenceGlobal(type: type, cell: value.cell))
        return globals.count - 1
    }

    /// The value that `cell` holds as one of `type`.
    func value(_ cell: ModelVector, _ type: ValueType) -> ReferenceValue {
        guard type.isReference else { return ReferenceValue(cell: cell, type: type) }
        switch type.heapType.top(in: self) {
        case .func: return .function(cell.low == 0 ? nil : Int(cell.low - 1))
        case .extern:
            switch referent(cell.low) {
            case .host(let number): return .extern(number)
            case let referent?: return .externalized(referent)
            case nil: return .extern(nil)
            }
        case .exn: return .exception(cell.low == 0 ? nil : Int(cell.low - 1))
        default: return .any(referent(cell.low))
        }
    }

    public func addMemory(_ type: MemoryType) -> Int {
        memories.append(ReferenceMemory(type: type))
        return memories.count - 1
    }

    public func addTable(_ type: TableType) -> Int {
        tables.append(ReferenceTable(type: type, filledWith: 0))
        return tables.count - 1
    }

    /// Calls the function at `address`. Specification: 4.5.5 “Invocation”.
    public func call(_ address: Int, _ arguments: [ReferenceValue]) throws -> [ReferenceValue] {
        let type = functions[address].type
        precondition(
            arguments.count == type.parameters.count
                && zip(arguments, type.parameters).allSatisfy { $0.has($1) },
            "arguments do not have the types of the parameters")
        let machine = ReferenceMachine(self)
        for argument in arguments { machine.push(argument.cell) }
        try machine.run(address)
        return zip(machine.stack, type.results).map { value($0, $1) }
    }
}

/// A function with what it needs to run. Specification: 4.2.7.
public struct ReferenceFunction {
    public let type: FunctionType
    /// The store's number of the type.
    let typeNumber: UInt32
    let body: Body

    enum Body {
        case wasm(ReferenceInstance, ReferenceCode)
        case host(([ReferenceValue]) throws(ReferenceTrap) -> [ReferenceValue])
    }
}

/// Specification: 4.2.8 “Table Instances”.
public final class ReferenceTable {
    public let type: TableType
    public internal(set) var elements: [UInt64]

    init(type: TableType, filledWith cell: UInt64) {
        self.type = type
        elements = Array(repeating: cell, count: Int(type.limits.minimum))
    }

    public func value(_ index: Int, in store: ReferenceStore) -> ReferenceValue {
        store.value(ModelVector(low: elements[index]), type.element)
    }

    /// Tables of this many elements are never needed by a test.
    static let greatestSize: UInt64 = 1_000_000

    /// Returns the old size, or -1 if the table cannot grow so far.
    func grow(by count: UInt64, filledWith cell: UInt64) -> UInt64 {
        let old = UInt64(elements.count)
        let (new, overflow) = old.addingReportingOverflow(count)
        if overflow || new > type.limits.maximum ?? .max || new > Self.greatestSize {
            return type.is64 ? .max : 0xFFFF_FFFF
        }
        elements.append(contentsOf: repeatElement(cell, count: Int(count)))
        return old
    }
}

/// Specification: 4.2.9 “Memory Instances”.
public final class ReferenceMemory {
    public let type: MemoryType
    public internal(set) var bytes: [UInt8]

    /// More is refused, as the specification allows: tests do not need it.
    static let greatestByteCount: UInt64 = 1 << 28

    init(type: MemoryType) {
        self.type = type
        let count = min(type.byteCount(ofPages: type.limits.minimum), Self.greatestByteCount)
        bytes = Array(repeating: 0, count: Int(count))
    }

    public var pageCount: UInt64 { UInt64(bytes.count) / type.pageBytes }

    /// Returns the old size in pages, or -1 if the memory cannot grow so far.
    func grow(by count: UInt64) -> UInt64 {
        let old = pageCount
        let (new, overflow) = old.addingReportingOverflow(count)
        if overflow || new > type.limits.maximum ?? .max
            || type.byteCount(ofPages: new) > Self.greatestByteCount
        {
            return type.is64 ? .max : 0xFFFF_FFFF
        }
        bytes.append(contentsOf: repeatElement(0, count: Int(count * type.pageBytes)))
        return old
    }
}

/// Specification: 4.2.10 “Global Instances”.
public final class ReferenceGlobal {
    public let type: GlobalType
    var cell: ModelVector

    init(type: GlobalType, cell: ModelVector) {
        self.type = type
        self.cell = cell
    }

    public func value(in store: ReferenceStore) -> ReferenceValue { store.value(cell, type.value) }
}
