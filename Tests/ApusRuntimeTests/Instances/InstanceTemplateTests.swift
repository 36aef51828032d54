import ApusCollections
import ApusFormat
import Testing

@testable import ApusRuntime

@Suite struct InstanceTemplateTests {
    /// A module with one page of memory, a table of four functions and a constant global, 8.
    private func module(_ change: (inout DecodedModule.Parts) -> Void) -> DecodedModule {
        var parts = parts([.unreachable, .divide], bytes: Array(repeating: 1, count: 100))
        parts.memories = [MemoryType(limits: SizeLimits(minimum: 1))]
        parts.tables = [TableType(element: .funcref, limits: SizeLimits(minimum: 4))]
        parts.tableInitializers = [nil]
        parts.globals = [GlobalType(.i32, isMutable: false)]
        parts.globalInitializers = [ConstantExpression([.i32Const(8)])]
        change(&parts)
        return DecodedModule(parts)
    }

    private func template(_ change: (inout DecodedModule.Parts) -> Void) -> InstanceTemplate {
        InstanceTemplate(module(change), ordinals: [0, 1])
    }

    private func data(
        _ offset: ConstantExpression.Instruction..., count: Int = 4
    ) -> DataSegment {
        DataSegment(
            mode: .active(memory: 0, offset: ConstantExpression(offset)), contents: 0..<count)
    }

    private func elements(_ offset: Int32, _ functions: [UInt32]) -> ElementSegment {
        ElementSegment(
            mode: .active(table: 0, offset: ConstantExpression([.i32Const(offset)])),
            type: .funcref, initializers: .functions(functions))
    }

    @Test func imagesReachToTheEndOfTheData() {
        let page = LinearMemory.wholePages(1)
        #expect(template { _ in }.imageBytes == [0])
        #expect(template { $0.data = [data(.i32Const(0), count: 0)] }.imageBytes == [0])
        #expect(template { $0.data = [data(.i32Const(0))] }.imageBytes == [page])
        #expect(
            template { $0.data = [data(.i32Const(Int32(page) - 3)), data(.i32Const(1))] }
                .imageBytes == [2 * page])
        #expect(template { $0.data = [data(.i32Const(65532))] }.imageBytes == [65536])
        let computed = template { $0.data = [data(.globalGet(0), .i32Const(3), .i32Mul)] }
        #expect(computed.isStatic && computed.imageBytes == [page])
    }

    @Test func whatMayFailOrIsImportedIsNotStatic() {
        #expect(!template { $0.data = [data(.i32Const(65533))] }.isStatic)
        #expect(!template { $0.data = [data(.i32Const(-1))] }.isStatic)
        #expect(!template { $0.elements = [elements(3, [0, 1])] }.isStatic)
        #expect(!template { $0.elements = [elements(-1, [])] }.isStatic)
        let imported = template {
            $0.imports = [Import(module: "m", name: "g", type: .global($0.globals[0]))]
            $0.importedGlobalCount = 1
            $0.globalInitializers = []
            $0.data = [data(.globalGet(0))]
        }
        #expect(!imported.isStatic)
        let memory = template {
            $0.imports = [Import(module: "m", name: "m", type: .memory($0.memories[0]))]
            $0.importedMemoryCount = 1
            $0.data = [data(.i32Const(0))]
        }
        #expect(!memory.isStatic)
        let table = template {
            $0.imports = [Import(module: "m", name: "t", type: .table($0.tables[0]))]
            $0.importedTableCount = 1
            $0.tableInitializers = []
            $0.elements = [elements(0, [0])]
        }
        #expect(!table.isStatic)
    }

    @Test func sparseDataIsNotKept() {
        let far = template {
            $0.memories = [MemoryType(limits: SizeLimits(minimum: 1024))]
            $0.data = [data(.i32Const(40 << 20))]
        }
        #expect(!far.isStatic)
        let near = template {
            $0.memories = [MemoryType(limits: SizeLimits(minimum: 1024))]
            $0.data = [data(.i32Const(10 << 20))]
        }
        #expect(near.isStatic)
    }

    @Test func tablesAreFilledInOrder() {
        let filled = template {
            $0.elements = [
                elements(1, [0, 0]), elements(2, [1]),
                ElementSegment(mode: .passive, type: .funcref, initializers: .functions([0])),
            ]
        }
        #expect(filled.isStatic && filled.tables == [[0, 1, 2]])
        #expect(filled.passiveElementCount == 1)
        let initialised = template {
            $0.tableInitializers = [ConstantExpression([.refFunc(1)])]
            $0.elements = [elements(3, [0])]
        }
        #expect(initialised.tables == [[2, 2, 2, 1]])
    }

    @Test func globalsAreConstantsFunctionsOrComputed() {
        let template = template {
            $0.globals += [
                GlobalType(.funcref, isMutable: true), GlobalType(.i32, isMutable: true),
            ]
            $0.globals.append(GlobalType(.i32, isMutable: true))
            $0.globalInitializers += [
                ConstantExpression([.refFunc(1)]),
                ConstantExpression([.globalGet(0), .i32Const(-9), .i32Add]),
                ConstantExpression([.globalGet(2)]),
            ]
        }
        guard case .constant(8, 0) = template.globals[0],
            case .function(ordinal: 1) = template.globals[1],
            case .constant(0xFFFF_FFFF, 0) = template.globals[2],
            case .computed = template.globals[3]
        else {
            Issue.record("\(template.globals)")
            return
        }
    }
}
