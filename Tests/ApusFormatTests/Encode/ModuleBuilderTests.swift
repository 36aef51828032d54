import ApusCollections
import ApusFormat
import ApusTestSupport
import Foundation
import Testing

/// What is built is what is read.
@Suite struct ModuleBuilderTests {
    /// A module with something of everything.
    static func everything() -> ModuleBuilder {
        var builder = ModuleBuilder()
        let number = ConstantExpression([.i32Const(-70)])
        builder.importFunction("m", "f", FunctionType([.i32, .f64], [.i64]))
        builder.importTable(
            "m", "t", TableType(element: .externref, limits: SizeLimits(minimum: 1)))
        builder.importGlobal("m", "g", GlobalType(.i32, isMutable: false))
        builder.addTable(TableType(element: .funcref, limits: SizeLimits(minimum: 2, maximum: 9)))
        builder.addMemory(MemoryType(limits: SizeLimits(minimum: 1, maximum: 7_000)))
        builder.addGlobal(GlobalType(.i32, isMutable: true), number)
        builder.addGlobal(
            GlobalType(.v128, isMutable: false),
            ConstantExpression([.v128Const(low: 1, high: .max)]))
        let function = builder.addFunction(
            FunctionType([.i32], [.i32, .i32]), locals: [.i32, .i32, .f64, .i32]
        ) { code in
            code.emit(.localGet, 0)
            code.i32(-1_000_000)
            code.emit(.binary(.i32, .add))
            code.emit(.localGet, 4)
        }
        builder.export("é", .function(function))
        builder.export("memory", .memory(0))
        builder.addElements(
            ElementSegment(
                mode: .active(table: 1, offset: ConstantExpression([.globalGet(0)])),
                type: .funcref, initializers: .functions([0, 1])))
        builder.addElements(
            ElementSegment(
                mode: .passive, type: .externref,
                initializers: .expressions([ConstantExpression([.refNull(.extern)])])))
        builder.addElements(
            ElementSegment(
                mode: .declarative, type: .funcref, initializers: .functions([1])))
        builder.addData(.passive, [1, 2, 3])
        builder.addData(.active(memory: 0, offset: number), [])
        builder.addCustomSection("note", [0xFF])
        return builder
    }

    @Test func everythingIsReadAgain() throws {
        let builder = Self.everything()
        let module = try builder.build()
        #expect(module.types == builder.types)
        #expect(module.imports == builder.imports)
        #expect(module.functions == builder.functions)
        #expect(module.tables == builder.tables)
        #expect(module.memories == builder.memories)
        #expect(module.globals == builder.globals)
        #expect(module.exports == builder.exports)
        #expect(module.elements == builder.elements)
        #expect(module.dataCount == 2)
        #expect(module.data.map(\.contents.count) == [3, 0])
        #expect(module.customSections.map(\.name) == ["note"])
        #expect(module.escapingFunctions == [0, 1])
        #expect(ModuleBuilder(module).encode() == builder.encode())
    }

    /// Each kind of immediates once; validation reads them all.
    @Test func instructionsAreReadAgain() throws {
        var builder = Self.everything()
        builder.addFunction(FunctionType([], [.i32]), locals: [.i32, .f64]) { code in
            code.emit(.block, BlockType.result(.i32))
            code.emit(.loop, BlockType.empty)
            code.i32(3)
            code.i32(1)
            code.branchTable([1, 1], default: 1)
            code.emit(.end)
            code.emit(.unreachable)
            code.emit(.end)
            code.emit(.load(.i32, .unsigned8), MemoryArgument(alignment: 0, offset: 1 << 31))
            code.emit(.drop)
            code.i64(.min)
            code.f32(bits: 0x7FC0_0001)
            code.f64(bits: 0xFFF0_0000_0000_0001)
            code.v128(low: 1, high: 2)
            code.v128(low: 3, high: 4)
            code.shuffle([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 31])
            code.emit(.vectorExtractLane(.i8x16, .unsigned), lane: 15)
            for _ in 0..<4 { code.emit(.drop) }
            code.f64(bits: 1)
            code.emit(.refFunc, 1)
            code.emit(.refNull, HeapType.func)
            code.i32(0)
            code.select(.funcref)
            code.emit(.refIsNull)
            code.emit(.localSet, 0)
            code.emit(.localTee, 1)
            code.emit(.drop)
            code.emit(.localGet, 0)
            code.f64(bits: 0)
            code.i32(0)
            code.emit(.callIndirect, 0, 1)
            code.emit(.convert(.i32WrapI64))
        }
        try validateAll(builder.build())
    }

    private func validateAll(_ module: DecodedModule) throws {
        try ModuleValidator.validate(module)
        var validator = FunctionValidator(module)
        for index in module.importedFunctionCount..<module.functions.count {
            try validator.validate(index)
        }
    }

    @Test(.enabled(if: TestEnvironment.shared != nil, "APUS_SHARED names no folder"))
    func realModulesAreAcceptedAndSurviveARoundTrip() throws {
        let shared = try #require(TestEnvironment.shared)
        var count = 0
        for folder in ["programs/cases", "benchmarks/modules", "wasi-testsuite"] {
            let files = TestEnvironment.files(below: shared.appending(path: folder), suffix: "wasm")
            for file in files {
                let bytes = [UInt8](try Data(contentsOf: file))
                guard bytes.count < 400_000 else { continue }
                guard let module = try decode(bytes, file) else { continue }
                let again = try ModuleBuilder(module).build()
                #expect(again.imports == module.imports, "\(file.lastPathComponent)")
                #expect(again.exports == module.exports, "\(file.lastPathComponent)")
                #expect(again.elements == module.elements, "\(file.lastPathComponent)")
                #expect(again.bodies.count == module.bodies.count, "\(file.lastPathComponent)")
                count += 1
            }
        }
        #expect(count > 50)
    }

    /// Nil if the module needs what is not there yet, which it must then say by name.
    private func decode(_ bytes: [UInt8], _ file: URL) throws -> DecodedModule? {
        do {
            let module = try ModuleDecoder.decode(ByteStorage(bytes))
            try validateAll(module)
            return module
        } catch let error as ModuleError {
            guard case .unsupported(let feature) = error.kind else { throw error }
            #expect(
                [.threads, .garbageCollection, .exceptions, .tailCalls, .relaxedSIMD]
                    .contains(feature), "\(file.lastPathComponent)")
            return nil
        }
    }
}
