import ApusABI
import ApusCollections
import ApusFormat
import Testing

@testable import ApusRuntime

@Suite struct InstantiationTests {
    private func store() throws -> RuntimeStore { try RuntimeStore(makeEnvironment()) }

    private func segment(at offset: Int32, _ contents: Range<Int>) -> DataSegment {
        DataSegment(
            mode: .active(memory: 0, offset: ConstantExpression([.i32Const(offset)])),
            contents: contents)
    }

    @Test func segmentsRunInOrderAndEarlierOnesStay() throws {
        let store = try store()
        let memory = try store.makeMemory(MemoryType(limits: SizeLimits(minimum: 1)))
        let table = try store.makeTable(
            TableType(element: .funcref, limits: SizeLimits(minimum: 2)))
        var parts = parts([.unreachable], bytes: [1, 2, 3, 4])
        parts.imports = [
            Import(module: "m", name: "t", type: .table(table.type)),
            Import(module: "m", name: "m", type: .memory(memory.type)),
        ]
        parts.tables = [table.type]
        parts.memories = [memory.type]
        parts.importedTableCount = 1
        parts.importedMemoryCount = 1
        parts.elements = [
            ElementSegment(
                mode: .active(table: 0, offset: ConstantExpression([.i32Const(1)])),
                type: .funcref, initializers: .functions([0]))
        ]
        parts.data = [
            segment(at: 0, 0..<2), segment(at: 1, 2..<4), segment(at: 65535, 0..<2),
            segment(at: 8, 0..<4),
        ]
        let items: [ExternalItem] = [.table(table), .memory(memory)]
        let code = trap { _ = try store.instance([.unreachable], parts, items) }
        #expect(code == .memoryOutOfBounds)
        #expect(memory.read(10, at: 0) == [1, 3, 4, 0, 0, 0, 0, 0, 0, 0])
        #expect(unsafe memory.load(UInt8.self, at: 65535) == 0)
        let left = try #require(FunctionReference(bits: table.get(1) ?? 0))
        #expect(trap { try store.call(left, []) } == .unreachable)
    }

    @Test func elementSegmentBeyondTheTableIsATrap() throws {
        var parts = parts([.unreachable])
        parts.tables = [TableType(element: .funcref, limits: SizeLimits(minimum: 1))]
        parts.elements = [
            ElementSegment(
                mode: .active(table: 0, offset: ConstantExpression([.i32Const(-1)])),
                type: .funcref, initializers: .functions([0]))
        ]
        let store = try store()
        #expect(trap { _ = try store.instance([.unreachable], parts) } == .tableOutOfBounds)
    }

    @Test func constantExpressionsCompute() throws {
        let store = try store()
        let base = try store.makeGlobal(GlobalType(.i32, isMutable: false), bits: 5)
        var parts = parts([.unreachable])
        parts.imports = [Import(module: "m", name: "g", type: .global(base.type))]
        parts.importedGlobalCount = 1
        parts.globals = [
            base.type, GlobalType(.i32, isMutable: true), GlobalType(.i64, isMutable: true),
            GlobalType(.f64, isMutable: true), GlobalType(.funcref, isMutable: true),
            GlobalType(.v128, isMutable: true), GlobalType(.externref, isMutable: true),
        ]
        parts.globalInitializers = [
            ConstantExpression([.globalGet(0), .i32Const(-7), .i32Mul, .i32Const(1), .i32Sub]),
            ConstantExpression([.i64Const(.max), .i64Const(1), .i64Add]),
            ConstantExpression([.f64Const(bits: (1.5).bitPattern)]),
            ConstantExpression([.refFunc(0)]),
            ConstantExpression([.v128Const(low: 1, high: 2)]),
            ConstantExpression([.refNull(.extern)]),
        ]
        let instance = try store.instance([.unreachable], parts, [.global(base)])
        #expect(instance.globals[1].bits == UInt64(UInt32(bitPattern: -36)))
        #expect(instance.globals[2].bits == UInt64(bitPattern: Int64.min))
        #expect(instance.globals[3].bits == (1.5).bitPattern)
        #expect(instance.globals[4].bits == instance.function(0)?.bits)
        #expect(instance.globals[5].bits == 1 && instance.globals[5].highBits == 2)
        #expect(instance.globals[6].bits == 0)
    }

    @Test func startFunctionRunsLast() throws {
        let store = try store()
        var started = 0
        let host = try store.makeHostFunction(nothing) { frame in
            #expect(frame.count == 0)
            started += 1
        }
        var parts = parts([], imported: 1)
        parts.imports[0].type = .function(typeIndex: 1)
        parts.functions[0] = 1
        parts.start = 0
        _ = try store.instance([], parts, [.function(host)])
        #expect(started == 1)
    }

