import Apus

/// A module in the making for tests, section by section. Function bodies are bytes, which the
/// functions of `Code` spell.
struct TestModule {
    private var types: [FunctionType] = []
    private var imports: [[UInt8]] = []
    private var importedFunctions = 0
    private var functions: [(type: Int, body: [UInt8])] = []
    private var tables: [[UInt8]] = []
    private var memories: [[UInt8]] = []
    private var globals: [[UInt8]] = []
    private var exports: [[UInt8]] = []
    private var elements: [[UInt8]] = []
    private var data: [[UInt8]] = []
    private var functionNames: [(Int, String)] = []
    var start: Int?
    /// Further custom sections, at the end.
    var customSections: [(name: String, contents: [UInt8])] = []

    // MARK: Imports, to be made before anything else of their kind

    @discardableResult
    mutating func importFunction(
        _ module: String, _ name: String, _ parameters: [ValueType] = [],
        _ results: [ValueType] = []
    ) -> Int {
        let type = type(parameters, results)
        imports.append(Code.name(module) + Code.name(name) + [0x00] + Code.unsigned(type))
        importedFunctions += 1
        return importedFunctions - 1
    }

    mutating func importMemory(_ module: String, _ name: String, _ minimum: Int, _ maximum: Int?) {
        imports.append(
            Code.name(module) + Code.name(name) + [0x02] + Code.limits(minimum, maximum))
    }

    mutating func importTable(_ module: String, _ name: String, _ minimum: Int, _ maximum: Int?) {
        imports.append(
            Code.name(module) + Code.name(name) + [0x01, 0x70] + Code.limits(minimum, maximum))
    }

    mutating func importGlobal(
        _ module: String, _ name: String, _ type: ValueType, isMutable: Bool = false
    ) {
        imports.append(
            Code.name(module) + Code.name(name) + [0x03, Code.byte(type), isMutable ? 1 : 0])
    }

    // MARK: Definitions

    /// The index of a function type.
    mutating func type(_ parameters: [ValueType], _ results: [ValueType]) -> Int {
        let type = FunctionType(parameters, results)
        if let index = types.firstIndex(of: type) { return index }
        types.append(type)
        return types.count - 1
    }

    /// Adds a function, exported as `name` if it has one; `code` lacks the final `end`.
    @discardableResult
    mutating func function(
        _ name: String?, _ parameters: [ValueType], _ results: [ValueType],
        locals: [ValueType] = [], _ code: [UInt8]
    ) -> Int {
        let index = importedFunctions + functions.count
        let declared = Code.list(locals.map { [0x01, Code.byte($0)] })
        functions.append((type(parameters, results), declared + code + [0x0B]))
        if let name { export(name, 0x00, index) }
        return index
    }

    /// Adds a function without parameters and results.
    @discardableResult
    mutating func function(_ name: String?, _ code: [UInt8]) -> Int {
        function(name, [], [], code)
    }

    /// Names a function in the name section.
    mutating func name(_ function: Int, _ name: String) { functionNames.append((function, name)) }

    mutating func memory(_ minimum: Int, _ maximum: Int? = nil, export name: String? = "memory") {
        memories.append(Code.limits(minimum, maximum))
        if let name { export(name, 0x02, 0) }
    }

    mutating func table(
        _ type: ValueType, _ minimum: Int, _ maximum: Int? = nil, export name: String? = "table"
    ) {
        tables.append([Code.byte(type)] + Code.limits(minimum, maximum))
        if let name { export(name, 0x01, 0) }
    }

    @discardableResult
    mutating func global(
        _ name: String?, _ type: ValueType, isMutable: Bool, index: Int = 0, _ initial: [UInt8]
    ) -> Int {
        globals.append([Code.byte(type), isMutable ? 1 : 0] + initial + [0x0B])
        if let name { export(name, 0x03, index + globals.count - 1) }
        return index + globals.count - 1
    }

    mutating func export(_ name: String, _ kind: UInt8, _ index: Int) {
        exports.append(Code.name(name) + [kind] + Code.unsigned(index))
    }

    /// Functions that are put into table 0 from `offset` on.
    mutating func elements(at offset: Int32, _ functions: [Int]) {
        elements.append(
            [0x00] + Code.i32(offset) + [0x0B] + Code.list(functions.map(Code.unsigned)))
    }

    /// Bytes that are put into memory 0 from `offset` on.
    mutating func data(at offset: Int32, _ bytes: [UInt8]) {
        data.append(
            [0x00] + Code.i32(offset) + [0x0B] + Code.unsigned(bytes.count) + bytes)
    }

    // MARK: Bytes

