import ApusCollections
import ApusFormat
import CApusHost
import Testing

@testable import ApusABI

@Suite struct ContextLayoutTests {
    private let headBytes = unsafe Int32(MemoryLayout<apus_context>.size)

    private func layout(_ change: (inout DecodedModule.Parts) -> Void) -> ContextLayout {
        var parts = DecodedModule.Parts(bytes: ByteStorage([]))
        change(&parts)
        return ContextLayout(DecodedModule(parts))
    }

    @Test func recordsHaveTheSizesThatLayoutsCountWith() {
        #expect(unsafe MemoryLayout<apus_memory>.size == 16)
        #expect(unsafe MemoryLayout<apus_table>.size == 16)
        #expect(unsafe MemoryLayout<apus_function_import>.size == 16)
        #expect(unsafe MemoryLayout<apus_funcref>.size == 32)
        #expect(unsafe MemoryLayout<apus_context>.size % 16 == 0)
        #expect(unsafe MemoryLayout<apus_type>.size == 1 << TypeField.recordSizeLog2)
    }

    @Test func importsBeginAsFunctionValues() {
        #expect(FunctionImportField.code == FuncrefField.code)
        #expect(FunctionImportField.context == FuncrefField.context)
    }

    @Test func stopsComeBehindAllElse() {
        var parts = DecodedModule.Parts(bytes: ByteStorage([]))
        parts.bodies = [FunctionBody(start: 90, end: 120), FunctionBody(start: 40, end: 80)]
        let module = DecodedModule(parts)
        let plain = ContextLayout(module)
        #expect(plain.stops == nil)
        let layout = ContextLayout(module, hasStopPoints: true)
        #expect(layout.stops == plain.size)
        #expect(layout.size == plain.size + 16)
        #expect(layout.stopRange == 40..<120)
    }

    @Test func fieldsThatCodeTouchesLieNearTheStart() {
        let fields = [
            ContextField.stackLimit, ContextField.memoryBase, ContextField.storeContext,
            ContextField.runtimeFunctions, ContextField.runtimeCall, ContextField.trapExit,
            ContextField.owner, StoreField.entryStackPointer, StoreField.landing,
            StoreField.entryFramePointer, StoreField.exitFramePointer,
            StoreField.exitProgramCounter, StoreField.trap,
        ]
        // A displacement of one byte reaches them.
        #expect(fields.allSatisfy { (0..<128).contains($0) })
        #expect(Set(fields[..<7]).count == 7)
        #expect(Set(fields[7...]).count == 6)
    }

    @Test func supertypesLieInTheRecordOrBesideIt() {
        let places = (0...TypeField.depthLimit).map { TypeField.supertype(atDepth: $0) }
        #expect(places[0].offset == TypeField.display && !places[0].isFar)
        #expect(places[7].offset == TypeField.display + 28 && !places[7].isFar)
        #expect(places[8].offset == 0 && places[8].isFar)
        #expect(places[63].offset == 55 * 4 && places[63].isFar)
    }

    @Test func anEmptyModuleHasTheHeadOnly() {
        let layout = layout { _ in }
        #expect(layout.size == headBytes)
    }

    @Test func groupsFollowEachOtherWithoutOverlap() {
        let layout = layout { parts in
            parts.types = ModuleTypes([
                FunctionType(), FunctionType([.i32]), FunctionType([.i64]),
            ])
            parts.functions = [0, 0, 0, 0]
            parts.importedFunctionCount = 3
            let table = TableType(element: .funcref, limits: SizeLimits(minimum: 0))
            parts.tables = [table, table, table]
            parts.importedTableCount = 1
            let memory = MemoryType(limits: SizeLimits(minimum: 0))
            parts.memories = [memory, memory]
            parts.importedMemoryCount = 1
            parts.globals = Array(repeating: GlobalType(.i32, isMutable: true), count: 5)
            parts.importedGlobalCount = 3
            parts.escapingFunctions = [0, 3]
        }
        var ranges: [Range<Int32>] = []
        func add(_ start: Int32, _ size: Int32) { ranges.append(start..<start + size) }
        add(0, headBytes)
        for index in 0..<3 { add(layout.functionImport(index), 16) }
        add(layout.tableImport(0), 8)
        add(layout.memoryImport(0), 8)
        for index in 0..<3 { add(layout.globalImport(index), 8) }
        for index in 1..<3 { add(layout.table(index), 16) }
        add(layout.memory(1), 16)
        for index in 3..<5 {
            add(layout.global(index), 16)
            #expect(layout.global(index) % 16 == 0)
        }
        for index in 0..<3 { add(layout.signature(index), 4) }
        for ordinal in 0..<2 { add(layout.funcref(ordinal), 32) }
        for (range, next) in zip(ranges, ranges.dropFirst()) {
            #expect(range.upperBound <= next.lowerBound)
        }
        #expect(ranges[ranges.count - 1].upperBound <= layout.size)
        #expect(layout.size % 16 == 0)
    }
}
