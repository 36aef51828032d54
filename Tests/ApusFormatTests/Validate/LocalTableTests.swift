import ApusFormat
import Testing

/// What is known of locals, of which there may be many more than are used.
@Suite struct LocalTableTests {
    @Test func onlyUsedLocalsAreListed() throws {
        let validator = try ValidationFixture.validator(
            FunctionType([.i32, .f64]),
            locals: Array(repeating: .i64, count: 20_000) + Array(repeating: .f32, count: 29_998)
        ) { code in
            for local in [1, 2, 65, 20_001, 20_002, 49_999] {
                code.emit(.localGet, UInt32(local))
                code.emit(.drop)
            }
            code.emit(.return)
            code.emit(.localGet, 3)
            code.emit(.drop)
        }
        var used: [Int] = []
        var types: [ValueType] = []
        var local = validator.analysis.locals.nextUsed(0)
        while local < validator.analysis.locals.count {
            used.append(local)
            types.append(validator.analysis.locals.type(local))
            local = validator.analysis.locals.nextUsed(local + 1)
        }
        #expect(validator.analysis.locals.count == 50_000)
        #expect(used == [1, 2, 65, 20_001, 20_002, 49_999])
        #expect(types == [.f64, .i64, .i64, .i64, .f32, .f32])
        #expect(validator.analysis.locals.usedEnd == 50_000)
        #expect(validator.analysis.locals.weight(3) == 0)
        #expect(validator.analysis.locals.nextUsed(66) == 20_001)
    }

    /// One function's locals are not another's.
    @Test func nothingStaysFromFunctionToFunction() throws {
        var builder = ModuleBuilder()
        builder.addFunction(FunctionType(), locals: Array(repeating: .i32, count: 1000)) { code in
            for local in 0..<1000 {
                code.emit(.localGet, UInt32(local))
                code.emit(.drop)
            }
        }
        builder.addFunction(FunctionType(), locals: Array(repeating: .f64, count: 500)) { code in
            code.emit(.localGet, 77)
            code.emit(.drop)
        }
        builder.addFunction(FunctionType()) { _ in }
        var validator = FunctionValidator(try builder.build())
        try validator.validate(0)
        #expect(validator.analysis.locals.usedEnd == 1000)
        try validator.validate(1)
        #expect(validator.analysis.locals.nextUsed(0) == 77)
        #expect(validator.analysis.locals.type(77) == .f64)
        #expect(validator.analysis.locals.nextUsed(78) == 500)
        try validator.validate(2)
        #expect(validator.analysis.locals.nextUsed(0) == 0)
        #expect(validator.analysis.locals.usedEnd == 0)
    }

    /// A local without a default is set or not in each function anew.
    @Test func localsWithoutDefaultsStartUnset() throws {
        let reference = ValueType.reference(.func, nullable: false)
        var builder = ModuleBuilder()
        builder.addFunction(FunctionType(), locals: [reference]) { code in
            code.emit(.refFunc, 0)
            code.emit(.localSet, 0)
            code.emit(.localGet, 0)
            code.emit(.drop)
        }
        builder.addFunction(FunctionType(), locals: [reference]) { code in
            code.emit(.localGet, 0)
            code.emit(.drop)
        }
        builder.export("f", .function(0))
        var validator = FunctionValidator(try builder.build())
        try validator.validate(0)
        #expect(throws: ModuleError.self) { try validator.validate(1) }
    }
}