    var bytes: [UInt8] {
        var module: [UInt8] = [0x00, 0x61, 0x73, 0x6D, 0x01, 0x00, 0x00, 0x00]
        func section(_ identifier: UInt8, _ items: [[UInt8]]) {
            if items.isEmpty { return }
            let contents = Code.list(items)
            module += [identifier] + Code.unsigned(contents.count) + contents
        }
        section(
            1,
            types.map { type in
                [0x60] + Code.list(type.parameters.map { [Code.byte($0)] })
                    + Code.list(type.results.map { [Code.byte($0)] })
            })
        section(2, imports)
        section(3, functions.map { Code.unsigned($0.type) })
        section(4, tables)
        section(5, memories)
        section(6, globals)
        section(7, exports)
        if let start {
            let index = Code.unsigned(start)
            module += [8] + Code.unsigned(index.count) + index
        }
        section(9, elements)
        section(10, functions.map { Code.unsigned($0.body.count) + $0.body })
        section(11, data)
        for (name, contents) in customSections { module += Code.custom(name, contents) }
        if !functionNames.isEmpty {
            let names = Code.list(
                functionNames.map { index, name in Code.unsigned(index) + Code.name(name) })
            module += Code.custom("name", [0x01] + Code.unsigned(names.count) + names)
        }
        return module
    }
}

/// Bytes of instructions and other parts of modules. Specification: 5 “Binary Format”.
enum Code {
    static func unsigned(_ value: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        var rest = value
        while rest > 0x7F {
            bytes.append(UInt8(rest & 0x7F) | 0x80)
            rest >>= 7
        }
        return bytes + [UInt8(rest)]
    }

    static func signed(_ value: Int64) -> [UInt8] {
        var bytes: [UInt8] = []
        var rest = value
        while rest < -64 || rest > 63 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        return bytes + [UInt8(truncatingIfNeeded: rest) & 0x7F]
    }

    static func list(_ items: [[UInt8]]) -> [UInt8] { unsigned(items.count) + items.joined() }

    static func name(_ text: String) -> [UInt8] { unsigned(text.utf8.count) + Array(text.utf8) }

    static func limits(_ minimum: Int, _ maximum: Int?) -> [UInt8] {
        maximum.map { [0x01] + unsigned(minimum) + unsigned($0) } ?? [0x00] + unsigned(minimum)
    }

    static func custom(_ title: String, _ contents: [UInt8]) -> [UInt8] {
        let section = name(title) + contents
        return [0x00] + unsigned(section.count) + section
    }

    static func byte(_ type: ValueType) -> UInt8 {
        switch type {
        case .funcref: 0x70
        case .externref: 0x6F
        default: UInt8(truncatingIfNeeded: type.bits)
        }
    }

    // MARK: Instructions

    static func get(_ local: Int) -> [UInt8] { [0x20] + unsigned(local) }
    static func set(_ local: Int) -> [UInt8] { [0x21] + unsigned(local) }
    static func globalGet(_ global: Int) -> [UInt8] { [0x23] + unsigned(global) }
    static func globalSet(_ global: Int) -> [UInt8] { [0x24] + unsigned(global) }
    static func i32(_ value: Int32) -> [UInt8] { [0x41] + signed(Int64(value)) }
    static func i64(_ value: Int64) -> [UInt8] { [0x42] + signed(value) }
    static func f32(_ value: Float) -> [UInt8] {
        [0x43] + (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * $0)) }
    }
    static func f64(_ value: Double) -> [UInt8] {
        [0x44] + (0..<8).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * $0)) }
    }
    static func call(_ function: Int) -> [UInt8] { [0x10] + unsigned(function) }
    static func callIndirect(_ type: Int) -> [UInt8] { [0x11] + unsigned(type) + [0x00] }
    static func refFunc(_ function: Int) -> [UInt8] { [0xD2] + unsigned(function) }
    static func tableGet() -> [UInt8] { [0x25, 0x00] }
    static func tableSet() -> [UInt8] { [0x26, 0x00] }
    static func i32Load() -> [UInt8] { [0x28, 0x02, 0x00] }
    static func i32Store() -> [UInt8] { [0x36, 0x02, 0x00] }
    static let memorySize: [UInt8] = [0x3F, 0x00]
    static let memoryGrow: [UInt8] = [0x40, 0x00]
    static let unreachable: [UInt8] = [0x00]
    static let drop: [UInt8] = [0x1A]
    static let i32Add: [UInt8] = [0x6A]
    static let i32Subtract: [UInt8] = [0x6B]
    static let i32Multiply: [UInt8] = [0x6C]
    static let i32Divide: [UInt8] = [0x6D]
    static let i64Add: [UInt8] = [0x7C]
    static let f32Add: [UInt8] = [0x92]
    static let f64Add: [UInt8] = [0xA0]
    static let i32TruncateF64: [UInt8] = [0xAA]
    static let end: [UInt8] = [0x0B]
    /// `if` without a result, `else` not included.
    static func ifThen(_ body: [UInt8]) -> [UInt8] { [0x04, 0x40] + body + end }
    /// `loop` without a result.
    static func loop(_ body: [UInt8]) -> [UInt8] { [0x03, 0x40] + body + end }
    static func branchIf(_ depth: Int) -> [UInt8] { [0x0D] + unsigned(depth) }
}