    @Test func droppedAndPassiveSegments() throws {
        var parts = parts([.callRuntime], bytes: [10, 20, 30])
        parts.memories = [MemoryType(limits: SizeLimits(minimum: 1))]
        parts.tables = [TableType(element: .funcref, limits: SizeLimits(minimum: 3))]
        parts.data = [DataSegment(mode: .passive, contents: 0..<3), segment(at: 0, 0..<1)]
        parts.elements = [
            ElementSegment(
                mode: .passive, type: .funcref,
                initializers: .expressions([
                    ConstantExpression([.refFunc(0)]),
                    ConstantExpression([.refNull(.func)]),
                ])),
            ElementSegment(
                mode: .declarative, type: .funcref, initializers: .functions([0])),
        ]
        let instance = try store().instance([.callRuntime], parts)
        func call(_ function: RuntimeFunction, _ arguments: UInt64...) -> TrapCode? {
            var all = [UInt64(function.rawValue)] + arguments
            all += Array(repeating: 0, count: 6 - all.count)
            return trap {
                _ = try instance.store.call(instance.function(0)!, all)
            }
        }
        let layout = instance.module.layout
        let memory = UInt64(layout.memoryPlace(0))
        let passive = UInt64(layout.dataPlace(0))
        let active = UInt64(layout.dataPlace(1))
        #expect(call(.memoryCopy, memory, passive, 65533, 0, 3) == nil)
        #expect(instance.memories[0].read(3, at: 65533) == [10, 20, 30])
        #expect(call(.memoryCopy, memory, passive, 65534, 0, 3) == .memoryOutOfBounds)
        #expect(call(.memoryCopy, memory, passive, 0, 1, 3) == .memoryOutOfBounds)
        #expect(call(.memoryCopy, memory, passive, 0, .max, 2) == .memoryOutOfBounds)
        #expect(call(.memoryCopy, memory, active, 0, 0, 1) == .memoryOutOfBounds)
        #expect(call(.dataDrop, 0) == nil)
        #expect(call(.memoryCopy, memory, passive, 0, 0, 1) == .memoryOutOfBounds)
        #expect(call(.memoryCopy, memory, passive, 65536, 0, 0) == nil)
        #expect(call(.memoryCopy, memory, passive, 65537, 0, 0) == .memoryOutOfBounds)
        let table = UInt64(layout.tablePlace(0))
        let elements = UInt64(layout.elementPlace(0))
        let declared = UInt64(layout.elementPlace(1))
        #expect(call(.tableCopy, table, elements, 1, 0, 2) == nil)
        #expect(instance.tables[0].get(1) == instance.function(0)?.bits)
        #expect(call(.tableCopy, table, elements, 2, 0, 2) == .tableOutOfBounds)
        #expect(instance.tables[0].get(2) == 0)
        #expect(call(.tableCopy, table, declared, 0, 0, 1) == .tableOutOfBounds)
        #expect(call(.elementDrop, 0) == nil)
        #expect(call(.tableCopy, table, elements, 0, 0, 1) == .tableOutOfBounds)
        #expect(call(.tableCopy, table, elements, 3, 0, 0) == nil)
    }

    @Test func exportNamesAreComparedByCodePoint() throws {
        var parts = parts([.unreachable, .divide])
        // The same to a reader, and to Swift's String, but not to WebAssembly.
        parts.exports[0].name = "\u{C5}"
        parts.exports[1].name = "\u{212B}"
        let instance = try store().instance([.unreachable, .divide], parts)
        for (index, name) in ["\u{C5}", "\u{212B}"].enumerated() {
            guard case .function(let function) = instance.state.export(name) else {
                Issue.record("no export \(index)")
                continue
            }
            #expect(function.functionIndex == UInt32(index))
        }
        #expect(instance.state.export("A\u{30A}") == nil)
    }

    @Test func bulkOperationsCheckFirst() throws {
        var parts = parts([.callRuntime])
        parts.memories = [MemoryType(limits: SizeLimits(minimum: 1))]
        let instance = try store().instance([.callRuntime], parts)
        func call(_ function: RuntimeFunction, _ arguments: UInt64...) -> TrapCode? {
            var all = [UInt64(function.rawValue)] + arguments
            all += Array(repeating: 0, count: 6 - all.count)
            return trap { _ = try instance.store.call(instance.function(0)!, all) }
        }
        let memory = instance.memories[0]
        let place = UInt64(instance.state.module.layout.memoryPlace(0))
        #expect(call(.memoryFill, place, 65530, 0x1FF, 6) == nil)
        #expect(memory.read(2, at: 65529) == [0, 0xFF])
        #expect(call(.memoryFill, place, 65530, 1, 7) == .memoryOutOfBounds)
        #expect(call(.memoryFill, place, 65537, 1, 0) == .memoryOutOfBounds)
        #expect(memory.read(6, at: 65530) == Array(repeating: 0xFF, count: 6))
        #expect(memory.put([1, 2, 3, 4], at: 0))
        #expect(call(.memoryCopy, place, place, 1, 0, 4) == nil)
        #expect(memory.read(5, at: 0) == [1, 1, 2, 3, 4])
        #expect(call(.memoryCopy, place, place, 65535, 0, 2) == .memoryOutOfBounds)
        #expect(call(.memoryCopy, place, place, 0, 0xFFFF_FFFF, 2) == .memoryOutOfBounds)
    }
}
