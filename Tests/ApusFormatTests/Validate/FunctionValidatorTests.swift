import ApusCollections
import ApusFormat
import Testing

/// What function bodies are refused for, in which words and at which instruction.
@Suite struct FunctionValidatorTests {
    private func expect(
        _ message: String, at place: Int, _ type: FunctionType = FunctionType(),
        locals: [ValueType] = [], sourceLocation: SourceLocation = #_sourceLocation,
        _ emit: (inout InstructionEncoder) -> Void
    ) throws {
        let found = try ValidationFixture.error(type, locals: locals, emit)
        #expect(found?.error.kind == .invalid, sourceLocation: sourceLocation)
        #expect(
            found?.error.message.hasPrefix(message) == true,
            "\(found?.error.message ?? "accepted")", sourceLocation: sourceLocation)
        #expect(found?.place == place, sourceLocation: sourceLocation)
    }

    private func accept(
        _ type: FunctionType = FunctionType(), locals: [ValueType] = [],
        sourceLocation: SourceLocation = #_sourceLocation,
        _ emit: (inout InstructionEncoder) -> Void
    ) throws {
        let found = try ValidationFixture.error(type, locals: locals, emit)
        #expect(found == nil, "\(found?.error.message ?? "")", sourceLocation: sourceLocation)
    }

    // MARK: The operand stack

    @Test func operandsOfTheWrongType() throws {
        try expect("type mismatch: expected i32, found i64", at: 4) {
            $0.i32(1)
            $0.i64(1)
            $0.emit(.binary(.i32, .add))
        }
        try expect("type mismatch", at: 0) { $0.emit(.drop) }
        try expect("type mismatch", at: 2) { $0.i32(1) }
        try expect("type mismatch", at: 0, FunctionType([], [.f32])) { _ in }
        try expect("type mismatch: expected f32, found f64", at: 9, FunctionType([], [.f32])) {
            $0.f64(bits: 0)
        }
    }

    @Test func operandsOfOuterBlocksCannotBeTaken() throws {
        try expect("type mismatch", at: 4) {
            $0.i32(1)
            $0.emit(.block, BlockType.empty)
            $0.emit(.drop)
            $0.emit(.end)
        }
    }

    @Test func blocksMustLeaveTheirResults() throws {
        try expect("type mismatch", at: 4) {
            $0.emit(.block, BlockType.empty)
            $0.i32(1)
            $0.emit(.end)
        }
        try expect("type mismatch", at: 6, FunctionType([], [.i32])) {
            $0.i32(1)
            $0.emit(.if, BlockType.result(.i32))
            $0.i32(1)
            $0.emit(.end)
        }
        try accept(FunctionType([], [.i32])) {
            $0.i32(1)
            $0.emit(.if, BlockType.result(.i32))
            $0.i32(1)
            $0.emit(.else)
            $0.i32(2)
            $0.emit(.end)
        }
    }

    @Test func unreachableCodeHasOperandsOfAnyType() throws {
        try accept(FunctionType([], [.i32])) {
            $0.emit(.unreachable)
            $0.emit(.binary(.i64, .add))
            $0.emit(.convert(.i32WrapI64))
            $0.emit(.select)
        }
        try accept(FunctionType([], [.f64])) {
            $0.emit(.block, BlockType.result(.f64))
            $0.f64(bits: 0)
            $0.emit(.return)
            $0.emit(.end)
        }
        // But what is pushed there has its type, and a new block starts with none.
        try expect("type mismatch: expected i32, found i64", at: 3) {
            $0.emit(.unreachable)
            $0.i64(0)
            $0.emit(.test(.i32))
            $0.emit(.drop)
        }
        try expect("type mismatch", at: 3) {
            $0.emit(.unreachable)
            $0.emit(.block, BlockType.empty)
            $0.emit(.drop)
            $0.emit(.end)
        }
    }

    @Test func selectNeedsATypeForReferences() throws {
        try expect("type mismatch", at: 6) {
            $0.emit(.refNull, HeapType.func)
            $0.emit(.refNull, HeapType.func)
            $0.i32(0)
            $0.emit(.select)
            $0.emit(.drop)
        }
        try expect("type mismatch", at: 6) {
            $0.i32(0)
            $0.i64(0)
            $0.i32(0)
            $0.emit(.select)
            $0.emit(.drop)
        }
        try accept(FunctionType([], [.funcref])) {
            $0.emit(.refNull, HeapType.func)
            $0.emit(.refFunc, 1)
            $0.i32(0)
            $0.select(.funcref)
        }
    }

    // MARK: Indices

    @Test func unknownIndices() throws {
        try expect("unknown local 2", at: 0, locals: [.i32, .i32]) { $0.emit(.localGet, 2) }
        try expect("unknown global 2", at: 0) { $0.emit(.globalGet, 2) }
        try expect("unknown label", at: 2) {
            $0.emit(.loop, BlockType.empty)
            $0.emit(.br, 2)
            $0.emit(.end)
        }
        try expect("unknown function 3", at: 0) { $0.emit(.call, 3) }
        try expect("unknown table 2", at: 0) { $0.emit(.tableSize, 2) }
        try expect("unknown type 9", at: 2) {
            $0.i32(0)
            $0.emit(.callIndirect, 9, 0)
        }
        try expect("unknown type 9", at: 0) {
            $0.emit(.block, BlockType.type(9))
            $0.emit(.end)
        }
        try expect("unknown data segment 1", at: 0) { $0.emit(.dataDrop, 1) }
        try expect("unknown elem segment 1", at: 0) { $0.emit(.elementDrop, 1) }
    }

    @Test func whatIsThereButMayNotBeUsed() throws {
        try expect("global is immutable", at: 2) {
            $0.i32(0)
            $0.emit(.globalSet, 0)
        }
        try expect("undeclared function reference", at: 0) {
            $0.emit(.refFunc, 2)
            $0.emit(.drop)
        }
        try expect("type mismatch", at: 2) {
            $0.i32(0)
            $0.emit(.callIndirect, 1, 1)
        }
        try expect("type mismatch", at: 6) {
            for _ in 0..<3 { $0.i32(0) }
            $0.emit(.tableInit, 0, 1)
        }
        try expect("type mismatch", at: 6) {
            for _ in 0..<3 { $0.i32(0) }
            $0.emit(.tableCopy, 0, 1)
        }
    }

    // MARK: Immediates

    @Test func alignment() throws {
        try expect("alignment must not be larger than natural", at: 2) {
            $0.i32(0)
            $0.emit(.load(.i64, .signed32), MemoryArgument(alignment: 3))
            $0.emit(.drop)
        }
        try accept {
            $0.i32(0)
            $0.emit(.load(.i64, .signed32), MemoryArgument(alignment: 2, offset: 0xFFFF_FFFF))
            $0.emit(.drop)
        }
        try expect("alignment must not be larger than natural", at: 2) {
            $0.i32(0)
            $0.emit(.vectorLoad(.zero32), MemoryArgument(alignment: 3))
            $0.emit(.drop)
        }
    }

    @Test func lanes() throws {
        try expect("invalid lane index", at: 18) {
            $0.v128(low: 0, high: 0)
            $0.emit(.vectorExtractLane(.i64x2, .none), lane: 2)
            $0.emit(.drop)
        }
        try expect("invalid lane index", at: 36) {
            $0.v128(low: 0, high: 0)
            $0.v128(low: 0, high: 0)
            $0.shuffle([UInt8](repeating: 32, count: 16))
            $0.emit(.drop)
        }
    }

    @Test func branchTables() throws {
        try expect("type mismatch", at: 8) {
            $0.emit(.block, BlockType.empty)
            $0.emit(.block, BlockType.result(.i32))
            $0.i32(0)
            $0.i32(0)
            $0.branchTable([0], default: 1)
            $0.emit(.end)
            $0.emit(.drop)
            $0.emit(.end)
        }
        try accept(FunctionType([], [.i32])) {
            $0.emit(.block, BlockType.result(.i32))
            $0.i32(0)
            $0.i32(0)
            $0.branchTable([0, 1, 0], default: 1)
            $0.emit(.end)
        }
    }

    /// Two bytes push a thousand operands, reached or not.
    @Test(arguments: [[], [0x00]] as [[UInt8]])
    func operandsAreLimited(start: [UInt8]) throws {
        func error(calls: Int) throws -> ModuleError? {
            var builder = ModuleBuilder()
            let many = FunctionType([], Array(repeating: .i32, count: 1000))
            builder.addFunction(many, code: [0x00, 0x0B])
            let calls = Array(repeating: [0x10, 0x00] as [UInt8], count: calls).joined()
            builder.addFunction(FunctionType(), code: start + calls + [0x00, 0x0B])
            var validator = FunctionValidator(try builder.build())
            do {
                try validator.validate(1)
                return nil
            } catch { return error }
        }
        #expect(try error(calls: 100) == nil)
        let refusal = try #require(try error(calls: 101))
        #expect(refusal.kind == .limit)
        #expect(refusal.message.hasPrefix("too many operands on the stack: 101000"))
    }

    // MARK: Malformed code

    private func malformed(_ code: [UInt8]) throws -> ModuleError? {
        var builder = ModuleBuilder()
        builder.addMemory(MemoryType(limits: SizeLimits(minimum: 1)))
        builder.addFunction(FunctionType(), code: code)
        builder.hasDataCount = false
        builder.addData(.passive, [])
        let module = try builder.build()
        var validator = FunctionValidator(module, features: .webAssembly2)
        do {
            try validator.validate(0)
            return nil
        } catch { return error }
    }

    @Test(
        arguments: [
            ([], "END opcode expected"), ([0x01], "END opcode expected"),
            ([0x0B, 0x01], "operators remaining after end"),
            ([0x05, 0x0B], "END opcode expected, found else"), ([0x16, 0x0B], "illegal opcode 16"),
            ([0xFC, 0x12, 0x0B], "illegal opcode fc 12"),
            ([0xFD, 0x9A, 0x01, 0x0B], "illegal opcode fd 9a"),
            (
                [0x41, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00, 0x1A, 0x0B],
                "integer representation too long"
            ),
            ([0x41, 0x80, 0x80, 0x80, 0x80, 0x78, 0x1A, 0x0B], nil),
            ([0x41, 0x80, 0x80, 0x80, 0x80, 0x30, 0x1A, 0x0B], "integer too large"),
            ([0x20, 0x80], "unexpected end of section or function"),
            ([0x44, 0x00, 0x0B], "END opcode expected"),
            ([0xFC, 0x09, 0x00, 0x0B], "data count section required"),
            ([0x41, 0x00, 0x28, 0x80, 0x01, 0x00, 0x1A, 0x0B], "malformed memop flags"),
        ] as [([UInt8], String?)])
    func malformedCode(code: [UInt8], message: String?) throws {
        let error = try malformed(code)
        #expect(error?.message == message)
        if message != nil { #expect(error?.kind == .malformed) }
    }

    @Test func laterFeaturesAreNamed() throws {
        #expect(try malformed([0xFB, 0x00, 0x00, 0x0B])?.kind == .unsupported(.garbageCollection))
        #expect(try malformed([0xFE, 0x03, 0x00, 0x0B])?.kind == .unsupported(.threads))
        #expect(try malformed([0x12, 0x00, 0x0B])?.kind == .unsupported(.tailCalls))
        #expect(try malformed([0x14, 0x00, 0x0B])?.kind == .unsupported(.functionReferences))
        #expect(try malformed([0x1F, 0x40, 0x00, 0x0B])?.kind == .unsupported(.exceptions))
        #expect(try malformed([0xFC, 0x13, 0x0B])?.kind == .unsupported(.wideArithmetic))
        #expect(try malformed([0x3F, 0x01, 0x1A, 0x0B])?.kind == .unsupported(.multiMemory))
    }

    @Test(arguments: [
        (0x06, "try"), (0x07, "catch"), (0x09, "rethrow"), (0x18, "delegate"), (0x19, "catch_all"),
    ])
    func legacyExceptionHandlingIsNamed(opcode: UInt8, name: String) throws {
        let error = try malformed([opcode, 0x40, 0x0B])
        #expect(error?.kind == .unsupported(.legacyExceptions))
        #expect(error?.message == "\(name) (legacy exception handling)")
    }
}
