internal import ApusFormat

/// What a generated module declares: all that its function bodies can refer to.
struct ModuleShape {
    var types: [FunctionType] = []
    /// Structures and arrays; as types they have the numbers from `aggregateStart` on.
    var aggregates: [SubType] = []
    /// Types of locals, numbers more often than references.
    var localTypes: [ValueType] = Self.plainTypes + [.funcref, .externref]
    /// Type index of each function, imported ones first.
    var functions: [Int] = []
    var importedFunctionCount: Int { importedFunctions.count }
    /// Where the imported functions, tables, memories and globals, which come first, are from.
    var importedFunctions: [Source] = []
    var tables: [TableType] = []
    var importedTables: [Source] = []
    /// Of each of the module's own tables the function that all elements are, if not null.
    var tableInitializers: [Int?] = []
    var memories: [MemoryType] = []
    var importedMemories: [Source] = []
    /// Type index of each tag, imported ones first.
    var tags: [Int] = []
    var importedTags: [Source] = []
    var globals: [GlobalType] = []
    var importedGlobals: [Source] = []
    /// Constant expressions, without their `end`, for the module's own globals.
    var initializers: [[UInt8]] = []
    /// The global that counts down what may still be executed, if the module has one.
    var fuelGlobal: Int?
    var elements: [Element] = []
    var data: [Data] = []
    var start: Int?
    /// Whether there are atomic accesses; then memories may be shared.
    var usesAtomics = false

    static let plainTypes: [ValueType] = [
        .i32, .i32, .i32, .i64, .i64, .f32, .f64, .f64, .i32, .i64,
    ]

    struct Source {
        var module: String
        var name: String
    }

    struct Element {
        var mode: Mode
        /// Table of an active segment.
        var table = 0
        var offset = 0
        /// Functions; nil is null.
        var items: [Int?] = []
        /// Whether the segment is written as expressions (and may contain null).
        var usesExpressions = false
    }

    struct Data {
        var mode: Mode
        /// Memory of an active segment.
        var memory = 0
        var offset = 0
        var contents: [UInt8] = []
    }

    enum Mode { case active, passive, declarative }

    func type(of function: Int) -> FunctionType { types[functions[function]] }

    var usesVectors: Bool { localTypes.contains(.v128) }

    /// The types in `localTypes` that are references to functions of one type.
    var typedReferences: [ValueType] { localTypes.filter(\.isTypedReference) }

    /// Functions that references of this type can be to.
    func functions(for type: ValueType) -> [Int] {
        if type.isManaged { return [] }
        guard let index = type.heapType.typeIndex else {
            return Array(importedFunctionCount..<functions.count)
        }
        return functions.indices.filter { self.type(of: $0) == types[Int(index)] }
    }
}

extension ValueType {
    /// Whether the type is a reference to functions of one type.
    var isTypedReference: Bool { isReference && heapType.typeIndex != nil && !isManaged }

    /// Whether references of this type are to functions.
    var isOfFunctions: Bool {
        isReference && self != .externref && self != .exnref && !isManaged
    }

    /// The type in a module in which type indices are greater by `count`.
    func shifted(by count: Int) -> ValueType {
        guard isTypedReference, let index = heapType.typeIndex else { return self }
        return .reference(
            HeapType(typeIndex: index + UInt32(count)), nullable: isNullable)
    }
}
