import ApusFormat
import Testing

/// What modules are refused for besides their functions' code.
@Suite struct ModuleValidatorTests {
    private func expect(
        _ message: String?, sourceLocation: SourceLocation = #_sourceLocation,
        _ change: (inout ModuleBuilder) -> Void
    ) throws {
        var builder = ModuleBuilder()
        change(&builder)
        let module = try builder.build()
        var found: ModuleError?
        do { try ModuleValidator.validate(module) } catch { found = error }
        if let message {
            #expect(found?.kind == .invalid, sourceLocation: sourceLocation)
            #expect(
                found?.message.hasPrefix(message) == true, "\(found?.message ?? "accepted")",
                sourceLocation: sourceLocation)
            #expect(found.map { $0.offset > 8 } == true, sourceLocation: sourceLocation)
        } else {
            #expect(found == nil, "\(found?.message ?? "")", sourceLocation: sourceLocation)
        }
    }

    private func global(_ instructions: ConstantExpression.Instruction...) -> ConstantExpression {
        ConstantExpression(instructions)
    }

    @Test func sizes() throws {
        try expect("size minimum must not be greater than maximum") {
            $0.addMemory(MemoryType(limits: SizeLimits(minimum: 2, maximum: 1)))
        }
        try expect("size minimum must not be greater than maximum") {
            $0.addTable(TableType(element: .funcref, limits: SizeLimits(minimum: 2, maximum: 1)))
        }
        try expect("memory size must be at most 65536 pages (4GiB)") {
            $0.addMemory(MemoryType(limits: SizeLimits(minimum: 65_537)))
        }
        try expect("memory size must be at most 65536 pages (4GiB)") {
            $0.importMemory("m", "m", MemoryType(limits: SizeLimits(minimum: 0, maximum: 1 << 31)))
        }
        try expect(nil) {
            $0.addMemory(MemoryType(limits: SizeLimits(minimum: 65_536, maximum: 65_536)))
        }
    }

    @Test func exports() throws {
        try expect("duplicate export name") {
            $0.addFunction(FunctionType()) { _ in }
            $0.export("a", .function(0))
            $0.export("a", .function(0))
        }
        try expect(nil) {
            $0.addFunction(FunctionType()) { _ in }
            $0.export("\u{E9}", .function(0))
            $0.export("e\u{301}", .function(0))
        }
        try expect("unknown function 0") { $0.export("a", .function(0)) }
        try expect("unknown table 0") { $0.export("a", .table(0)) }
        try expect("unknown memory 0") { $0.export("a", .memory(0)) }
        try expect("unknown global 0") { $0.export("a", .global(0)) }
    }

    @Test func namesInMessagesAreEscapedAndShort() throws {
        try expect("duplicate export name \\u{1b}[2J\\n\\u{202e}") {
            $0.addFunction(FunctionType()) { _ in }
            $0.export("\u{1B}[2J\n\u{202E}", .function(0))
            $0.export("\u{1B}[2J\n\u{202E}", .function(0))
        }
    }

    @Test func messagesAreShort() throws {
        func length(_ change: (inout ModuleBuilder) -> Void) throws -> Int {
            var builder = ModuleBuilder()
            builder.addFunction(FunctionType([ValueType](repeating: .i32, count: 1_000))) { _ in }
            change(&builder)
            let module = try builder.build()
            let error = #expect(throws: ModuleError.self) { try ModuleValidator.validate(module) }
            return error?.description.utf8.count ?? .max
        }
        #expect(try length { $0.start = 0 } < 400)
        let name = String(repeating: "x", count: 100_000)
        let twice = try length {
            $0.export(name, .function(0))
            $0.export(name, .function(0))
        }
        #expect(twice < 400)
    }

    @Test func start() throws {
        try expect("unknown function 1") {
            $0.addFunction(FunctionType()) { _ in }
            $0.start = 1
        }
        try expect("start function") {
            $0.addFunction(FunctionType([.i32])) { _ in }
            $0.start = 0
        }
    }

    @Test func constantExpressions() throws {
        let i32 = GlobalType(.i32, isMutable: false)
        try expect("type mismatch") { $0.addGlobal(i32, global(.i64Const(0))) }
        try expect("type mismatch") { $0.addGlobal(i32, global()) }
        try expect("type mismatch") { $0.addGlobal(i32, global(.i32Const(0), .i32Const(0))) }
        try expect("type mismatch") { $0.addGlobal(i32, global(.i32Const(0), .i32Add)) }
        try expect(nil) { $0.addGlobal(i32, global(.i32Const(1), .i32Const(2), .i32Mul)) }
        try expect("unknown global 0") { $0.addGlobal(i32, global(.globalGet(0))) }
        try expect("constant expression required") {
            $0.importGlobal("m", "g", GlobalType(.i32, isMutable: true))
            $0.addGlobal(i32, global(.globalGet(0)))
        }
        try expect(nil) {
            $0.importGlobal("m", "g", i32)
            $0.addGlobal(i32, global(.globalGet(0)))
        }
        try expect("unknown function 3") {
            $0.addGlobal(GlobalType(.funcref, isMutable: false), global(.refFunc(3)))
        }
        try expect("type mismatch") {
            $0.addGlobal(GlobalType(.externref, isMutable: false), global(.refNull(.func)))
        }
    }

    @Test func segments() throws {
        let zero = global(.i32Const(0))
        try expect("unknown memory 0") { $0.addData(.active(memory: 0, offset: zero), []) }
        try expect("unknown table 0") {
            $0.addElements(
                ElementSegment(
                    mode: .active(table: 0, offset: zero), type: .funcref,
                    initializers: .functions([])))
        }
        try expect("type mismatch") {
            $0.addTable(TableType(element: .externref, limits: SizeLimits(minimum: 0)))
            $0.addElements(
                ElementSegment(
                    mode: .active(table: 0, offset: zero), type: .funcref,
                    initializers: .functions([])))
        }
        try expect("unknown function 0") {
            $0.addElements(
                ElementSegment(
                    mode: .declarative, type: .funcref, initializers: .functions([0])))
        }
        try expect("type mismatch") {
            $0.addMemory(MemoryType(limits: SizeLimits(minimum: 0)))
            $0.addData(.active(memory: 0, offset: global(.i64Const(0))), [])
        }
    }
}
