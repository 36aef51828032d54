import ApusCollections
import ApusFormat
import ApusTestSupport
import Testing

/// Modules made to cost much: they are refused by name, or cost what their bytes cost.
@Suite struct LargeModuleTests {
    /// Validates a function with `code` and no type.
    private func validate(
        _ code: [UInt8], locals: [(count: UInt32, type: UInt8)] = []
    ) throws(ModuleError) -> FunctionValidator {
        var body: [UInt8] = Self.number(locals.count)
        for group in locals { body += Self.number(Int(group.count)) + [group.type] }
        body += code
        var parts = DecodedModule.Parts(bytes: ByteStorage(body))
        parts.types = ModuleTypes([FunctionType()])
        parts.functions = [0]
        parts.bodies = [FunctionBody(start: 0, end: UInt32(body.count))]
        var validator = FunctionValidator(DecodedModule(parts))
        try validator.validate(0)
        return validator
    }

    private static func number(_ value: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        var rest = value
        repeat {
            bytes.append(UInt8(rest & 0x7F) | (rest > 0x7F ? 0x80 : 0))
            rest >>= 7
        } while rest != 0
        return bytes
    }

    private func error(
        _ code: [UInt8], locals: [(count: UInt32, type: UInt8)] = []
    ) -> ModuleError? {
        do throws(ModuleError) {
            _ = try validate(code, locals: locals)
            return nil
        } catch { return error }
    }

    @Test func aHundredThousandNestedBlocks() throws {
        let count = 100_000
        var code: [UInt8] = []
        for _ in 0..<count { code += [0x02, 0x40] }
        code += [UInt8](repeating: 0x0B, count: count + 1)
        let validator = try validate(code)
        #expect(validator.analysis.controls.count == count + 1)
        #expect(validator.analysis.controls[1].recordsAtEnd == UInt32(count + 1))
    }

    @Test func moreLocalsThanAllowed() {
        #expect(error([0x0B], locals: [(50_000, 0x7F)]) == nil)
        #expect(error([0x0B], locals: [(50_000, 0x7F), (1, 0x7E)])?.kind == .limit)
        #expect(error([0x0B], locals: [(.max, 0x7F)])?.kind == .limit)
        let overflow = error([0x0B], locals: [(1, 0x7F), (.max, 0x7F)])
        #expect(overflow?.kind == .malformed)
        #expect(overflow?.message == "too many locals")
    }

    /// Sets of assigned locals would take loops × locals bits: they have a limit.
    @Test func manyLoopsInAFunctionOfManyLocals() throws {
        var code: [UInt8] = []
        for _ in 0..<20_000 { code += [0x03, 0x40, 0x41, 0x00, 0x21, 0xC0, 0x00, 0x0B] }
        let validator = try validate(code + [0x0B], locals: [(50_000, 0x7F)])
        #expect(validator.analysis.controls.count == 20_001)
        #expect(validator.analysis.assignedPool.count <= 1 << 16)
    }

    /// Twice the constants cost twice the time, not four times: a million would not end.
    @Test func deepConstants() throws {
        let start = threadTime()
        func module(_ expression: ConstantExpression) throws -> DecodedModule {
            var builder = ModuleBuilder()
            builder.addGlobal(GlobalType(.i32, isMutable: false), expression)
            return try builder.build()
        }
        let count = 1_000_000
        let values = [ConstantExpression.Instruction](repeating: .i32Const(1), count: count)
        let sums = [ConstantExpression.Instruction](repeating: .i32Add, count: count - 1)
        try ModuleValidator.validate(try module(ConstantExpression(values + sums)))
        let error = #expect(throws: ModuleError.self) {
            try ModuleValidator.validate(try module(ConstantExpression(values)))
        }
        #expect(error?.message.hasPrefix("type mismatch: constant expression gives [i32") == true)
        #expect((error?.description.utf8.count ?? .max) < 300)
        #expect(threadTime() - start < .seconds(60))
    }

    @Test func branchTables() {
        let labels = [UInt8](repeating: 0, count: 65_521)
        #expect(error([0x41, 0x00, 0x0E] + Self.number(65_520) + labels + [0x0B]) == nil)
        let more = [0x41, 0x00, 0x0E] + Self.number(65_521) + labels + [0x00, 0x0B]
        #expect(error(more)?.kind == .limit)
        #expect(error([0x41, 0x00, 0x0E] + Self.number(65_520) + [0x0B])?.kind == .malformed)
    }

    @Test func thousandsOfTypesAreReadInTheirOrder() throws {
        var builder = ModuleBuilder()
        var expected: [FunctionType] = []
        let four: [ValueType] = [.i32, .i64, .f32, .f64]
        for index in 0..<4_096 {
            let types = (0..<6).map { four[index >> ($0 * 2) & 3] }
            expected.append(FunctionType(types))
            _ = builder.addType(FunctionType(types))
        }
        #expect(try builder.build().types == ModuleTypes(expected))
    }

    @Test func theGreatestFunctionIsRefusedBeyondItsLimit() {
        var limits = DecodingLimits()
        limits.functionBytes = 10
        var builder = ModuleBuilder()
        builder.addFunction(FunctionType()) { code in
            for _ in 0..<10 { code.emit(.nop) }
        }
        let bytes = ByteStorage(builder.encode())
        #expect(throws: ModuleError.self) { try ModuleDecoder.decode(bytes, limits: limits) }
        #expect(throws: Never.self) { try ModuleDecoder.decode(bytes) }
    }

    /// A size says nothing of what is not there.
    @Test func aBodyThatEndsEarlyIsNoLargeOne() throws {
        let size: [UInt8] = [0xFF, 0xFF, 0xFF, 0xFF, 0x0F]
        let bytes: [UInt8] = [0, 0x61, 0x73, 0x6D, 1, 0, 0, 0, 10, 7, 1] + size + [0]
        let error = try #require(throws: ModuleError.self) {
            try ModuleDecoder.decode(ByteStorage(bytes))
        }
        #expect(error.kind == .malformed)
        #expect(error.message == "unexpected end of section or function")
    }
}
